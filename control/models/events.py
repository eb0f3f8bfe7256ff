"""What happens in an instance: what ``--json`` prints, and what clients are told."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from .base import MOST_KEPT, Command, Result
from .detail_record import CountedMedia, DetailRecord
from .load import LoadCheck, LoadMeasured, LoadPhaseSummary
from .text import Text


class TimedEvent(Result):
    """Something that happened.

    Attributes:
        time: when (ISO 8601, UTC).
        event: what.
    """

    time: str
    event: str


class AccountChangedEvent(TimedEvent):
    """An account's stream changed."""

    event: Literal["AccountChanged"]
    jid: str
    state: Literal["connecting", "online", "leaving", "waiting", "failed", "closed", "ended"]
    detail: Text = ""


class AccountRemovedEvent(TimedEvent):
    """An account that a reload has removed is gone."""

    event: Literal["AccountRemoved"]
    jid: str


class AccountReadyEvent(TimedEvent):
    """A login is complete; each step has its seconds since the login began."""

    event: Literal["AccountReady"]
    jid: str
    steps: dict[str, float]


class PresenceReturnedEvent(TimedEvent):
    """The server has announced a presence of ours."""

    event: Literal["PresenceReturned"]
    jid: str
    status: Text
    show: str = ""


class ReceiptReceivedEvent(TimedEvent):
    """A message of ours was received (XEP-0184)."""

    event: Literal["ReceiptReceived"]
    account: str
    sender: str
    id: Text


class ChatMessageEvent(TimedEvent):
    """A message of a conversation came in, or was sent; `messages` tells what it says.

    Attributes:
        account: our bare JID.
        peer: the peer's JID.
        direction: in or out.
        author: who wrote it: the peer, our bot, or a person.
        id: the stanza's.
    """

    event: Literal["ChatMessage"]
    account: str
    peer: str
    direction: Literal["in", "out"]
    author: Literal["peer", "bot", "person"]
    id: Text


class ChatMessageBouncedEvent(TimedEvent):
    """A message of ours came back: nobody has received it."""

    event: Literal["ChatMessageBounced"]
    account: str
    peer: str
    id: Text


class LiveMedia(CountedMedia):
    """What is sent and received of a kind while a call goes on."""

    reordered: int = 0
    freezes: int = 0
    frozen_ms: float = 0.0
    peer_lost: int | None = None
    peer_jitter_ms: float | None = None
    peer_mos: float | None = None


class LiveGuest(Result):
    """Somebody who listens to a call at a page, or talks in it.

    Attributes:
        name: who.
        part: ``received`` and ``sent`` hear that direction, ``join`` is heard beside the bot,
            ``take-over`` in its place.
        at: when that began, in seconds after the call began.
        role: what allows it.
    """

    name: Text
    part: Literal["received", "sent", "join", "take-over"]
    at: float
    role: str


class LiveCall(Result):
    """How a call stands; `callboard.actors.messages.exchange.CallStatus` says what it all means."""

    id: Text
    account: str
    peer: str
    direction: Literal["in", "out"]
    phase: Literal["proposed", "ringing", "connecting", "connected", "ended"]
    media: tuple[str, ...]
    seconds: float = 0.0
    steps: dict[str, float] = Field(default_factory=dict)
    statistics: tuple[LiveMedia, ...] = ()
    held: bool = False
    muted: tuple[str, ...] = ()
    holds: bool = False
    mutes: tuple[str, ...] = ()
    recording: bool = False
    guests: tuple[LiveGuest, ...] = ()


class CallStatusEvent(LiveCall, TimedEvent):
    """How a call stands: at each step, and once a second while media flows."""

    event: Literal["CallStatus"]


class DigitPressedEvent(TimedEvent):
    """A peer has pressed a key; which one is told if ``calls.keep_digits`` is on."""

    event: Literal["DigitPressed"]
    id: Text
    account: str
    peer: str
    digit: str | None


class BotFailedEvent(TimedEvent):
    """A bot's code raised."""

    event: Literal["BotFailed"]
    account: str
    bot: str
    error: Text


class CallRecordEvent(DetailRecord, TimedEvent):
    """A call has ended."""

    event: Literal["CallRecord"]


