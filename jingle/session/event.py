"""The events that `Session.receive` returns. Acknowledge the IQ, then act on them.

Each is a frozen dataclass. ``content`` is the name of the content in Jingle; candidates carry the
mid that aiortc knows.
"""

from dataclasses import dataclass

from ..model.candidate import Candidate
from ..model.info import Info
from ..model.reason import Reason
from ..model.role import Senders


@dataclass(frozen=True, slots=True)
class Initiated:
    """The peer offers a session.

    Attributes:
        offer: SDP for setRemoteDescription.
        media: What it wants to carry: ``audio``, ``video``, ``application`` (data channels).
    """

    offer: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The peer accepted our offer.

    Attributes:
        answer: SDP for setRemoteDescription, candidates that came earlier included.
    """

    answer: str


@dataclass(frozen=True, slots=True)
class Unacceptable:
    """The peer's request is well-formed, but nothing that can be carried (XEP-0166 §6.4).

    Acknowledge the IQ; then send `Session.terminate` with the reason if ``contents`` is empty,
    or `Session.reject_contents` with those that it names.

    Attributes:
        reason: What can't be carried.
        text: A sentence for people.
        contents: Those that a content-add or session-accept named; empty if it is the session.
        lacking: The offer only lacks what may come in a further stanza, such as the fingerprint in
            a transport-info (XEP-0320 §3). Whoever waits gets `Initiated` when it has come;
            `Session.settle` ends the wait.
        media: The kinds that a lacking offer is for.
    """

    reason: Reason
    text: str
    contents: tuple[str, ...] = ()
    lacking: bool = False
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CandidatesReceived:
    """The peer trickled candidates that can be used (XEP-0176 §5.6); others are left out.

    Attributes:
        content: Name of the content.
        candidates: Each with ``sdp_mid`` and a ``to_sdp()`` that aiortc reads.
    """

    content: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class GatheringComplete:
    """The peer has no further candidates for a content."""

    content: str


@dataclass(frozen=True, slots=True)
class IceRestarted:
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


@dataclass(frozen=True, slots=True)
class InfoReceived:
    """The peer tells a state of its own; ``content`` None means all contents (XEP-0167 §7)."""

    info: Info
    content: str | None = None


@dataclass(frozen=True, slots=True)
class ContentAdded:
    """The peer offers further contents: answer with accept_content or reject_content.

    Attributes:
        contents: Names of the new contents.
        offer: The peer's whole description with the new contents.
        media: The kind of each new content.
    """

    contents: tuple[str, ...]
    offer: str
    media: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContentAccepted:
    """The peer accepted contents that we added.

    Attributes:
        contents: Their names.
        answer: The peer's whole description.
    """

    contents: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class ContentRejected:
    """The peer refused contents that we added."""

    contents: tuple[str, ...]
    reason: Reason | None
    text: str


@dataclass(frozen=True, slots=True)
class ContentRemoved:
    """The peer took contents away. With ``remaining`` False none is left: terminate the session."""

    contents: tuple[str, ...]
    reason: Reason | None
    text: str
    remaining: bool


@dataclass(frozen=True, slots=True)
class ContentModified:
    """The peer changed who sends a content.

    Attributes:
        content: Name of the content.
        senders: Who sends from now on.
        description: The peer's whole description as it stands now.
    """

    content: str
    senders: Senders
    description: str


@dataclass(frozen=True, slots=True)
class DescriptionReceived:
    """The peer hinted at other parameters of a content (XEP-0166 §7.2.6): nothing need be done."""

    content: str


@dataclass(frozen=True, slots=True)
class TransportReplaced:
    """The peer wants other transports for contents: answer with `Session.reject_transport`."""

    contents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terminated:
    """The peer ended the session.

    Attributes:
        reason: None if it gave none that XEP-0166 §7.4 defines.
        text: For people, may be empty.
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
    | ContentAdded
    | ContentAccepted
    | ContentRejected
    | ContentRemoved
    | ContentModified
    | DescriptionReceived
    | TransportReplaced
    | Terminated
)
