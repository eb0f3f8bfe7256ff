"""What a call is told."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from xml.etree.ElementTree import Element

from ...jingle import Reason
from ...ladder.ladder import Ladder
from ...media import BOTH, Direction, MediaEvent, SpeechOptions
from ...media import CallOver as CallOver  # noqa: PLC0414 - it is imported from here too
from ..records.call_record import OtherCall
from ..records.recording_outcome import RecordingOutcome
from ..runtime.ask import Ask
from ..runtime.future import AsyncioFuture
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef
from ..xmpp.events import IqAnswered
from .exchange import CallStatus
from .guest import GuestRef

if TYPE_CHECKING:
    from ...media import (
        ConnectionMedia,
        Directions,
        ImageFormat,
        Kind,
        Network,
        Playback,
        ReaderQueue,  # noqa: F401 - in quotes below
        Source,
        Speech,  # noqa: F401 - in quotes below
        Writer,
    )

R_co = TypeVar("R_co", covariant=True)


# -- by its bot ------------------------------------------------------------------------------------


class MidCallRequest(Ask["CallActorMessage", R_co]):
    """Something that a bot asks of its call while it goes on; `CallOver` is raised after that.

    To add one, write its message, name it in the union below, and give the method that does it, in
    the part of the call that it belongs to, ``@handles``. The parameter is the type of the answer.
    """

    __slots__ = ()


@message
class Answer(Ask["CallActorMessage", AsyncioFuture[None]]):
    """Take the call: answered with a future that is done when media flows.

    Attributes:
        audio, video: what is sent; None sends nothing of that kind and still receives it.
        record: whether both directions are recorded.
        wav: record audio as stereo WAV in the place of Ogg or Matroska.
        prefer: codecs that are answered before the others, by their RTP encoding names.
    """

    audio: "Source | None"
    video: "Source | None"
    record: bool = False
    wav: bool = False
    prefer: tuple[str, ...] = ()


@message
class Decline(MidCallRequest[None]):
    """Refuse a call that rings here; raises `ValueError` if there is nothing to refuse any more."""

    reason: Reason = Reason.DECLINE


@message
class Hangup:
    """End the call, whatever it is doing; before an answer this declines or withdraws it."""

    reason: Reason = Reason.SUCCESS
    text: str = ""


#: What a peer does that can end a playback: it presses a key, or says what counts as speech.
Cue = Literal["digit"] | SpeechOptions


@message
class Started:
    """What a call has begun to play.

    Attributes:
        playback: it; the call's actor alone changes it.
        ended: done when it is not played any more; raises `SourceError` or `CallOver`.
    """

    playback: "Playback"
    ended: AsyncioFuture[None]


@message
class Play(MidCallRequest[Started]):
    """Send another source from now on.

    Attributes:
        kind: of what is sent.
        source: what to play.
        until: ends it early when it is done; cancelled when it has ended.
        cue: what else ends it early: that the peer speaks, or presses a key.
    """

    kind: Literal["audio", "video"]
    source: "Source"
    until: asyncio.Future[Any] | None = None
    cue: Cue | None = None


@message
class SeekPlayback(MidCallRequest[None]):
    """Go to another moment of what is played, in seconds since its beginning."""

    playback: "Playback"
    seconds: float


@message
class SetGain(MidCallRequest[None]):
    """Make what is played louder or softer."""

    playback: "Playback"
    decibels: float


@message
class StopPlayback(MidCallRequest[None]):
    """Play something no more, if it still is played."""

    playback: "Playback"


@message
class RecordingBegun:
    """A recording goes on, or did.

    Attributes:
        number: which of the call's recordings it is.
        path: where its file is to be, as the call stood when it began; without suffix if nothing
            was negotiated then.
        ended: settled with what became of it, however it ends.
    """

    number: int
    path: Path
    ended: AsyncioFuture[RecordingOutcome]


@message
class Record(MidCallRequest[RecordingBegun]):
    """Begin another recording.

    Attributes:
        directions: what is recorded.
        wav: record audio as WAV in the place of Ogg or Matroska.
    """

    directions: "Directions" = BOTH
    wav: bool = False


@message
class GetRecordings(MidCallRequest[tuple[RecordingBegun, ...]]):
    """Answered with all recordings of the call, in the order in which they began."""


@message
class StopRecording:
    """End one of the call's recordings, if it goes on."""

    number: int


