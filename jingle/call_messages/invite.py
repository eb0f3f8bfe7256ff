"""Call invites: asking someone to join an existing call (XEP-0482)."""

from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from .. import namespaces as ns
from ..errors import RemoteProtocolError
from ..model import limits
from ..xml.attributes import children, required, some, text_of


class JingleMethod(Struct, frozen=True):
    """Join by a Jingle session (XEP-0482 §3).

    Attributes:
        sid: The session id.
        jid: Whom to call; None means the sender of the invite.
    """

    sid: str
    jid: str | None = None


class ExternalMethod(Struct, frozen=True):
    """Join by a URI, such as ``tel:`` or ``https:``."""

    uri: str


Method = JingleMethod | ExternalMethod


class Invite(Struct, frozen=True):
    """An invitation to a call (XEP-0482 §3.1). Answers name the id of its message.

    Attributes:
        methods: Ways to join, the preferred one first.
        audio: Whether the call has audio.
        video: Whether the call has video.
        multi: Whether the call may have more than two parties.
    """

    methods: tuple[Method, ...]
    audio: bool = True
    video: bool = False
    multi: bool = False

    def to_element(self) -> Element:
        """Return the ``<invite/>``."""
        element = Element(f"{{{ns.CALL_INVITE}}}invite")
        for key, value, usual in (
            ("audio", self.audio, True),
            ("video", self.video, False),
            ("multi", self.multi, False),
        ):
            if value is not usual:
                element.set(key, "true" if value else "false")
        for method in self.methods:
            _write_method(element, method)
        return element


class InviteAnswer(Struct, frozen=True):
    """An answer to an invite, or its end (XEP-0482 §3.2 to §3.5).

    Attributes:
        verb: ``accept``, ``reject``, ``retract`` or ``left``.
        id: The id of the invite's message.
        method: For an accept, how the sender joins.
    """

    verb: str
    id: str
    method: Method | None = None

    def to_element(self) -> Element:
        """Return the ``<accept/>``, ``<reject/>``, ``<retract/>`` or ``<left/>``."""
        element = Element(f"{{{ns.CALL_INVITE}}}{self.verb}", {"id": self.id})
        if self.method is not None:
            _write_method(element, self.method)
        return element


_VERBS = frozenset({"accept", "reject", "retract", "left"})


def parse_invite(element: Element) -> Invite | InviteAnswer | None:
    """Read a child of ``<message/>``.

    Args:
        element: Any child element.

    Returns:
        The invite, or an answer to one. None if the element is another one or malformed: messages
        are not answered with errors.
    """
    namespace, _, name = str(element.tag).rpartition("}")
    if namespace != "{" + ns.CALL_INVITE:
        return None
    try:
        if name == "invite":
            return Invite(
                _read_methods(element),
                audio=_flag(element, "audio", usual=True),
                video=_flag(element, "video", usual=False),
                multi=_flag(element, "multi", usual=False),
            )
        if name in _VERBS:
            identifier = required(element, "id", limits.IDENTIFIER)
            return InviteAnswer(name, identifier, next(iter(_read_methods(element)), None))
    except RemoteProtocolError:
        return None
    return None


def _flag(element: Element, key: str, *, usual: bool) -> bool:
    value = text_of(element, key)
    return usual if value is None else value in {"true", "1"}


def _read_methods(element: Element) -> tuple[Method, ...]:
    jingle = f"{{{ns.CALL_INVITE}}}jingle"
    external = f"{{{ns.CALL_INVITE}}}external"
    elements = (
        *children(element, jingle, limits.INVITES),
        *children(element, external, limits.INVITES),
    )
    return some(_read_method, elements)


def _read_method(element: Element) -> Method:
    if element.tag.endswith("external"):
        return ExternalMethod(required(element, "uri"))
    return JingleMethod(
        required(element, "sid", limits.IDENTIFIER),
        text_of(element, "jid", limits.ATTRIBUTE) or None,
    )


def _write_method(element: Element, method: Method) -> None:
    if isinstance(method, ExternalMethod):
        SubElement(element, f"{{{ns.CALL_INVITE}}}external", {"uri": method.uri})
        return
    child = SubElement(element, f"{{{ns.CALL_INVITE}}}jingle", {"sid": method.sid})
    if method.jid is not None:
        child.set("jid", method.jid)
