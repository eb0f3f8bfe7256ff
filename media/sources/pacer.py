"""One timer for everything that is sent in time with the clock."""

import asyncio
import heapq
import logging
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil, floor

from ..loop_wide import LoopWide

logger = logging.getLogger(__name__)

PacerStep = Callable[[float], float | None]


class Ticket:
    """One sender's place in the pacer.

    Attributes:
        due: When its next step is due, in seconds of `loop.time()`.
        moment: When it is called, in milliseconds: later, if it is late.
        step: What is called then; None once it is cancelled.
    """

    __slots__ = ("due", "moment", "step")

    def __init__(self, step: PacerStep, due: float) -> None:
        self.step: PacerStep | None = step
        self.due = due
        self.moment = 0

    def cancel(self) -> None:
        """Stop calling the step."""
        self.step = None


class Pacer(LoopWide):
    """Calls steps at the times that they name, all with one timer of the event loop.

    A step gets the time at which it was due, in seconds of `loop.time()`. It returns when the next
    one is due, or None to end. It counts from the due time, not from when it ran, so nothing
    drifts. Steps that are due in the same millisecond share a wake-up. All senders start on one
    beat of `BEAT` seconds, as long as a frame of sound lasts, so most do.

    A loop rings its timers after what woke it. Who does long work when it wakes calls `catch_up`
    first, so that what is due need not wait for that.

    When the loop was held up, late steps run one each `GRID` seconds until they have caught up, or
    twice as often as they are due where that is more often; never all at once. A sender that is
    more than `PATIENCE` seconds late skips what it missed: its due time becomes the present, as it
    sees from the time that it gets.
    """

    BEAT = 0.020
    GRID = 0.010
    PATIENCE = 1.0
    COMMON = (0.5, 0.1)
    FEWEST = 4
    BEHIND = 0.001

    def __init__(self) -> None:
        # Moments are whole milliseconds, which is as exact as a loop's timers are.
        self._armed_for = 0
        self._endings: list[Callable[[], None]] = []
        self._is_stepping = False
        self._loop = asyncio.get_running_loop()
        self._moments: list[int] = []
        self._tickets: dict[int, deque[Ticket]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self,
        step: PacerStep,
        *,
        at_once: bool = False,
        due: float | None = None,
        late: float = 0.0,
    ) -> Ticket:
        """Start to call a step, at the next beat.

        Args:
            step: Gets the time at which it was due, in seconds of `loop.time()`; returns the next
                one, or None to end.
            at_once: Do not wait for that, but be late for the one before.
            due: When the first one is due, if it is known.
            late: It is called no earlier than at this time.

        Returns:
            A ticket to cancel it with.
        """
        now = self._loop.time()
        if due is None:
            due = (now // self.BEAT + (not at_once)) * self.BEAT
        ticket = Ticket(step, due)
        self._put(round(max(due, late) * 1000), ticket)
        self._arm()
        return ticket

    @classmethod
    def common(cls, earliest: float, latest: float) -> float:
        """Choose a moment at random, of those that all others choose too.

        What is done now and then for each leg is so done for several at one time. The second one
        finds in the processor's caches what it needs, and takes a fraction of the first one's time.

        Args:
            earliest: In seconds of `loop.time()`.
            latest: The same, and later.

        Returns:
            A moment between these on a beat of half a second, or of a tenth where that leaves fewer
            than `FEWEST`; a millisecond later, as frames leave before. Where that leaves fewer too,
            one on the usual beat, perhaps right behind them.
        """
        for apart in cls.COMMON:
            first, last = (
                ceil((earliest - cls.BEHIND) / apart),
                floor((latest - cls.BEHIND) / apart),
            )
            if last - first + 1 >= cls.FEWEST:
                chosen = apart * random.randint(first, last)  # noqa: S311 -- nobody gains by it
                return chosen + cls.BEHIND
        chosen = random.uniform(earliest, latest)  # noqa: S311 -- the same
        return ceil(chosen / cls.BEAT) * cls.BEAT

    @classmethod
    def after(cls, due: float, now: float, apart: float) -> tuple[float, float]:
        """Tell when the next step is due, and when it may be called.

        Args:
            due: When it would be due.
            now: The time at which the one before was called.
            apart: Seconds from when that one was due to when this one would be.
        """
        if due < now - cls.PATIENCE:
            due = now
        if round(due * 1000) > round(now * 1000):
            return due, due
        half = max(1, floor(apart * 500 + 1e-6))  # whole milliseconds, as moments are
        return due, now + min(cls.GRID, half / 1000)

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call something when all steps that are due now have run; at once where none runs.

        The same within `together`.

        Args:
            callback: Called once.
        """
        if self._is_stepping:
            self._endings.append(callback)
        else:
            callback()

    def catch_up(self) -> None:
        """Call the steps that are due by now: the timer waits for what the loop does meanwhile."""
        if self._timer is None or self._is_stepping:
            return
        if self._armed_for <= round(self._loop.time() * 1000):
            self._timer.cancel()
            self._run()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Take what is done outside of the pacer's turns, for many legs at once, as such a turn."""
        is_outermost = not self._is_stepping
        self._is_stepping = True
        try:
            yield
        finally:
            if is_outermost:
                self._end()

    def _put(self, moment: int, ticket: Ticket) -> None:
        ticket.moment = moment
        waiting = self._tickets.get(moment)
        if waiting is None:
            self._tickets[moment] = deque((ticket,))
            heapq.heappush(self._moments, moment)
        else:
            waiting.append(ticket)

    def _arm(self) -> None:
        if not self._moments:
            return
        moment = self._moments[0]
        if self._timer is not None:
            if self._armed_for <= moment:
                return
            self._timer.cancel()
        # Kept here, since uvloop gives a handle without a time when there is nothing to wait for.
        self._armed_for = moment
        self._timer = self._loop.call_at(moment / 1000, self._run)

    def _run(self) -> None:
        now = self._loop.time()
        last = round(now * 1000)
        moments, tickets = self._moments, self._tickets
        self._is_stepping = True
        try:
            while moments and moments[0] <= last:
                # Taken out first: a step may start another one at a moment that has passed.
                waiting = tickets.pop(heapq.heappop(moments))
                while waiting:
                    ticket = waiting.popleft()
                    if ticket.step is None:
                        continue
                    try:
                        due = ticket.step(ticket.due)
                    except Exception:
                        logger.exception("A step of the pacer failed and is called no more")
                        continue
                    if due is None:
                        continue
                    ticket.due, late = self.after(due, now, due - ticket.due)
                    ticket.moment = moment = round(late * 1000)
                    if moment in tickets:
                        tickets[moment].append(ticket)
                    else:
                        self._put(moment, ticket)
        finally:
            self._timer = None
            self._arm()
            self._end()

    def finish(self) -> None:
        """Call what waits for the end of this turn now: what the next step does must come after."""
        endings, self._endings = self._endings, []
        for callback in endings:
            callback()

    def _end(self) -> None:
        self._is_stepping = False
        self.finish()
