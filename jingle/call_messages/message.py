"""Call messages: ringing before there is a session (XEP-0353, Jingle Message Initiation).

They travel in ``<message type='chat'/>`` with a hint to store them. The elements here are the child
that says what happens.
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from .. import namespaces as ns
from ..errors import RemoteProtocolError
from ..model import limits
from ..model.reason import Reason
from ..xml.attributes import children, readable, text_of
from ..xml.reader import read_reason
from ..xml.writer import write_reason


class Propose(Struct, frozen=True):
    """Someone wants to call. Sent to the callee's bare JID (XEP-0353 §3.1).

    Attributes:
        id: Session id of the call to come.
        media: ``audio``, ``video`` or both, in the order named; empty for a call of another kind.
    """

    id: str
    media: tuple[str, ...]

    def to_element(self) -> Element:
        """Return the ``<propose/>``."""
        element = _element("propose", self.id)
        for kind in self.media:
            SubElement(element, f"{{{ns.RTP}}}description", {"media": kind})
        return element


class Ringing(Struct, frozen=True):
    """A device of the callee rings. Sent to the caller's full JID (XEP-0353 §3.2)."""

    id: str

    def to_element(self) -> Element:
        """Return the ``<ringing/>``."""
        return _element("ringing", self.id)


class Proceed(Struct, frozen=True):
    """The callee accepts on this device; session-initiate may follow (XEP-0353 §3.4)."""

    id: str

    def to_element(self) -> Element:
        """Return the ``<proceed/>``."""
        return _element("proceed", self.id)


class Accept(Struct, frozen=True):
    """The callee accepted. Sent to its own other devices (XEP-0353 before 0.4)."""

    id: str

    def to_element(self) -> Element:
        """Return the ``<accept/>``."""
        return _element("accept", self.id)


class Reject(Struct, frozen=True):
    """The callee refuses the call (XEP-0353 §3.5).

    Attributes:
        id: Session id of the proposed call.
        reason: Why, such as busy or decline; None if not given.
        tie_break: Whether it is because the sender's own proposal wins (§5).
        text: A sentence for people; may be empty.
    """

    id: str
    reason: Reason | None = None
    tie_break: bool = False
    text: str = ""

    def to_element(self) -> Element:
        """Return the ``<reject/>``."""
        return _ending("reject", self.id, self.reason, self.text, tie_break=self.tie_break)


class Retract(Struct, frozen=True):
    """The caller takes the proposal back (XEP-0353 §3.3). Attributes as for `Reject`."""

    id: str
    reason: Reason | None = None
    tie_break: bool = False
    text: str = ""

    def to_element(self) -> Element:
        """Return the ``<retract/>``."""
        return _ending("retract", self.id, self.reason, self.text, tie_break=self.tie_break)


class Finish(Struct, frozen=True):
    """The call is over, for the archive (XEP-0353 §3.7).

    Attributes:
        id: Session id of the call.
        reason: Why; None if not given.
        migrated_to: Session id of the call that replaces it (§6).
        text: A sentence for people; may be empty.
    """

    id: str
    reason: Reason | None = None
    migrated_to: str | None = None
    text: str = ""

    def to_element(self) -> Element:
        """Return the ``<finish/>``."""
        element = _ending("finish", self.id, self.reason, self.text)
        if self.migrated_to is not None:
            SubElement(element, f"{{{ns.CALL_MESSAGE}}}migrated", {"to": self.migrated_to})
        return element


CallMessage = Propose | Ringing | Proceed | Accept | Reject | Retract | Finish


def _element(name: str, identifier: str) -> Element:
    return Element(f"{{{ns.CALL_MESSAGE}}}{name}", {"id": identifier})


def _ending(
    name: str, identifier: str, reason: Reason | None, text: str, *, tie_break: bool = False
) -> Element:
    element = _element(name, identifier)
    write_reason(element, reason, text)
    if tie_break:
        SubElement(element, f"{{{ns.CALL_MESSAGE}}}tie-break")
    return element


def _propose(element: Element, identifier: str) -> Propose:
    kinds = readable(
        lambda each: text_of(each, "media"),
        children(element, f"{{{ns.RTP}}}description", limits.CONTENTS),
    )
    media = dict.fromkeys(kind for kind in kinds if kind in {"audio", "video"})
    return Propose(identifier, tuple(str(kind) for kind in media))


def _reject(element: Element, identifier: str) -> Reject:
    reason, text, _ = read_reason(element)
    return Reject(identifier, reason, _has_tie_break(element), text)


def _retract(element: Element, identifier: str) -> Retract:
    reason, text, _ = read_reason(element)
    return Retract(identifier, reason, _has_tie_break(element), text)


def _finish(element: Element, identifier: str) -> Finish:
    reason, text, _ = read_reason(element)
    migrated = element.find(f"{{{ns.CALL_MESSAGE}}}migrated")
    target = text_of(migrated, "to", limits.IDENTIFIER) if migrated is not None else None
    return Finish(identifier, reason, target or None, text)


def _has_tie_break(element: Element) -> bool:
    return element.find(f"{{{ns.CALL_MESSAGE}}}tie-break") is not None


_READERS: dict[str, Callable[[Element, str], CallMessage]] = {
    "propose": _propose,
    "ringing": lambda _, identifier: Ringing(identifier),
    "proceed": lambda _, identifier: Proceed(identifier),
    "accept": lambda _, identifier: Accept(identifier),
    "reject": _reject,
    "retract": _retract,
    "finish": _finish,
}


def parse_call_message(element: Element) -> CallMessage | None:
    """Read a child of ``<message/>``.

    Args:
        element: Any child element.

    Returns:
        The call message. None if the element is another one or malformed: messages are not answered
        with errors.
    """
    namespace, _, name = str(element.tag).rpartition("}")
    reader = _READERS.get(name)
    if namespace != "{" + ns.CALL_MESSAGE or reader is None:
        return None
    try:
        identifier = text_of(element, "id", limits.IDENTIFIER)
        return reader(element, identifier) if identifier else None
    except RemoteProtocolError:
        return None
