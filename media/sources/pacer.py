"""One timer for everything that is sent in time with the clock."""

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..loop_wide import LoopWide

logger = logging.getLogger(__name__)

PacerStep = Callable[[float], float | None]


class Ticket:
    """One sender's place in the pacer.

    Attributes:
        due: When its next step is due, in seconds of `loop.time()`.
        step: What is called then; None once it is cancelled.
    """

    __slots__ = ("due", "step")

    def __init__(self, step: PacerStep, due: float) -> None:
        self.step: PacerStep | None = step
        self.due = due

    def cancel(self) -> None:
        """Stop calling the step."""
        self.step = None


class Pacer(LoopWide):
    """Calls steps at the times that they name, all with one timer of the event loop.

    A step gets the time at which it was due, in seconds of `loop.time()`. It returns when the next
    one is due, or None to end. It counts from the due time, not from when it ran, so nothing
    drifts. Steps that are due in the same millisecond share a wake-up. All senders start on one
    grid, so most do.

    A loop rings its timers after what woke it. Who does long work when it wakes calls `catch_up`
    first, so that what is due need not wait for that.

    When the loop was held up, late steps run one each `GRID` seconds until they have caught up,
    never all at once. A sender that is more than `PATIENCE` seconds late skips what it missed: its
    due time becomes the present, as it sees from the time that it gets.
    """

    GRID = 0.010
    PATIENCE = 1.0

    def __init__(self) -> None:
        # Moments are whole milliseconds, which is as exact as a loop's timers are.
        self._armed_for = 0
        self._endings: list[Callable[[], None]] = []
        self._is_stepping = False
        self._moments: list[int] = []
        self._tickets: dict[int, deque[Ticket]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def start(self, step: PacerStep, *, at_once: bool = False) -> Ticket:
        """Start to call a step, at the next point of the grid.

        Args:
            step: Gets the time at which it was due, in seconds of `loop.time()`; returns the next
                one, or None to end.
            at_once: Do not wait for that point, but be late for the one before.

        Returns:
            A ticket to cancel it with.
        """
        now = asyncio.get_running_loop().time()
        ticket = Ticket(step, (now // self.GRID + (not at_once)) * self.GRID)
        self._put(round(ticket.due * 1000), ticket)
        self._arm()
        return ticket

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
        if self._armed_for <= round(asyncio.get_running_loop().time() * 1000):
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
        self._timer = asyncio.get_running_loop().call_at(moment / 1000, self._run)

    def _run(self) -> None:
        now = asyncio.get_running_loop().time()
        last = round(now * 1000)
        moments, tickets = self._moments, self._tickets
        self._is_stepping = True
        try:
            while moments and moments[0] <= last:
                waiting = tickets[moments[0]]
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
                    if due < now - self.PATIENCE:
                        due = now
                    ticket.due = due
                    moment = round(due * 1000)
                    if moment <= last:
                        moment = round((now + self.GRID) * 1000)
                    if moment in tickets:
                        tickets[moment].append(ticket)
                    else:
                        self._put(moment, ticket)
                del tickets[heapq.heappop(moments)]
        finally:
            self._timer = None
            self._arm()
            self._end()

    def _end(self) -> None:
        self._is_stepping = False
        endings, self._endings = self._endings, []
        for callback in endings:
            callback()
