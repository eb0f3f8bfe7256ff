"""One call: a peer connection, a Jingle session, and everything that can happen to them."""

import asyncio
import logging
from typing import Any

from ...jingle import (
    Accepted,
    CandidatesReceived,
    ContentModified,
    ContentRemoved,
    DtmfReceived,
    Event,
    IceRestarted,
    Info,
    InfoReceived,
    Initiated,
    Reason,
    Terminated,
    Unacceptable,
)
from ...ladder.ladder import Ladder
from ..garbage_collection import QuietLooks
from ..messages.call import (
    BotDone,
    CallActorMessage,
    CallOver,
    Darkened,
    DrainCall,
    Finished,
    GetLadder,
    GetStatus,
    HandledElsewhere,
    Hangup,
    JingleReceived,
    Media,
    MidCallRequest,
    Negotiated,
    NegotiationFailed,
    Overdue,
    PeerFinishes,
    PeerProceeds,
    PeerRejects,
    PeerRetracts,
    PeerRinging,
    PeerUnreachable,
    RingLongEnough,
    StreamChanged,
    Tick,
    TieLost,
    TraceStanza,
    Wait,
)
from ..messages.exchange import CallStatus
from ..runtime.actor import AsyncioActor, handles
from ..runtime.future import AsyncioFuture
from ..xmpp.events import IqAnswered
from .content_changes import ContentChanges
from .course import CallingIn, CallingOut
from .data_channel import DataChannel
from .digits import Digits
from .guests import Guests
from .ice_restart import IceRestarts
from .joining import Joining
from .listening import Listening
from .media_events import TICK, MediaEvents
from .opening import Opening
from .playing import Playing
from .recordings import Recordings
from .setup import CallSetup
from .shared_parts import SharedParts
from .state import STAGES, CallState
from .too_late import name_call

log = logging.getLogger(__name__)