class FinishedRecordingEvent(TimedEvent):
    """A recording was finished that an earlier run had left."""

    event: Literal["FinishedRecording"]
    path: Text
    seconds: float
    bytes: int


class RecordingsRemovedEvent(TimedEvent):
    """What was too old or too much was removed, as ``keep:`` in the file says.

    Attributes:
        recordings: how many recordings.
        octets: how large they were.
        aged: how many of them were too old; the others were too much.
        ladders: how many ladders.
        records: how many detail records.
        is_all: whether nothing is left to be removed now.
    """

    event: Literal["RecordingsRemoved"]
    recordings: int
    octets: int
    aged: int
    ladders: int
    records: int
    is_all: bool


class LogEvent(TimedEvent):
    """A line of the log.

    Attributes:
        level: as DEBUG, INFO, WARNING or ERROR.
        logger: who says it.
        message: what is said.
        account: whose bot says it, or None.
        exception: what was raised, with where, or None.
    """

    event: Literal["Log"]
    level: str
    logger: str
    message: Text
    account: str | None = None
    exception: Text | None = None


class LoadPhaseEvent(TimedEvent):
    """A phase of a load run begins or ends.

    Attributes:
        title: what it is called.
        state: which of the two.
        at: seconds since the run began.
    """

    event: Literal["LoadPhase"]
    title: Text
    state: Literal["began", "ended"]
    at: float


class LoadPointEvent(LoadMeasured, TimedEvent):
    """How a load run goes, each second."""

    event: Literal["LoadPoint"]


class LoadVerdictEvent(TimedEvent):
    """A load run is over, and this is what it has shown.

    Attributes:
        status: whether it has passed.
        sentence: the whole in one sentence.
        checks: the thresholds.
        phases: how each one has ended.
        warnings: what speaks against the measurement, a sentence each.
    """

    event: Literal["LoadVerdict"]
    status: Literal["passed", "failed", "wrong plan", "aborted"]
    sentence: Text
    checks: tuple[LoadCheck, ...]
    phases: tuple[LoadPhaseSummary, ...] = ()
    warnings: tuple[Text, ...]


class GapEvent(TimedEvent):
    """A reader was too slow, and was not told everything.

    Attributes:
        missed: how much.
    """

    event: Literal["Gap"]
    missed: int


class NowEvent(TimedEvent):
    """What comes after it happens from now on, if a client wants to know where that begins."""

    event: Literal["Now"]


AnyEvent = Annotated[
    AccountChangedEvent
    | AccountRemovedEvent
    | AccountReadyEvent
    | PresenceReturnedEvent
    | ReceiptReceivedEvent
    | ChatMessageEvent
    | ChatMessageBouncedEvent
    | CallStatusEvent
    | DigitPressedEvent
    | BotFailedEvent
    | CallRecordEvent
    | FinishedRecordingEvent
    | RecordingsRemovedEvent
    | LogEvent
    | LoadPhaseEvent
    | LoadPointEvent
    | LoadVerdictEvent
    | GapEvent
    | NowEvent,
    Field(discriminator="event"),
]
#: Reads an event of any kind.
EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent, config=ConfigDict(defer_build=True))


class StreamResult(Result):
    """The end of what was told."""


class EventsCommand(Command[StreamResult]):
    """Ask what happens; events come until the request is cancelled.

    Attributes:
        follow: tell what happens from now on too.
        last: how many of those that are kept come first.
        only: the kinds that are told, as ``CallRecord``; none: all.
        mark: tell with an event ``Now`` where what was kept ends.
    """

    name: ClassVar[str] = "events"
    result = StreamResult

    follow: bool = False
    last: Annotated[int, Field(ge=0, le=MOST_KEPT)] = MOST_KEPT
    only: Annotated[tuple[str, ...], Field(max_length=32)] = ()
    mark: bool = False


class LogsCommand(Command[StreamResult]):
    """Ask for the log; lines come as events until the request is cancelled.

    Attributes:
        follow: tell what is logged from now on too.
        last: how many of the lines that are kept come first.
    """

    name: ClassVar[str] = "logs"
    result = StreamResult

    follow: bool = False
    last: Annotated[int, Field(ge=0, le=MOST_KEPT)] = 100
