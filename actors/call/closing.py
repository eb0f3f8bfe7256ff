"""How a call ends: whatever brings it about, in its time, and with one detail record."""

import logging
from collections.abc import Callable

from ...config.jid import bare
from ...jingle import Reason
from ..context import BotPort, Context
from ..messages.account import AccountRef, ForgetCall
from ..messages.call import Answer, BotDone, CallActorMessage, CallOver, DrainCall, Finished, Hangup
from ..messages.conversation import CallEnded, ConversationRef
from ..records.call_record import CallRecord
from ..runtime.actor import AsyncioActor, handles
from .course import Course
from .leg import Leg
from .progress import Progress
from .promises import Promises
from .signalling import Signalling
from .state import STAGES, CallState

log = logging.getLogger(__name__)


class CallClosing(AsyncioActor[CallActorMessage]):
    """The part of a call that ends it."""

    _account: AccountRef
    _answer: Answer | None
    _bot: BotPort
    _bot_busy: bool
    _context: Context
    _conversation: ConversationRef
    _course: Course
    _leg: Leg
    _over: tuple[Reason, str, bool] | None
    _progress: Progress
    _promises: Promises
    _record: CallRecord | None
    _signalling: Signalling

    async def on_end(self, error: BaseException | None) -> None:
        """End in order whatever is still open, and write the one detail record.

        A bug ends this call and nothing else; the peer is told (general-error).
        """
        if error is not None:
            self._hang_up(Reason.GENERAL_ERROR, f"internal error: {error!r}", ours=True)
        else:
            early = self._signalling.outgoing and not self._progress.has("dtls")
            reason = Reason.CANCEL if early else Reason.GONE
            self._hang_up(reason, "the account has ended", ours=True)
        try:
            await self._leg.close()
        finally:  # also when whoever waits for the end has had enough and kills us
            self._conclude()

    @handles(Hangup)
    def _on_hangup(self, message: Hangup) -> None:
        reason = message.reason
        if reason is Reason.SUCCESS and not self._progress.has("dtls"):
            declined = not self._signalling.outgoing and self._answer is None
            reason = Reason.DECLINE if declined else Reason.CANCEL
        self._hang_up(reason, message.text, ours=True)

    @handles(DrainCall)
    def _drain(self, _: DrainCall) -> None:
        self._on_hangup(Hangup(text="the account is logging out"))

    def _state_overdue(self, state: CallState) -> None:
        """Let the call end that has been in a state for too long."""
        if state is CallState.CLOSING:
            log.error("%s: it could not be closed in time", self)
            self._finished(Finished(None))
        elif state is CallState.ENDED:
            self.stop()
        else:
            self._hang_up(STAGES[state].reason, STAGES[state].text, ours=True)

    @handles(BotDone)
    def _bot_done(self, message: BotDone) -> None:
        self._bot_busy = False
        if message.error is not None:
            self._hang_up(Reason.GENERAL_ERROR, f"bot {self._bot.name} failed", ours=True)
        if self._record is not None:
            self.stop()

    def _is_too_late(self, error: Exception) -> bool:
        """Whether the bot has only found out that its call is over."""
        return isinstance(error, CallOver) and self._over is not None

    def _hang_up(
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
        if self._over is not None:
            return
        self._over = (reason, text, ours)
        self._course.enter(CallState.CLOSING)
        if not (not ours if told is None else told):
            self._firmly(lambda: self._signalling.goodbye(reason, says))
        self._firmly(self._progress.end)
        words = f"the call is over: {reason}" + (f" ({text})" if text else "")
        self._firmly(lambda: self._promises.break_off(words))
        if not self.actor_stopped.is_set():
            self.pipe(self._leg.close(), Finished)

    def _firmly(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            log.exception("%s: a step of its end failed", self)

    @handles(Finished)
    def _finished(self, _: Finished) -> None:
        if self._record is not None:
            return
        self._conclude()
        self._course.enter(CallState.ENDED)
        if not self._bot_busy:
            self.stop()

    def _conclude(self) -> None:
        """Write the one detail record, and let everybody know."""
        if self._record is not None or self._over is None:
            return
        reason, text, ours = self._over
        self._record = self._progress.record(reason, text, ours=ours)
        self._context.log.post(self._record)
        self._progress.report()
        self._promises.keep_record(self._record)
        sid = self._signalling.sid
        if not self._conversation.post(CallEnded(sid)):
            self._account.post(ForgetCall(bare(self._signalling.peer), sid))