class Call(
    AsyncioActor[CallActorMessage],
    parts={
        "_opening": Opening,
        "_contents": ContentChanges,
        "_restarts": IceRestarts,
        "_playing": Playing,
        "_joining": Joining,
        "_listening": Listening,
        "_guests": Guests,
        "_recordings": Recordings,
        "_data": DataChannel,
        "_digits": Digits,
    },
):
    """One call.

    It owns one peer connection and one Jingle session. What it wants sent it asks of its
    conversation; what the peer sends comes from the account. Everything that takes time runs in a
    task and comes back as a message, so that a hangup is handled at once.

    Args:
        setup: what it begins with.
    """

    def __init__(self, setup: CallSetup) -> None:
        super().__init__()
        parts = SharedParts.assemble(self, setup)
        self._bot = parts.bot
        self._runner = parts.runner
        self._course = parts.course
        self._signalling = parts.signalling
        self._leg = parts.leg
        self._negotiations = parts.negotiations
        self._too_late = parts.too_late
        self._waiters = parts.waiters
        self._progress = parts.progress
        self._closing = parts.closing
        self._trace = parts.trace
        self._contents = ContentChanges(parts)
        self._restarts = IceRestarts(parts)
        self._opening = Opening(parts, self._contents)
        self._joining = Joining(parts)
        self._playing = Playing(parts, on_hold=self._joining.follow)
        self._listening = Listening(parts)
        self._guests = Guests(parts, self._opening, self._contents)
        self._recordings = Recordings(parts)
        self._data = DataChannel(parts)
        self._digits = Digits(parts, on_press=self._playing.digit_began)
        self._media_events = MediaEvents(
            parts,
            playing=self._playing,
            recordings=self._recordings,
            data=self._data,
            digits=self._digits,
            restarts=self._restarts,
        )
        self._on_call: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Call {self._signalling.sid} of {self}>"

    def __str__(self) -> str:
        signalling = self._signalling
        return name_call(signalling.own, signalling.peer, outgoing=signalling.outgoing)

    # -- life --------------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """Propose or ring; an outgoing call gathers its candidates meanwhile.

        A bug here ends the call with its record, as one in a handler does.
        """
        try:
            self._open()
        except Exception as error:
            await self.on_end(error)
            raise

    def _open(self) -> None:
        calling, ringing = self._course.find(CallingOut), self._course.find(CallingIn)
        if calling is not None:
            self._opening.call_out(calling.order)
        elif ringing is not None:
            self._opening.ring(ringing.offer)
            called = self._bot.called(self.actor_ref, self._progress.status())
            self._on_call = self.pipe(self._runner.guard(called, self._is_too_late), BotDone)
        self._progress.note_soon()
        self._progress.report()
        QuietLooks.running().call_begins()

    async def on_end(self, error: BaseException | None, /) -> None:
        """End in order whatever is still open, and write the one detail record."""
        await self._closing.finish(error)

    @handles(Finished)
    def _finished(self, _: Finished) -> None:
        self._closing.conclude()
        if self._on_call is None or self._on_call.done():
            self.stop()

    @handles(BotDone)
    def _bot_done(self, message: BotDone) -> None:
        if message.error is not None:
            words = f"bot {self._bot.name} failed"
            self._closing.hang_up(Reason.GENERAL_ERROR, words, ours=True)
        if self._course.state is CallState.ENDED:
            self.stop()

    def _is_too_late(self, error: Exception) -> bool:
        """Whether the bot has only found out that its call is over.

        The peer may close the media a moment before its goodbye comes.
        """
        is_over = self._course.is_over or self._leg.connection.closed
        return isinstance(error, CallOver) and is_over

    # -- what its bot asks for: the parts handle the rest ------------------------------------------

    def on_receive(self, message: Any) -> Any:
        """Hand a message to its handler, unless it is asked of a call that is over.

        Raises:
            CallOver: the call is over, or its media are closed.
        """
        if isinstance(message, MidCallRequest) and not self._course.takes_requests:
            raise self._too_late.error()
        return super().on_receive(message)

    @handles(Hangup)
    def _hang_up(self, message: Hangup) -> None:
        self._closing.hang_up_for_bot(message.reason, message.text)

    @handles(DrainCall)
    def _drain(self, _: DrainCall) -> None:
        self._closing.hang_up_for_bot(Reason.SUCCESS, "the account is logging out")

    @handles(GetStatus)
    def _get_status(self, _: GetStatus) -> CallStatus:
        return self._progress.status()

    @handles(GetLadder)
    def _get_ladder(self, _: GetLadder) -> Ladder:
        return self._progress.ladder_so_far()

    @handles(Wait)
    def _wait(self, message: Wait) -> AsyncioFuture[Any]:
        return self._waiters.promised(message.until)

    # -- what the peer says by message: XEP-0353 ---------------------------------------------------

    @handles(TraceStanza)
    def _trace_stanza(self, message: TraceStanza) -> None:
        self._trace.stanza(message.way, message.stanza, at=message.at)

    @handles(StreamChanged)
    def _stream_changed(self, message: StreamChanged) -> None:
        words = f": {message.detail}" if message.detail else ""
        self._trace.note("stream", f"{message.state}{words}")

    @handles(PeerRinging)
    def _peer_rings(self, _: PeerRinging) -> None:
        self._opening.peer_rings()

    @handles(PeerProceeds)
    def _peer_proceeds(self, message: PeerProceeds) -> None:
        self._opening.peer_proceeds(message)

    @handles(PeerRejects, PeerRetracts, PeerFinishes)
    def _peer_ends(self, message: PeerRejects | PeerRetracts | PeerFinishes) -> None:
        self._opening.peer_ends(message)

    @handles(PeerUnreachable)
    def _peer_unreachable(self, message: PeerUnreachable) -> None:
        self._opening.peer_unreachable(message)

    @handles(HandledElsewhere)
    def _handled_elsewhere(self, message: HandledElsewhere) -> None:
        self._opening.handled_elsewhere(message)

    @handles(TieLost)
    def _tie_lost(self, _: TieLost) -> None:
        self._opening.tie_lost()

    # -- what the peer says in the session: XEP-0166 -----------------------------------------------

    @handles(JingleReceived)
    def _jingle_received(self, message: JingleReceived) -> None:
        for event in self._signalling.receive(message):
            self._hear(event)

    def _hear(self, event: Event) -> None:
        match event:
            case Initiated():
                self._opening.initiated(event)
            case Accepted():
                self._opening.accepted(event)
            case Unacceptable(lacking=True):
                self._opening.offer_lacks_parts()
            case InfoReceived(info=Info.RINGING):
                self._opening.peer_rings()
            case InfoReceived():
                self._contents.hear(event)
                self._joining.follow()
            case DtmfReceived():
                self._digits.signalled(event)
            case CandidatesReceived():
                self._leg.trickled(event)
            case IceRestarted():
                self._restarts.hear(event)
                self._opening.offer_changed(event)
            case ContentModified():
                self._contents.hear(event)
                self._joining.follow()
                self._opening.offer_changed(event)
            case _:
                self._contents.hear(event)
                self._hear_end(event)

    def _hear_end(self, event: Event) -> None:
        match event:
            case Terminated(reason=reason, text=text):
                words = f'the peer says "{text}"' if text else ""
                self._closing.hang_up(reason or Reason.SUCCESS, words, ours=False)
            case Unacceptable(contents=(), reason=reason, text=text):
                self._closing.hang_up(reason, text, ours=True, says=text)
            case ContentRemoved(remaining=False, reason=why):
                words = "no content is left"
                self._closing.hang_up(why or Reason.SUCCESS, words, ours=True)

    @handles(IqAnswered)
    def _iq_answered(self, message: IqAnswered) -> None:
        self._signalling.heard_answer(message)
        if not self._course.is_over:
            self._signalling.answered(message)

    # -- what its media bring ----------------------------------------------------------------------

    @handles(Negotiated)
    def _negotiated(self, message: Negotiated) -> None:
        if not self._course.is_over:
            self._negotiations.negotiated(message)

    @handles(NegotiationFailed)
    def _negotiation_failed(self, message: NegotiationFailed) -> None:
        if not self._course.is_over and not self._negotiations.failed(message):
            self._closing.hang_up(message.reason, message.text, ours=True)

    @handles(Darkened)
    def _darkened(self, message: Darkened) -> None:
        if not self._course.is_over:
            self._contents.darkened(message.kind)

    @handles(Media)
    def _on_media(self, message: Media) -> None:
        self._media_events.hear(message.event, message.at)

    # -- time --------------------------------------------------------------------------------------

    @handles(RingLongEnough)
    def _rung_long_enough(self, _: RingLongEnough) -> None:
        self._opening.rung_long_enough()

    @handles(Tick)
    def _tick(self, message: Tick) -> None:
        if not self._course.is_over:
            self._progress.look()
            self.after(TICK, message)

    @handles(Overdue)
    def _overdue(self, message: Overdue) -> None:
        match message.what:
            case "ring":
                self._opening.still_rings()
            case "auto":
                self._opening.answer_by_itself()
            case "parts":
                for event in self._signalling.settle():
                    self._hear(event)
            case "add":
                self._contents.addition_overdue()
            case "restart":
                self._restarts.overdue()
            case CallState() as state if state is self._course.state:
                self._state_overdue(state)

    def _state_overdue(self, state: CallState) -> None:
        """Let the call end that has been in a state for too long."""
        if state is CallState.CLOSING:
            log.error("%s: it could not be closed in time", self)
            self._finished(Finished(None))
        elif state is CallState.ENDED:
            self.stop()
        else:
            self._closing.hang_up(STAGES[state].reason, STAGES[state].text, ours=True)
