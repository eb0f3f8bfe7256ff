"""How a call ends: whatever brings it about, in its time, and with one detail record."""

import logging
from collections.abc import Callable

from ...jingle import Reason
from ..context import Context
from ..messages.call import CallActorMessage, Finished
from ..messages.conversation import CallEnded, ConversationRef
from ..records.call_record import CallRecord
from ..runtime.actor import AsyncioActor
from .course import CallingIn, Course, Ended, Over
from .leg import Leg
from .progress import Progress
from .signalling import Signalling
from .state import UNDESCRIBED, CallEvent
from .trace import Trace
from .waiters import Waiters

log = logging.getLogger(__name__)


class Closing:
    """Ends a call.

    Args:
        owner: the call.
        context: who gets the detail record.
        conversation: told when the call is recorded.
        course: where the call stands.
        signalling: tells the peer.
        leg: is closed.
        progress: writes the record.
        waiters: let go.
        trace: is given the end.
    """

    def __init__(
        self,
        owner: AsyncioActor[CallActorMessage],
        context: Context,
        *,
        conversation: ConversationRef,
        course: Course,
        signalling: Signalling,
        leg: Leg,
        progress: Progress,
        waiters: Waiters,
        trace: Trace,
    ) -> None:
        self._owner = owner
        self._context = context
        self._conversation = conversation
        self._course = course
        self._signalling = signalling
        self._leg = leg
        self._progress = progress
        self._waiters = waiters
        self._trace = trace

    def hang_up(
        self, reason: Reason, text: str, *, ours: bool, told: bool | None = None, says: str = ""
    ) -> None:
        """Let the call be over, once; the peer is told if it was not the peer who ended it.

        Nothing that fails here keeps the call from its end.

        Args:
            reason: why.
            text: a sentence for our record and our bot.
            ours: whether we end it.
            told: whether the peer knows; None: if it ends it.
            says: a sentence for the peer in the place of what everybody is told.
        """
        taken = self._course.state in UNDESCRIBED
        if not self._course.take(CallEvent.OVER, Over(reason, text, ours)):
            return
        who = "we end the call" if ours else "the call is ended"
        self._trace.note("state", f"{who}: {reason}" + (f" ({text})" if text else ""))
        if not (not ours if told is None else told):
            self._firmly(lambda: self._signalling.goodbye(reason, says, taken=taken))
        self._firmly(self._progress.end)
        why = f"{reason}: {text}" if text else str(reason)
        self._firmly(lambda: self._waiters.call_over(why))
        if not self._owner.actor_stopped.is_set():
            self._owner.pipe(self._leg.close(), Finished)

    def hang_up_for_bot(self, reason: Reason, text: str) -> None:
        """End the call for our bot or our account, whatever it is doing.

        Args:
            reason: success is said of a call that was connected; before, it is declined or
                withdrawn.
            text: a sentence for our record.
        """
        if reason is Reason.SUCCESS and self._course.phase != "connected":
            ringing = self._course.find(CallingIn)
            declined = ringing is not None and ringing.answer is None
            reason = Reason.DECLINE if declined else Reason.CANCEL
        self.hang_up(reason, text, ours=True)

    async def finish(self, error: BaseException | None) -> None:
        """End in order whatever is still open, as the call's actor has ended.

        A bug ends this call and nothing else; the peer is told (general-error).

        Args:
            error: the bug; None: the actor was stopped.
        """
        if error is not None:
            self.hang_up(Reason.GENERAL_ERROR, f"internal error: {error!r}", ours=True)
        else:
            early = self._signalling.outgoing and self._course.phase != "connected"
            reason = Reason.CANCEL if early else Reason.GONE
            self.hang_up(reason, "the account has ended", ours=True)
        try:
            await self._leg.close()
        finally:  # also when whoever waits for the end has had enough and kills us
            self.conclude()

    def conclude(self) -> None:
        """Write the one detail record, and let everybody know."""
        over = self._course.find(Over)
        if over is None:
            return
        self._firmly(self._leg.recorders.give_up)
        try:
            record = self._progress.record(over.reason, over.text, ours=over.ours)
            self._course.take(CallEvent.RECORDED, Ended(record))
            self._context.log.post(record)
            self._waiters.ended.set(record)
            self._progress.report()
            self._firmly(lambda: self._keep_ladder(record, ours=over.ours))
        finally:
            self._waiters.no_record()
            self._conversation.post(CallEnded(self._signalling.sid))

    def _keep_ladder(self, record: CallRecord, *, ours: bool) -> None:
        if self._context.keep_ladder is not None:
            self._context.keep_ladder(self._progress.ladder(record, ours=ours))

    def _firmly(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            log.exception("%s: a step of its end failed", self._owner)
