"""How a call comes about: who asks whom, who rings, who answers, and who takes it elsewhere."""

from ...jingle import Initiated, LocalProtocolError, Reason
from ...media import Kind
from ..messages.call import (
    Answer,
    CallOver,
    HandledElsewhere,
    Overdue,
    PeerFinishes,
    PeerProceeds,
    PeerRejects,
    PeerRetracts,
    PeerRinging,
    PeerUnreachable,
    RingLongEnough,
    TieLost,
)
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from .requests import CallRequests
from .state import ANSWERS, CallState

#: Seconds that `calls.answer: auto` leaves the bot, after `calls.after`, to answer by itself.
AUTO_GRACE = 1.0


class CallOpening(CallRequests):
    """The part of a call that brings it about, until offer and answer are made."""

    _described: str | None
    _not_taken: frozenset[str]
    _offer: Initiated | None
    _refused: tuple[Kind, ...]
    _rung_long_enough: bool

    # -- by message: XEP-0353 ----------------------------------------------------------------------

    @handles(PeerRinging)
    def _peer_ringing(self, _: PeerRinging) -> None:
        self._progress.step("ringing")

    @handles(PeerProceeds)
    def _peer_proceeds(self, message: PeerProceeds) -> None:
        if not self._progress.is_over and self._signalling.proceeds(message.sender):
            self._progress.step("proceed")
            self._course.enter(CallState.DESCRIBING)
            self._not_taken = message.refused
            self._initiate_if_ready()

    @handles(PeerRejects)
    def _peer_rejects(self, message: PeerRejects) -> None:
        self._hang_up(message.reason or Reason.DECLINE, "", ours=False)

    @handles(PeerRetracts)
    def _peer_retracts(self, message: PeerRetracts) -> None:
        self._hang_up(message.reason or Reason.CANCEL, "", ours=False)

    @handles(PeerFinishes)
    def _peer_finishes(self, message: PeerFinishes) -> None:
        self._hang_up(message.reason or Reason.SUCCESS, "", ours=False)

    @handles(PeerUnreachable)
    def _peer_unreachable(self, message: PeerUnreachable) -> None:
        if self._signalling.bounced(message.sender):
            text = "the peer's server could not deliver the call"
            self._hang_up(Reason.CONNECTIVITY_ERROR, text, ours=False)

    @handles(HandledElsewhere)
    def _handled_elsewhere(self, message: HandledElsewhere) -> None:
        if self._answer is None:
            word, reason = (
                ("answered", Reason.CANCEL) if message.answered else ("declined", Reason.DECLINE)
            )
            self._hang_up(reason, f"{word} on another device of this account", ours=False)

    @handles(TieLost)
    def _tie_lost(self, _: TieLost) -> None:
        text = "both called at once, and the peer's call stands"
        self._hang_up(Reason.EXPIRED, text, ours=True)

    # -- an outgoing call --------------------------------------------------------------------------

    def _initiate_if_ready(self) -> None:
        if self._progress.is_over or not self._signalling.proceeded:
            return
        if self._described is not None:
            self._progress.step("initiate")
            try:
                self._signalling.initiate(self._described, without=self._not_taken)
            except LocalProtocolError:
                self._nothing_to_offer()
                return
            if self._course.state is CallState.DESCRIBING:  # without XEP-0353 it rings first
                self._course.enter(CallState.OFFERED)
            self._changes.follow()

    def _nothing_to_offer(self) -> None:
        text = "the peer's device can take nothing of what is to be sent"
        told = not self._progress.has("proceed")
        self._hang_up(Reason.UNSUPPORTED_APPLICATIONS, text, ours=True, told=told)

    # -- an incoming call --------------------------------------------------------------------------

    @handles(Answer)
    def _on_answer(self, message: Answer) -> AsyncioFuture[None]:
        if self._signalling.outgoing:
            raise CallOver("only an incoming call can be answered")
        if self._answer is None and not self._progress.is_over:
            self._answer = self._changes.sources = message
            self._take_if_ready()
        return self._promises.connected()

    @handles(RingLongEnough)
    def _on_rung_long_enough(self, _: RingLongEnough) -> None:
        self._rung_long_enough = True
        self._take_if_ready()
        if self._context.settings.calls.answer == "auto":
            self.after(AUTO_GRACE, Overdue("auto"))

    def _take_if_ready(self) -> None:
        if self._answer is None or not self._rung_long_enough or self._progress.is_over:
            return
        self._progress.step("proceed")
        if self._offer is not None:
            self._describe_if_ready()
        elif self._signalling.message:
            self._signalling.proceed()
        else:
            self._wait_for_parts()
        if self._offer is None:
            self._course.enter(CallState.AWAITING)

    def _wait_for_parts(self) -> None:
        """Give the peer some time, from the answer on, for what its offer lacks (XEP-0320 §3)."""
        if self._answer is not None:
            self.after(ANSWERS["parts"], Overdue("parts"))

    def _describe_if_ready(self) -> None:
        if self._answer is None or self._offer is None or not self._progress.has("proceed"):
            return
        answer = self._answer
        self._course.enter(CallState.ANSWERING)
        self._leg.answer("answer", self._offer.offer, answer.audio, answer.video, self._refused)