@message
class Mute(MidCallRequest[None]):
    """Send silence or black in the place of what is played, and say so (XEP-0167 §8)."""

    kind: Literal["audio", "video"]
    on: bool


@message
class Pause(MidCallRequest[AsyncioFuture[None]]):
    """Send nothing of a kind, or go on, once the peer knows of it (XEP-0166 §7.2.3).

    Answered with a future that is done when that is so; it raises `CallOver` if the peer refuses.
    """

    kind: Literal["audio", "video"]
    on: bool


@message
class Hold(MidCallRequest[None]):
    """Put the peer on hold, or take it back (XEP-0167 §8).

    Attributes:
        on: hold, or resume.
        music: what the peer hears meanwhile; None: silence.
    """

    on: bool
    music: "Source | None" = None


@message
class AddMedia(MidCallRequest[AsyncioFuture[None]]):
    """Add audio or video in mid-call (XEP-0166 §7.2.2).

    Answered with a future that is done when the peer has taken it; it raises `CallOver` if not.
    """

    kind: Literal["audio", "video"]
    source: "Source"


@message
class RemoveMedia(MidCallRequest[AsyncioFuture[None]]):
    """Take audio or video away in mid-call (XEP-0166 §7.2.5).

    Answered with a future that is done when the peer has taken it; it raises `CallOver` if not:
    then silence or black goes on.
    """

    kind: Literal["audio", "video"]


@message
class Press(MidCallRequest[AsyncioFuture[None]]):
    """Press keys; answered with a future that is done when the last one has been sent.

    Attributes:
        digits: the keys, with commas that wait; not shown, as they may be a PIN.
        seconds: for how long each is pressed.
    """

    digits: str = field(repr=False)
    seconds: float


@message
class ListenToDigits(MidCallRequest[AsyncIterator[str]]):
    """Answered with an async iterator of the keys that the peer presses; each is read once.

    Attributes:
        fresh: whether those that were pressed before are forgotten.
    """

    fresh: bool = False


@message
class SendData(MidCallRequest[None]):
    """Send text or octets on the call's data channel (XEP-0343)."""

    data: str | bytes


@message
class RestartIce(MidCallRequest[None]):
    """Look for a way to the peer anew while media go on (RFC 8445 §9)."""


@message
class PeerState:
    """What the other end of a call does not hear, or does not send, for now (XEP-0167 §8).

    Attributes:
        held: the call is on hold.
        muted: the kinds of media that are muted, or not sent at all.
    """

    held: bool = False
    muted: frozenset[str] = frozenset()


@message
class JoinedMedia:
    """What a call gives to the room or the bridge that it is in.

    Attributes:
        media: its audio and video.
        state: its peer's.
        recordings: the folder that its account records into.
        writer: the thread that writes for all recordings.
    """

    media: "ConnectionMedia"
    state: PeerState
    recordings: Path
    writer: "Writer"


@message
class Join(MidCallRequest[JoinedMedia]):
    """Be in a room or a bridge, and in no other. It raises ValueError if the call is in one.

    Attributes:
        by: the actor of the room or bridge. When that has ended, the call is free again.
        tell_states: whether it is told `PeerChanged`, as a bridge wants.
    """

    by: AsyncioActorRef[Any]
    tell_states: bool = False


@message
class Bridged:
    """Note for the record whose peer ours hears from now on, until the call leaves the bridge.

    Attributes:
        by: the bridge's actor; of another one it changes nothing.
        to: the other call.
    """

    by: AsyncioActorRef[Any]
    to: OtherCall


