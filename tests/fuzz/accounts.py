"""An account without a network, and what its server and strangers send it."""

import asyncio
import copy
import logging
import ssl
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple, cast
from xml.etree import ElementTree as ET

from callboard.actors.account import Account
from callboard.actors.context import Context, Endpoint
from callboard.actors.messages.account import GetRoster, Invitation, PlaceCall
from callboard.actors.messages.bot import BotPort
from callboard.actors.messages.exchange import BotFailed, CallStatus
from callboard.actors.runtime.actor import AsyncioActor
from callboard.actors.xmpp.contact import Contact
from callboard.actors.xmpp.events import RequestAnswered, StanzaReceived, StreamOpened
from callboard.actors.xmpp.safe_reader import Reader
from callboard.actors.xmpp.stanza import CLIENT
from callboard.config import AccountSettings as Settings
from callboard.config.jid import comparable, normal_jid
from callboard.media import Network, ReceivePath, Silence
from callboard.tests.fuzz.stanzas import SEEDS, change
from callboard.tests.fuzz.streams import JID
from hypothesis import strategies as st
from pykka import ActorRegistry

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

OWN = "a@example.org"
PEER = "b@example.org/2"
_DELAY = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/>"
_CAPS = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>"
_PROPOSE = (
    "<propose xmlns='urn:xmpp:jingle-message:0' id='s'>"
    "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>"
)
_INVITE = (
    "<invite xmlns='urn:xmpp:call-invites:0' video='true'><jingle sid='s' jid='b@example.org/2'/>"
    "</invite>"
)


def _message(inner: str, sender: str = PEER, to: str = OWN, kind: str = "chat") -> str:
    attributes = f"from='{sender}' to='{to}' type='{kind}' id='m'"
    return f"<message xmlns='{CLIENT}' {attributes}>{inner}</message>"


def _copy(kind: str, message: str) -> str:
    return _message(
        f"<{kind} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>{_DELAY}"
        f"{message}</forwarded></{kind}>",
        OWN,
    )


def _iq(kind: str, inner: str, sender: str = PEER) -> str:
    return f"<iq xmlns='{CLIENT}' from='{sender}' to='{JID}' type='{kind}' id='i'>{inner}</iq>"


def _presence(inner: str = "", sender: str = PEER, kind: str = "") -> str:
    attribute = f" type='{kind}'" if kind else ""
    return f"<presence xmlns='{CLIENT}' from='{sender}' to='{OWN}'{attribute}>{inner}</presence>"


_ITEMS = (
    "<query xmlns='jabber:iq:roster' ver='1'>"
    "<item jid='b@example.org' name='B' subscription='both'><group>g</group></item>"
    "<item jid='c@example.org' subscription='remove'/></query>"
)
_FOUND = (
    "<query xmlns='http://jabber.org/protocol/disco#info' node='n#v'><identity category='client'"
    " type='pc' name='x'/><feature var='urn:xmpp:jingle:1'/></query>"
)
_SERVICES = (
    "<services xmlns='urn:xmpp:extdisco:2'><service type='turn' host='192.0.2.1' port='3478'"
    " transport='udp' username='u' password='p' expires='2030-01-01T00:00:00Z'/>"
    "<service type='turn' host='192.0.2.1' restricted='true'/></services>"
)
HEARD = [
    ET.fromstring(text)
    for text in [
        _message(f"<body>words</body>{_DELAY}"),
        _message("<body>words</body>", kind="groupchat"),
        _message("<error type='cancel'><x/></error>", kind="error"),
        _message("<received xmlns='urn:xmpp:receipts' id='m'/>"),
        _message(_PROPOSE),
        _message(_PROPOSE + _DELAY),
        *(
            _message(f"<{name} xmlns='urn:xmpp:jingle-message:0' id='s'/>")
            for name in ("ringing", "proceed", "reject", "retract", "finish")
        ),
        _message("<accept xmlns='urn:xmpp:jingle-message:0' id='s'/>", f"{OWN}/other"),
        _message(_INVITE),
        _copy("received", _message(_PROPOSE)),
        _copy("received", _message(_INVITE)),
        _copy("received", _message("<body>words</body>")),
        _copy("sent", _message("<body>words</body>", f"{OWN}/other", PEER)),
        _presence(f"<show>dnd</show><status>s</status><priority>-5</priority>{_CAPS}"),
        _presence(_CAPS),
        *(
            _presence(sender="b@example.org", kind=kind)
            for kind in ("unavailable", "subscribe", "subscribed", "unsubscribed", "probe", "error")
        ),
        _presence(sender=JID),
        _iq("set", _ITEMS, OWN),
        _iq("get", "<ping xmlns='urn:xmpp:ping'/>"),
        _iq("get", "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>"),
        _iq("get", "<query xmlns='http://jabber.org/protocol/disco#items'/>"),
        _iq("set", "<unknown xmlns='urn:example'/>"),
        *(
            _iq("set", ET.tostring(SEEDS[name], "unicode"))
            for name in ("initiate", "terminate", "candidate", "ringing")
        ),
    ]
]
ANSWERS = [
    ET.fromstring(text)
    for text in [
        *(_iq("result", inner, "") for inner in (_ITEMS, _FOUND, _SERVICES, "")),
        _iq("error", "<error type='cancel'><service-unavailable/></error>", ""),
    ]
]


#: Addresses, numbers and times at their edges, which `change` would seldom put in their places.
ODD = [
    "@", "a@", "@x", "a@x/", "a b@x", "a@@x", "a@b/c/d", "a@xn--", "a@xn--a", "a@[::1", "a@x\x00",
    "A@EXAMPLE.ORG/1", "\uff22@example.org/2", "b@example.org", "b@example.org/🎉",
    "a@" + "x" * 4000,
    "\ud800@x", "אa@x", JID, OWN, f"{OWN}/other", "example.org",
    "--5", "-", "+5", "-128", "128", "1e3", "٣", "-٣", "²",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-01T00:00:00Z", "0", "",
]  # fmt: skip


