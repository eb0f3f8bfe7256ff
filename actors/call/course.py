"""Which state a call is in, what belongs to that state, and its clock."""

import asyncio
import logging
from typing import TypeVar

from msgspec import Struct

from ...config import CallPolicy
from ...jingle import Initiated, Reason
from ..messages.account import PlaceCall
from ..messages.call import Answer, CallActorMessage, Overdue
from ..records.call_record import CallRecord
from ..runtime.actor import AsyncioActor
from ..runtime.tasks import Timer
from .state import DESCRIBED, OVER, STAGES, TOO_LATE, CallEvent, CallState, Phase

log = logging.getLogger(__name__)

D = TypeVar("D")


class CallingOut(Struct):
    """What belongs to a call of ours until the peer has our offer.

    Attributes:
        order: what the bot asked for.
        offer: our offer (SDP), once it is made.
        without: the kinds of content that the device which takes the call can't take.
    """

    order: PlaceCall
    offer: str | None = None
    without: frozenset[str] = frozenset()


class CallingIn(Struct):
    """What belongs to a call of the peer's until it is taken.

    Attributes:
        offer: the peer's offer, if it is here.
        answer: what the bot wants to answer, if it has said so.
        long_enough: it has rung for as long as the account's policy wants.
    """

    offer: Initiated | None
    answer: Answer | None = None
    long_enough: bool = False


class Taken(Struct, frozen=True):
    """What belongs to a call of the peer's from when it is taken until our answer is sent."""

    answer: Answer


class Underway(Struct, frozen=True):
    """What belongs to a call whose descriptions are known.

    Attributes:
        record: begin to record when media connects.
        wav: record audio as stereo WAV.
    """

    record: bool
    wav: bool


class Over(Struct, frozen=True):
    """What belongs to a call that is over, and not recorded yet.

    Attributes:
        reason: why.
        text: a sentence for our record and our bot.
        ours: whether we ended it.
    """

    reason: Reason
    text: str
    ours: bool


class Ended(Struct, frozen=True):
    """What belongs to a call that has its detail record."""

    record: CallRecord


Belongings = CallingOut | CallingIn | Taken | Underway | Over | Ended


class Course:
    """The course of one call through the states of `state`.

    Logic reads where a call stands here and nowhere else. Each state has a deadline: the call is
    told `Overdue` with it if it is still there then.

    Args:
        owner: the call.
        policy: the account's `calls`, where some deadlines are.
        belongings: what the call begins with.

    Attributes:
        state: where the call stands.
        phase: what is reported of that.
    """

    def __init__(
        self,
        owner: AsyncioActor[CallActorMessage],
        policy: CallPolicy,
        belongings: CallingOut | CallingIn,
    ) -> None:
        self.state = CallState.NEW
        self.phase: Phase = "proposed"
        self._owner = owner
        self._policy = policy
        self._belongings: Belongings = belongings
        self._timer: Timer | None = None
        self._due = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the call is over."""
        return self.state in OVER

    @property
    def takes_requests(self) -> bool:
        """Whether the bot may still ask for something."""
        return self.state not in TOO_LATE

    @property
    def is_described(self) -> bool:
        """Whether both sides know each other's description, and the call is not over."""
        return self.state in DESCRIBED

    @property
    def is_connected(self) -> bool:
        """Whether media can flow now."""
        return self.state is CallState.CONNECTED

    def find(self, kind: type[D]) -> D | None:
        """Return what belongs to the state, if it is of this kind."""
        return self._belongings if isinstance(self._belongings, kind) else None

    def take(self, event: CallEvent, belongings: Belongings | None = None) -> bool:
        """Go where an event leads to, and start the clock there; tell whether it leads anywhere.

        Args:
            event: what happened. What comes too early or too late changes nothing.
            belongings: what belongs to the next state; None: the same as to this one.
        """
        following = STAGES[self.state].on.get(event)
        if following is None:
            log.debug("%s: while it is %s, %s has no effect", self._owner, self.state, event.name)
            return False
        self._enter(following, belongings or self._belongings)
        return True

    def _enter(self, state: CallState, belongings: Belongings) -> None:
        before = STAGES[self.state].deadline
        stage = STAGES[state]
        self.state, self._belongings = state, belongings
        self.phase = stage.phase or self.phase
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        limit = stage.deadline
        seconds = getattr(self._policy, limit) if isinstance(limit, str) else limit
        if seconds is None or self._owner.actor_stopped.is_set():
            return
        now = asyncio.get_running_loop().time()
        if not isinstance(limit, str) or limit != before:
            self._due = now + seconds
        self._timer = self._owner.after(max(0.0, self._due - now), Overdue(state))