@message
class MixBegun:
    """Note for the record that what all say in the room is recorded.

    Attributes:
        recording: of the mix.
        at: when it began, in seconds of `loop.time()`.
        left: settled when the call has left the room; if it was the last one there, once the file
            is whole. Then its record can tell how long it is.
    """

    recording: RecordingBegun
    at: float
    left: AsyncioFuture[None]


@message
class GetIdentity(MidCallRequest[OtherCall]):
    """Answered with what another call's record says of this one."""


@message
class GetCodecs(MidCallRequest[tuple[str, ...]]):
    """Answered with the codec of each kind of media, for another call to prefer.

    Before the media are negotiated there are none.
    """


@message
class PassOn:
    """Tell the peer how the other end of the bridge is, until the call leaves it.

    Attributes:
        by: the bridge's actor; of another one it changes nothing.
        state: of the other end.
    """

    by: AsyncioActorRef[Any]
    state: PeerState


@message
class Leave:
    """Be free for others.

    Attributes:
        by: the actor of the room or bridge; of another one it changes nothing.
    """

    by: AsyncioActorRef[Any]


@message
class Wait(Ask["CallActorMessage", AsyncioFuture[Any]]):
    """Answered with a future that is done when the call is there, or over.

    Attributes:
        until: ``connected`` gives None, or raises `CallOver`; ``over`` gives a sentence about why,
            as soon as that is so; ``ended`` gives the detail record.
    """

    until: Literal["connected", "over", "ended"]


@message
class TakeSnapshot(MidCallRequest[AsyncioFuture[bytes]]):
    """Make an image of what the peer shows: answered with a future of the file's content.

    It raises `SnapshotError` if the peer shows nothing, ValueError if no video is received, and
    `CallOver` at the call's end.

    Attributes:
        format: of the image.
        name: who at a page looks, for the record; "" for the bot.
        role: what allows it.
    """

    format: "ImageFormat"
    name: str = ""
    role: str = ""


@message
class Listen(MidCallRequest["ReaderQueue[Any]"]):
    """Answered with the decoded frames of a kind.

    Attributes:
        kind: audio or video.
        rate: of audio, samples a second, in Hz.
        layout: of audio, ``mono`` or ``stereo``.
        limit: how many may wait for a slow reader.
    """

    kind: Literal["audio", "video"]
    rate: int = 48000
    layout: str = "stereo"
    limit: int = 50


@message
class ListenForSpeech(MidCallRequest["ReaderQueue[Speech]"]):
    """Answered with `SpeechBegan` and `SpeechEnded`, as they happen."""

    options: SpeechOptions


class GuestKind(StrEnum):
    """What somebody at a page does in a call."""

    #: It hears and sees what the peer sends.
    RECEIVED = "received"
    #: It hears and sees what is sent to the peer.
    SENT = "sent"
    #: The peer hears it beside the bot.
    JOIN = "join"
    #: The peer hears and sees it in the place of the bot.
    TAKE_OVER = "take-over"

    @property
    def direction(self) -> Direction | None:
        """What it hears; None: it talks."""
        return None if self.talks else Direction(self.value)

    @property
    def talks(self) -> bool:
        """Whether the peer hears it."""
        return self in (GuestKind.JOIN, GuestKind.TAKE_OVER)


class OfferError(ValueError):
    """The offer of a page can't be used; the message is a sentence that says what would do."""