def _twist(draw: st.DrawFn, stanza: ET.Element) -> None:
    """Put something odd where an element has its words or one of its attributes."""
    element = draw(st.sampled_from(list(stanza.iter())))
    name = draw(st.sampled_from([None, *element.attrib]))
    if name is None:
        element.text = draw(st.sampled_from(ODD))
    else:
        element.set(name, draw(st.sampled_from(ODD)))


@st.composite
def _changed(draw: st.DrawFn, originals: list[ET.Element]) -> ET.Element:
    stanza = copy.deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        draw(st.sampled_from([change, _twist]))(draw, stanza)
    return stanza


#: What happens to an account: it hears a stanza, has a request answered, or is to call somebody.
happenings = st.one_of(
    st.tuples(st.just("hear"), _changed(HEARD)),
    st.tuples(st.just("answer"), st.one_of(st.none(), _changed(ANSWERS))),
    st.tuples(st.just("call"), st.just(None)),
)


class _Sink(AsyncioActor):
    """Takes reports and records."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[BotFailed] = []

    def on_receive(self, message: Any) -> None:
        """Take one."""
        if isinstance(message, BotFailed):
            self.failures.append(message)


class _Strict(Reader):
    """Drops what its sender did wrong; what is wrong with the parser is raised."""

    def read(self, parse: Callable[[*Ts], T], *written: *Ts) -> T | None:
        """Read something."""
        try:
            return parse(*written)
        except ValueError:
            return None


class _Bot:
    """Does nothing, and looks at what it is given."""

    name = "none"

    def path_of(self, sid: str) -> ReceivePath:
        """Count what comes in."""
        return ReceivePath.NONE

    async def started(self) -> None:
        """Nothing."""

    async def stopping(self) -> None:
        """Nothing."""

    async def called(self, call: Any, status: CallStatus) -> None:
        """See that the caller is an address."""
        assert normal_jid(status.peer) == status.peer

    async def text(self, sender: str, body: str) -> None:
        """See that the sender is an address."""
        assert normal_jid(sender) == sender
        assert body

    async def presence(self, contact: Contact) -> None:
        """See that contact and resources are addresses."""
        for jid in (contact.jid, *contact.resources):
            assert normal_jid(jid) == jid

    async def invited(self, invitation: Invitation) -> None:
        """See that there is somebody to call."""
        assert normal_jid(invitation.jid) == invitation.jid


class _Wire:
    """A stream that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[ET.Element] = []
        self.open: list[tuple[ET.Element, Any]] = []

    def transmit(self, stanza: ET.Element, *, at_leisure: bool = False) -> None:
        """Take a stanza."""
        del at_leisure
        self.sent.append(stanza)

    def request(self, to: str, kind: str, payload: ET.Element, about: object = None) -> None:
        """Take a request."""
        self.sent.append(ET.Element(f"{{{CLIENT}}}iq", {"to": to or OWN, "type": kind}))
        self.open.append((payload, about))

    def take(self, step: str) -> dict[str, float]:
        """Say that all steps are taken."""
        return {"roster": 0.0, "presence": 0.0}

    def settle(self) -> None:
        """Nothing."""

    def ask_for_acknowledgement(self) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""


class _Account(Account):
    """An account whose stream is a `_Wire`."""

    def on_start(self) -> None:
        """Connect to nothing."""
        strict = _Strict(OWN)
        for part in (self, self._contacts, self._ice_servers):
            cast("Any", part)._reader = strict
        self.wire = _Wire()
        self._session.stream = cast("Any", self.wire)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _context(sink: Any) -> Context:
    return Context(
        settings=Settings.model_validate({"jid": JID, "bot": "none", "password": "x"}),
        endpoint=Endpoint(None, None, False, _trust()),
        network=Network(("127.0.0.1",), (40000, 40010)),
        use_services=True,
        path=ReceivePath.NONE,
        largest_picture=1,
        recordings=Path(),
        writer=cast("Any", None),
        exchange=sink,
        log=sink,
        bot=lambda *_: cast("BotPort", _Bot()),
    )


async def live_through(happened: list[tuple[str, ET.Element | None]]) -> None:
    """Let an account live through things, and see that they cost no more than themselves."""
    sink = _Sink.start()
    ref = _Account.start(_context(sink))
    await ref.started
    actor = cast("_Account", ref._actor_weakref())
    wire = actor.wire
    ref.tell(StreamOpened(JID, resumed=False))
    await ref.request(GetRoster(), timeout=10)
    for verb, stanza in happened:
        before = len(wire.sent)
        if verb == "call":
            ref.tell(PlaceCall(PEER, Silence(), None, message=True))
        elif verb == "hear" and stanza is not None:
            ref.tell(StanzaReceived(stanza))
        elif wire.open:
            ref.tell(RequestAnswered(wire.open.pop(0)[1], stanza))
        for _ in range(3):
            await ref.request(GetRoster(), timeout=10)
        assert ref.is_alive()
        assert len(wire.sent) - before < 64
    for stanza in wire.sent:
        to = stanza.get("to")
        assert to is None or comparable(to) == normal_jid(to) == to
    ref.stop(block=False)
    assert await ref.ended is None
    assert not cast("_Sink", sink._actor_weakref()).failures
    sink.stop(block=False)
    await sink.ended
    assert not ActorRegistry.get_all()


def quietly(happened: list[tuple[str, ET.Element | None]]) -> None:
    """Do so without a word in the log."""
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(live_through(happened))
    finally:
        logging.disable(logging.NOTSET)
