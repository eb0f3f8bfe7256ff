"""From a connection to a session: TLS, SASL, a resource, stream management.

One of these stands for one try of one account, and is let go of when the session is there. It
follows RFC 6120 §5 (STARTTLS), §6 (SASL), §7 (binding) and XEP-0198 §3, §5 (enabling, resumption);
where the server has it, XEP-0388 with what can be had inline: a resource (XEP-0386), stream
management, a session that is still there, a token for the next login (XEP-0484). All of that is one
round trip in the place of five.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import Protocol
from xml.etree.ElementTree import Element

from ...config.jid import Jid, parse_jid
from .fast import Fast, TokenMechanism
from .inline_offer import BIND2, TOKEN_USED, InlineOffer, bind_request, token_request, user_agent
from .markup import escape
from .resumption import SM, Resumption
from .sasl import (
    ImpostorError,
    Mechanism,
    choose,
    derivation,
    prepared,
    salted_password,
)
from .sasl_profile import SASL, SASL2, PlainProfile, SaslProfile, data, profile_of
from .stanza import CLIENT, error_condition
from .stream_end import Remedy, read_refusal

STREAMS = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"

#: Refusals that are about a mechanism and not about who logs in: another one may do.
_OF_THE_MECHANISM = frozenset({"invalid-mechanism", "mechanism-too-weak", "encryption-required"})

#: Mechanisms that prove to know the password and do not give it away.
_PROVES = ("SCRAM-", "DIGEST-", "CRAM-")
_NO_MECHANISM = (
    "the server offers no login mechanism that is safe to use: enable SCRAM-SHA-1 or "
    "SCRAM-SHA-256 there"
)

_STARTTLS = f"<starttls xmlns='{TLS}'/>"


class Connection(Protocol):
    """What a login does with the connection that it is about."""

    def tls_version(self) -> str:
        """Return the version of TLS that is on, such as ``TLSv1.3``, or "" without TLS."""

    def channel_binding(self) -> bytes:
        """Return what SCRAM can bind to, or nothing."""

    def send_raw(self, data: str | bytes) -> None:
        """Send text as it is."""

    def secure(self) -> None:
        """Begin with TLS, and a new stream after it."""

    def restart(self) -> None:
        """Begin a new stream on the same connection."""

    def took(self, step: str) -> None:
        """Hear that a step of the login is done."""

    def opened(self, jid: str, *, resumed: bool) -> None:
        """Hear that there is a session."""

    def refuse(self, reason: str, remedy: Remedy) -> None:
        """Hear why there will be none, and what follows."""


class _Awaits(Enum):
    """What a login waits for; whatever else the server says then is passed over."""

    FEATURES = auto()
    TLS = auto()
    SASL = auto()
    BINDING = auto()
    SESSION = auto()
    RESUMPTION = auto()
    NOTHING = auto()


class Login:
    """One try to log in.

    Args:
        connection: what it is about.
        jid: the account's JID, with the resource to bind.
        password: its password.
        resumption: the session to go on with, if it has one.
        fast: the token to log in with, if it has one.
        keeps_resource: whether the resource is to be that one and no other.
    """

    def __init__(
        self,
        connection: Connection,
        jid: Jid,
        password: str,
        resumption: Resumption,
        *,
        fast: Fast,
        keeps_resource: bool,
    ) -> None:
        self._connection = connection
        self._jid = jid
        self._password = password
        self._resumption = resumption
        self._fast = fast
        self._keeps_resource = keeps_resource
        self._profile: SaslProfile = PlainProfile()
        self._inline = InlineOffer()
        self._wish = ""
        self._mechanism: Mechanism | TokenMechanism | None = None
        self._offered: frozenset[str] = frozenset()
        self._refusal = _NO_MECHANISM, Remedy.CHECK
        self._awaits = _Awaits.FEATURES
        self._deriving = False
        self._authenticated = False
        self._has_resource = False
        self._managed = False
        self._with_session = False

    def receive(self, element: Element) -> None:
        """Take what the server says, and answer it; what has no place in a login is passed over."""
        step = _STEPS.get((self._awaits, element.tag))
        if step is not None:
            step(self, element)

    def end(self) -> None:
        """Take no more part: what is still being computed is not sent."""
        self._mechanism = None
        self._awaits = _Awaits.NOTHING

    # -- what the server offers --------------------------------------------------------------------

    def _features(self, element: Element) -> None:
        if not self._connection.tls_version():
            self._begin_tls(element)
        elif not self._authenticated:
            self._profile = profile_of(element)
            self._offered = self._profile.mechanisms(element)
            self._inline = InlineOffer.read(element)
            self._authenticate()
        else:
            self._managed = element.find(f"{{{SM}}}sm") is not None
            if self._has_resource:
                self._open()
                return
            session = element.find(f"{{{SESSION}}}session")
            optional = session is None or session.find(f"{{{SESSION}}}optional") is not None
            self._with_session = not optional
            if self._managed and self._resumption.id:
                self._awaits = _Awaits.RESUMPTION
                self._connection.send_raw(self._resumption.resume())
            else:
                self._resumption.forget()
                self._bind()

    # -- TLS ---------------------------------------------------------------------------------------

    def _begin_tls(self, features: Element) -> None:
        if features.find(f"{{{TLS}}}starttls") is None:
            self._connection.refuse(
                "the server offers no TLS on this port: switch it on there, or set server.tls to "
                "direct if the port speaks TLS from the first byte",
                Remedy.CHECK,
            )
        else:
            self._awaits = _Awaits.TLS
            self._connection.send_raw(_STARTTLS)

    def _proceed(self, _: Element) -> None:
        self._awaits = _Awaits.FEATURES
        self._connection.secure()

    def _tls_failure(self, _: Element) -> None:
        self._connection.refuse(
            "the server could not begin with TLS: look at its log", Remedy.AGAIN
        )

    # -- SASL --------------------------------------------------------------------------------------

    def _authenticate(self) -> None:
        version = self._connection.tls_version()
        domain = self._jid.domain
        try:
            credentials = {
                "username": prepared(self._jid.local),
                "password": prepared(self._password),
                "authzid": b"",
                "channel_binding": self._connection.channel_binding(),
                "realm": domain.encode(),
                "host": domain.encode(),
                "service": b"xmpp",
                "service-name": b"",
            }
        except ValueError:
            self._connection.refuse(
                "the name or the password has a character that can't be sent (RFC 4013): "
                "choose another one",
                Remedy.GIVE_UP,
            )
            return
        binding = credentials["channel_binding"]
        mechanism = self._fast.mechanism(
            self._inline.tokens, credentials["username"], binding
        ) or choose(self._offered, credentials, version)
        self._mechanism = mechanism
        if mechanism is not None:
            self._awaits = _Awaits.SASL
            first = mechanism.process()
            inline = self._requests(mechanism, binding) if self._profile.takes_inline else ""
            self._connection.send_raw(self._profile.authenticate(mechanism.name, first, inline))
        else:
            self._connection.refuse(*self._refusal)

    def _requests(self, mechanism: Mechanism | TokenMechanism, binding: bytes) -> str:
        """Return what is asked for together with the login."""
        inline, requests = self._inline, [user_agent(self._fast.client)]
        if isinstance(mechanism, TokenMechanism):
            self._wish = mechanism.name
            requests.append(TOKEN_USED)
        elif wish := self._fast.wish(inline.tokens, binding):
            self._wish = wish
            requests.append(token_request(wish))
        resumes = bool(self._resumption.id)
        if resumes and inline.resumes:
            requests.append(self._resumption.resume())
        # What can't be resumed inline is resumed before a resource is bound.
        if inline.binds and not self._keeps_resource and (inline.resumes or not resumes):
            requests.append(bind_request(enables=inline.enables))
        return "".join(requests)

    def _challenged(self, element: Element) -> None:
        if self._mechanism is None or self._deriving:
            return
        challenge = data(element)
        arguments = derivation(self._mechanism, challenge)
        if arguments is None:
            self._respond(challenge)
            return
        self._deriving = True
        # Milliseconds to hundreds of them, without the GIL: not for the loop's thread.
        deriving = asyncio.get_running_loop().run_in_executor(None, salted_password, *arguments)
        deriving.add_done_callback(partial(self._derived, self._mechanism, challenge))

    def _derived(self, mechanism: object, challenge: bytes, _: "asyncio.Future[bytes]") -> None:
        self._deriving = False
        if mechanism is self._mechanism:
            self._respond(challenge)  # which finds the salted password remembered

    def _respond(self, challenge: bytes) -> None:
        assert self._mechanism is not None  # noqa: S101 - the callers look
        try:
            answer = self._mechanism.process(challenge)
        except ImpostorError:
            self._impostor()
        except Exception:  # whatever slixmpp makes of a challenge without sense
            self._connection.send_raw(f"<abort xmlns='{self._profile.namespace}'/>")
        else:
            text = b64encode(answer or b"").decode()
            self._connection.send_raw(
                f"<response xmlns='{self._profile.namespace}'>{text}</response>"
            )

    def _succeeded(self, element: Element) -> None:
        mechanism, self._mechanism = self._mechanism, None
        if mechanism is None:
            return
        try:
            mechanism.process(self._profile.proof(element))
        except Exception:  # no proof, or none that can be read
            self._impostor()
            return
        self._authenticated = True
        self._awaits = _Awaits.FEATURES
        self._connection.took("sasl")
        if not self._profile.takes_inline:
            self._connection.restart()
            return
        if isinstance(mechanism, TokenMechanism):
            self._fast.used(mechanism)
        self._fast.granted(self._wish, element)
        self._succeeded_inline(element)

    def _succeeded_inline(self, success: Element) -> None:
        """Take what came with the login; features follow (XEP-0388 §2.6.2)."""
        resumed, lost = success.find(f"{{{SM}}}resumed"), success.find(f"{{{SM}}}failed")
        bound, refused = success.find(f"{{{BIND2}}}bound"), success.find(f"{{{BIND2}}}failed")
        if resumed is not None:
            self._resumed(resumed)
            return
        if lost is not None:
            self._resumption.not_resumed(lost)
        if refused is not None:
            self._not_bound(refused)
        elif bound is not None and self._take_address(
            success.findtext(f"{{{SASL2}}}authorization-identifier", "")
        ):
            enabled = bound.find(f"{{{SM}}}enabled")
            self._has_resource = True
            if enabled is not None:
                self._resumption.enable()
                self._resumption.enabled(enabled)
                self._opened()
            else:
                self._resumption.forget()

    def _wants_more(self, _: Element) -> None:
        self._connection.refuse(
            "the server wants more than a password (XEP-0388 §2.6.3), which Callboard can't give: "
            "let the account log in without there",
            Remedy.GIVE_UP,
        )

    def _impostor(self) -> None:
        self._connection.refuse(
            "the server could not prove that it knows the password (RFC 5802 §5): check "
            "server.host, somebody may stand in between",
            Remedy.GIVE_UP,
        )

    def _sasl_failure(self, element: Element) -> None:
        if self._mechanism is None:
            return
        condition, remedy, words = read_refusal(element, SASL)
        if isinstance(self._mechanism, TokenMechanism):
            # Servers go on with tokens alone on that stream, so the password is for a new one.
            self._connection.refuse(
                "the server no longer takes the token of the last login: the password is next",
                Remedy.AGAIN,
            )
            return
        self._refusal = (words, remedy)
        if condition not in _OF_THE_MECHANISM:
            self._connection.refuse(words, remedy)
            return
        # Whoever was offered a proof is not given the password itself (RFC 6120 §13.8.4).
        name = self._mechanism.name
        proves = name.startswith(_PROVES)
        self._offered = frozenset(
            one for one in self._offered if one != name and (one.startswith(_PROVES) or not proves)
        )
        self._authenticate()

    # -- the session -------------------------------------------------------------------------------

    def _bind(self) -> None:
        self._awaits = _Awaits.BINDING
        resource = escape(self._jid.resource)
        wanted = f"<resource>{resource}</resource>" if resource else ""
        self._connection.send_raw(
            f"<iq type='set' id='bind'><bind xmlns='{BIND}'>{wanted}</bind></iq>"
        )

    def _bound(self, iq: Element) -> None:
        if iq.get("id") != "bind" or iq.get("type") not in ("result", "error"):
            return
        if iq.get("type") == "error":
            self._not_bound(iq)
            return
        if not self._take_address(iq.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid", "")):
            return
        if self._with_session:  # as servers before RFC 6121 want it
            self._awaits = _Awaits.SESSION
            self._connection.send_raw(
                f"<iq type='set' id='session'><session xmlns='{SESSION}'/></iq>"
            )
        else:
            self._open()

    def _take_address(self, text: str) -> bool:
        """Take the full JID that the server gives; tell whether there is one."""
        try:
            self._jid = parse_jid(text.strip()) if text.strip() else self._jid
        except ValueError as error:
            self._connection.refuse(f"the server gave no address: {error}", Remedy.LATER)
            return False
        self._connection.took("bind")
        return True

    def _session_begun(self, iq: Element) -> None:
        match iq.get("id"), iq.get("type"):
            case "session", "result":
                self._open()
            case "session", "error":
                self._not_bound(iq)

    def _not_bound(self, refusal: Element) -> None:
        """Hear that the resource is not to be had (RFC 6120 §7.7)."""
        condition = error_condition(refusal)
        remedy, words = _NOT_BOUND.get(condition, (Remedy.LATER, "look at its log"))
        self._connection.refuse(f"the server gave no resource ({condition}): {words}", remedy)

    def _open(self) -> None:
        if self._managed:
            self._connection.send_raw(self._resumption.enable())
        self._opened()

    def _opened(self) -> None:
        self._awaits = _Awaits.NOTHING
        self._connection.opened(str(self._jid), resumed=False)

    def _resumed(self, element: Element) -> None:
        self._awaits = _Awaits.NOTHING
        self._resumption.resumed(element)
        self._connection.opened(str(self._jid), resumed=True)

    def _not_resumed(self, element: Element) -> None:
        self._resumption.not_resumed(element)
        self._bind()


#: Why a resource is not given (RFC 6120 §7.6.2, §7.7.2).
_NOT_BOUND = {
    "bad-request": (Remedy.GIVE_UP, "choose another resource"),
    "conflict": (Remedy.RENAME, "another program, or an earlier run, is still logged in with it"),
    "resource-constraint": (Remedy.LATER, "too many programs are logged in to the account"),
    "not-allowed": (Remedy.LATER, "too many programs are logged in to the account"),
    "internal-server-error": (Remedy.AGAIN, "it has a fault of its own; look at its log"),
}

_STEPS: dict[tuple[_Awaits, str], Callable[[Login, Element], None]] = {
    (_Awaits.FEATURES, f"{{{STREAMS}}}features"): Login._features,  # noqa: SLF001
    (_Awaits.TLS, f"{{{TLS}}}proceed"): Login._proceed,  # noqa: SLF001
    (_Awaits.TLS, f"{{{TLS}}}failure"): Login._tls_failure,  # noqa: SLF001
    (_Awaits.SASL, f"{{{SASL}}}challenge"): Login._challenged,  # noqa: SLF001
    (_Awaits.SASL, f"{{{SASL}}}success"): Login._succeeded,  # noqa: SLF001
    (_Awaits.SASL, f"{{{SASL}}}failure"): Login._sasl_failure,  # noqa: SLF001
    (_Awaits.SASL, f"{{{SASL2}}}challenge"): Login._challenged,  # noqa: SLF001
    (_Awaits.SASL, f"{{{SASL2}}}success"): Login._succeeded,  # noqa: SLF001
    (_Awaits.SASL, f"{{{SASL2}}}failure"): Login._sasl_failure,  # noqa: SLF001
    (_Awaits.SASL, f"{{{SASL2}}}continue"): Login._wants_more,  # noqa: SLF001
    (_Awaits.BINDING, f"{{{CLIENT}}}iq"): Login._bound,  # noqa: SLF001
    (_Awaits.SESSION, f"{{{CLIENT}}}iq"): Login._session_begun,  # noqa: SLF001
    (_Awaits.RESUMPTION, f"{{{SM}}}resumed"): Login._resumed,  # noqa: SLF001
    (_Awaits.RESUMPTION, f"{{{SM}}}failed"): Login._not_resumed,  # noqa: SLF001
}