class GuestRefused(Exception):  # noqa: N818 - what happened, not a fault
    """A call takes no guest, or not this one, now.

    Attributes:
        why: ``early``: it is not connected; ``full``: it has too many; ``talking``: somebody talks
            in it already.
    """

    def __init__(self, why: Literal["early", "full", "talking"], sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


@message
class GuestAdmitted:
    """Somebody at a page is about to hear a call, or to talk in it.

    Attributes:
        guest: its actor; stop it to let it go.
        answer: settled with the answer to the page's offer, as SDP, with all candidates. It raises
            `MediaError` if there is none, and `CallOver` if it has gone before that.
        why: settled with a sentence about why it goes, before the page can notice that.
        over: settled with the same sentence, when nothing of it is left.
    """

    guest: GuestRef
    answer: AsyncioFuture[str]
    why: AsyncioFuture[str]
    over: AsyncioFuture[str]


@message
class AdmitGuest(MidCallRequest[GuestAdmitted]):
    """Let somebody at a page hear the call, or talk in it.

    It raises `OfferError` if the offer can't be used, and `GuestRefused` if the call takes no such
    guest. Who takes over may do so before the call is connected, and answers one that rings.

    Attributes:
        kind: what it does.
        offer: the page's offer, as SDP: only to receive, or only to send.
        name: who it is, for the record.
        role: what allows it, for the record.
        network: the addresses and ports for the page.
        ends_call: whether the call ends when the guest goes, as one that it has placed itself.
    """

    kind: GuestKind
    offer: str
    name: str
    role: str
    network: "Network"
    ends_call: bool = False


@message
class GetStatus(Ask["CallActorMessage", CallStatus]):
    """Answered with a `CallStatus`."""


@message
class GetLadder(Ask["CallActorMessage", Ladder]):
    """Answered with the call's ladder as far as it has grown; without rungs where they are off."""


# -- by its account and conversation ---------------------------------------------------------------


@message
class JingleReceived:
    """A Jingle IQ of this session.

    Attributes:
        sender: full JID of who sent it.
        iq: the id to answer.
        jingle: the ``<jingle/>``.
    """

    sender: str
    iq: str
    jingle: Element


@message
class TraceStanza:
    """A message about this call, for its ladder; what it means for the call is told apart.

    Attributes:
        stanza: the ``<message/>``.
        way: whether it came in, or we have sent it.
        at: when, on `time.monotonic`'s clock; now, if left out.
    """

    stanza: Element
    way: Literal["in", "out"] = "in"
    at: float = field(default_factory=time.monotonic)


@message
class StreamChanged:
    """The account's stream was lost, or is there again.

    Attributes:
        state: the account's.
        detail: a sentence, or "".
    """

    state: str
    detail: str


@message
class PeerRinging:
    """The peer's device rings (XEP-0353 §3.1)."""

    sender: str


@message
class PeerProceeds:
    """The peer takes the call on this device (XEP-0353 §3.3).

    Attributes:
        sender: full JID of the device.
        refused: the kinds of content that it can't take, by its capabilities.
    """

    sender: str
    refused: frozenset[str] = frozenset()


@message
class PeerRejects:
    """The peer does not take the call (XEP-0353 §3.4)."""

    reason: Reason | None


@message
class PeerRetracts:
    """The peer withdraws its proposal (XEP-0353 §3.2)."""

    reason: Reason | None


@message
class PeerFinishes:
    """The peer says in a message that the session is over (XEP-0353 §3.6)."""

    reason: Reason | None


@message
class HandledElsewhere:
    """Another resource of ours took the call, or refused it (XEP-0353 §3.3, §3.4)."""

    answered: bool


@message
class TieLost:
    """Both proposed at once and the peer's proposal is the one that stands (XEP-0353 §4)."""


@message
class PeerUnreachable:
    """Our proposal came back: the server could not deliver it.

    Attributes:
        sender: who says so; it counts from the address that the proposal went to.
        stanza: the error that it came back with.
    """

    sender: str
    stanza: Element | None = None


@message
class DrainCall:
    """The account logs out: end now."""


# -- by its own tasks, timers and media ------------------------------------------------------------


@message
class Negotiated:
    """The WebRTC stack has done what it was asked for.

    Attributes:
        run: which of all runs of it that was.
        sdp: our description; None where the peer's was taken.
    """

    run: int
    sdp: str | None


@message
class AnswerForeseen:
    """The WebRTC stack will answer the peer's offer so.

    Attributes:
        sdp: our description.
        said: set once the stream has it: the stack makes it then.
    """

    sdp: str
    said: AsyncioFuture[None]


@message
class NegotiationFailed:
    """The WebRTC stack could not go along.

    Attributes:
        run: which of all runs of it that was.
        reason: the Jingle reason that fits.
        text: a sentence.
    """

    run: int
    reason: Reason
    text: str


@message
class Media:
    """Something happened on the peer connection.

    Attributes:
        event: what.
        at: when, on `time.monotonic`'s clock.
    """

    event: MediaEvent
    at: float


@message
class Interrupted:
    """What a source was to be played until has come.

    Attributes:
        playback: what is not to go on.
        error: what was raised in its place; None if nothing was.
    """

    playback: "Playback"
    error: BaseException | None


@message
class Pressed:
    """The keys of a `Press` have been sent.

    Attributes:
        number: which of the call's.
        sent: false if the audio ended before that.
    """

    number: int
    sent: bool


@message
class RecordingPlaced:
    """A recorder knows where its files go.

    Attributes:
        number: which of the call's recordings it is.
        bases: their paths without suffix.
    """

    number: int
    bases: tuple[str, ...]


@message
class KeyframeNeeded:
    """A recording can't begin with the video of a direction before a key frame comes.

    Attributes:
        direction: whether we sent or received it.
    """

    direction: Direction


@message
class RecordingFailed:
    """Something is not in a recording, or nothing more will be.

    Attributes:
        number: which of the call's recordings it is.
        why: a sentence with a remedy.
        is_over: whether it has ended with that.
    """

    number: int
    why: str
    is_over: bool


@message
class GuestConnected:
    """A guest's page is connected.

    Attributes:
        number: which of the call's guests it is.
        kinds: the kinds of media that are agreed with it.
    """

    number: int
    kinds: "tuple[Kind, ...]"


@message
class GuestGone:
    """A guest has gone.

    Attributes:
        number: which of the call's guests it was.
    """

    number: int


@message
class Darkened:
    """The last that is sent of a kind that is to be removed is silence or black."""

    kind: Literal["audio", "video"]


@message
class Overdue:
    """A deadline passed.

    Attributes:
        what: the `CallState` that the call is still in, or what else was waited for.
    """

    what: StrEnum | Literal["auto", "add", "parts", "restart", "ring"]


@message
class RingLongEnough:
    """It has rung for as long as the account's policy wants."""


@message
class Tick:
    """It is time to tell how the call goes."""


@message
class BotDone:
    """The bot's ``on_call`` returned.

    Attributes:
        error: what it raised, or None.
    """

    error: BaseException | None


@message
class Finished:
    """The recorder and the peer connection are closed."""

    nothing: None


#: What the actor of a call takes. XEP-0353 has call messages too: those are `jingle.CallMessage`.
CallActorMessage = (
    IqAnswered
    | Answer
    | Decline
    | Hangup
    | Play
    | SeekPlayback
    | SetGain
    | StopPlayback
    | Record
    | GetRecordings
    | StopRecording
    | Mute
    | Pause
    | Hold
    | AddMedia
    | RemoveMedia
    | Press
    | ListenToDigits
    | SendData
    | RestartIce
    | Wait
    | Join
    | Leave
    | PassOn
    | Bridged
    | MixBegun
    | GetIdentity
    | GetCodecs
    | TakeSnapshot
    | AdmitGuest
    | GuestConnected
    | GuestGone
    | Listen
    | ListenForSpeech
    | GetStatus
    | GetLadder
    | JingleReceived
    | TraceStanza
    | StreamChanged
    | PeerRinging
    | PeerProceeds
    | PeerRejects
    | PeerRetracts
    | PeerFinishes
    | HandledElsewhere
    | TieLost
    | PeerUnreachable
    | DrainCall
    | AnswerForeseen
    | Negotiated
    | NegotiationFailed
    | Media
    | Interrupted
    | Pressed
    | RecordingPlaced
    | KeyframeNeeded
    | RecordingFailed
    | Darkened
    | Overdue
    | RingLongEnough
    | Tick
    | BotDone
    | Finished
)
CallRef = AsyncioActorRef[CallActorMessage]
