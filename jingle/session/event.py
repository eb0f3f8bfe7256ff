"""The events that `Session.receive` returns. Acknowledge the IQ, then act on them.

Each is frozen. ``content`` is the name of the content in Jingle; candidates carry the
mid that aiortc knows.
"""

from dataclasses import dataclass, field

from msgspec import Struct

from ..model.candidate import Candidate
from ..model.info import Info
from ..model.reason import Reason
from ..model.role import Senders


class Initiated(Struct, frozen=True):
    """The peer offers a session.

    Attributes:
        offer: SDP for setRemoteDescription.
        media: The kinds in it: ``audio``, ``video``, ``application`` (data channels).
    """

    offer: str
    media: tuple[str, ...]


class Accepted(Struct, frozen=True):
    """The peer accepted our offer.

    Attributes:
        answer: SDP for setRemoteDescription, with the candidates that came earlier.
    """

    answer: str


class Unacceptable(Struct, frozen=True):
    """The peer's request is well-formed, but we can't carry it (XEP-0166 §6.4).

    Acknowledge the IQ. Then send `Session.terminate` with the reason if ``contents`` is empty, or
    `Session.reject_contents` with the contents that it names.

    Attributes:
        reason: What can't be carried.
        text: A sentence for people.
        contents: The contents of a content-add or session-accept; empty if it is the session.
        lacking: Whether the offer only lacks what may come in a later stanza, such as the
            fingerprint in a transport-info (XEP-0320 §3). If you wait, `Initiated` follows when it
            comes; `Session.settle` ends the wait.
        media: The kinds of a lacking offer.
    """

    reason: Reason
    text: str
    contents: tuple[str, ...] = ()
    lacking: bool = False
    media: tuple[str, ...] = ()


class CandidatesReceived(Struct, frozen=True):
    """The peer trickled candidates (XEP-0176 §5.6). Those that can't be used are left out.

    Attributes:
        content: Name of the content.
        candidates: Each with ``sdp_mid`` and a ``to_sdp()`` that aiortc reads.
    """

    content: str
    candidates: tuple[Candidate, ...]


class GatheringComplete(Struct, frozen=True):
    """The peer has no further candidates for a content."""

    content: str


class IceRestarted(Struct, frozen=True):
    """The peer restarted ICE for a content (XEP-0176 §5.7), or for the bundle that it is in.

    Attributes:
        content: Name of the content.
        mid: Its mid in the descriptions.
        ufrag: The peer's new user name fragment.
        pwd: The peer's new password.
        description: The peer's whole description as it stands now.
    """

    content: str
    mid: str
    ufrag: str
    pwd: str
    description: str


class InfoReceived(Struct, frozen=True):
    """The peer told its state (XEP-0167 §7), for one content or, with None, for all."""

    info: Info
    content: str | None = None


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The peer presses a key, and tells so in a stanza (XEP-0181).

    Attributes:
        digit: One of 0-9, *, # and A-D. Not shown, as it may be part of a PIN.
    """

    digit: str = field(repr=False)


class ContentAdded(Struct, frozen=True):
    """The peer offers more contents: answer by `accept_contents` or `reject_contents`.

    Attributes:
        contents: Names of the new contents.
        offer: The peer's whole description with the new contents.
        media: The kind of each new content.
    """

    contents: tuple[str, ...]
    offer: str
    media: tuple[str, ...]


class ContentAccepted(Struct, frozen=True):
    """The peer accepted contents that we added.

    Attributes:
        contents: Their names.
        answer: The peer's whole description.
    """

    contents: tuple[str, ...]
    answer: str


class ContentRejected(Struct, frozen=True):
    """The peer refused contents that we added."""

    contents: tuple[str, ...]
    reason: Reason | None
    text: str


class ContentRemoved(Struct, frozen=True):
    """The peer removed contents. If ``remaining`` is False none is left: end the session."""

    contents: tuple[str, ...]
    reason: Reason | None
    text: str
    remaining: bool


class ContentModified(Struct, frozen=True):
    """The peer changed who sends a content.

    Attributes:
        content: Name of the content.
        senders: Who sends from now on.
        description: The peer's whole description as it stands now.
    """

    content: str
    senders: Senders
    description: str


class DescriptionReceived(Struct, frozen=True):
    """The peer suggested other parameters for a content (XEP-0166 §7.2.6). Nothing must be done."""

    content: str


class TransportReplaced(Struct, frozen=True):
    """The peer wants other transports for contents: answer by `Session.reject_transport`."""

    contents: tuple[str, ...]


class Terminated(Struct, frozen=True):
    """The peer ended the session.

    Attributes:
        reason: None if the peer gave none that XEP-0166 §7.4 defines.
        text: A sentence for people; may be empty.
        alternative: Session id to use instead, with the reason alternative-session.
    """

    reason: Reason | None
    text: str
    alternative: str | None = None


Event = (
    Initiated
    | Accepted
    | Unacceptable
    | CandidatesReceived
    | GatheringComplete
    | IceRestarted
    | InfoReceived
    | DtmfReceived
    | ContentAdded
    | ContentAccepted
    | ContentRejected
    | ContentRemoved
    | ContentModified
    | DescriptionReceived
    | TransportReplaced
    | Terminated
)
