"""The events that a peer connection reports."""

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from ..frames.frame import Kind
from .rtp.telephone_event import DigitBegan, DigitEnded

if TYPE_CHECKING:
    from ..sources.playback import Playback


class IceChecking(Struct, frozen=True):
    """Connectivity checks began (RFC 8445 §6.1.4).

    Attributes:
        at: `loop.time()` in seconds.
    """

    at: float


class IceConnected(Struct, frozen=True):
    """Every transport of the connection has a nominated pair (RFC 8445 §8).

    Attributes:
        at: `loop.time()` in seconds.
        pairs: The nominated pairs, one for each transport, in words: our candidate and the peer's.
    """

    at: float
    pairs: tuple[str, ...] = ()


class Connected(Struct, frozen=True):
    """ICE and DTLS are done and the fingerprint is right: media may flow (RFC 5763).

    Attributes:
        at: `loop.time()` in seconds.
    """

    at: float


class IceRenewed(Struct, frozen=True):
    """After an ICE restart, a transport's media use the newly nominated pair.

    Attributes:
        at: `loop.time()` in seconds.
        pair: The pair, in words: our candidate and the peer's.
    """

    at: float
    pair: str = ""


class AddressLost(Struct, frozen=True):
    """Media went out through an address that this machine has lost: restart ICE.

    Repeated after a while if that did not help.

    Attributes:
        address: The IP address.
        at: `loop.time()` in seconds.
    """

    address: str
    at: float


class FirstMedia(Struct, frozen=True):
    """The first RTP packet of a kind came in.

    Attributes:
        kind: "audio" or "video".
        at: `loop.time()` in seconds.
    """

    kind: Kind
    at: float


class MediaBegan(Struct, frozen=True):
    """The first RTP packet of a kind went out.

    Attributes:
        kind: "audio" or "video".
    """

    kind: Kind


class KeyframeAsked(Struct, frozen=True):
    """A key frame of video was asked for (PLI, RFC 4585 §6.3.1).

    Attributes:
        by_peer: Whether the peer asked us, or we asked the peer.
    """

    by_peer: bool


class KeyframeCame(Struct, frozen=True):
    """The key frame that we had asked the peer for came in."""


class VideoUnseen(Struct, frozen=True):
    """Video comes in, but for seconds nothing of it can be shown: the peer sends no key frame.

    It is asked for one each second. Told once each time.

    Attributes:
        at: `loop.time()` in seconds.
    """

    at: float


class PlaybackEnded(Struct, frozen=True):
    """A source is not played any more: it has ended, or was stopped, replaced or removed.

    Attributes:
        playback: Which one; its `failure` says why it ended early.
    """

    playback: "Playback"


class PlaybackStuck(Struct, frozen=True):
    """A source that is played gives nothing, so that nothing goes out. Told once.

    Attributes:
        playback: Which one.
        seconds: For how long so far.
    """

    playback: "Playback"
    seconds: float


class DataOpened(Struct, frozen=True):
    """A data channel can be used (RFC 8831).

    Attributes:
        label: The name that its opener gave it.
    """

    label: str


class DataReceived(Struct, frozen=True):
    """A message came in over a data channel.

    Attributes:
        data: Text or bytes, 64 KiB at most.
    """

    data: str | bytes


class DataClosed(Struct, frozen=True):
    """The last data channel is closed; the call goes on."""


class MediaFailed(Struct, frozen=True):
    """The connection can't carry media, and closes itself.

    Attributes:
        reason: The Jingle reason (XEP-0166 §7.4) that fits: "connectivity-error" (ICE),
            "failed-transport" (DTLS) or "security-error" (wrong fingerprint).
        text: One sentence for a person.
        stage: What failed: to connect by ICE, the DTLS handshake, or what had connected.
        own: Our ICE candidates until then, in words.
        theirs: The peer's.
    """

    reason: str
    text: str
    stage: Literal["ice", "dtls", "media"] = "media"
    own: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


class Closed(Struct, frozen=True):
    """Nothing is left of the connection: no task, no socket, no thread. The last event.

    Attributes:
        by_peer: The peer shut its DTLS down (RFC 8446 §6.1, close_notify) before we did.
    """

    by_peer: bool = False


MediaEvent = (
    IceChecking
    | IceConnected
    | Connected
    | IceRenewed
    | AddressLost
    | FirstMedia
    | MediaBegan
    | KeyframeAsked
    | KeyframeCame
    | VideoUnseen
    | PlaybackEnded
    | PlaybackStuck
    | DigitBegan
    | DigitEnded
    | DataOpened
    | DataReceived
    | DataClosed
    | MediaFailed
    | Closed
)
