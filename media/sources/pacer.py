"""One timer for everything that is sent in time with the clock."""

import asyncio
import heapq
import logging
from collections.abc import Callable
from itertools import count
from weakref import WeakKeyDictionary

logger = logging.getLogger(__name__)

PacerStep = Callable[[float], float | None]


class Ticket:
    """One sender's place in the pacer."""

    __slots__ = ("_step", "due")

    def __init__(self, step: PacerStep, due: float) -> None:
        self._step: PacerStep | None = step
        self.due = due

    def cancel(self) -> None:
        """Call the step no more."""
        self._step = None

    def run(self) -> float | None:
        """Run the step, unless cancelled."""
        return None if self._step is None else self._step(self.due)


class Pacer:
    """Calls steps at the times which they name, all with one timer of the event loop.

    A step is given the time at which it was due, in seconds of `loop.time()`, and returns when the
    next one is due, or None to end. Since it counts from what was due and not from when it ran,
    nothing drifts. Steps that fall due within a millisecond of each other share a wake-up, and all
    senders begin on one grid so that this is the rule.

    When the loop was held up, what is late is sent late: one step each `GRID` seconds until it has
    caught up, never all at once. More than `PATIENCE` late, the arrears are dropped: `due` leaps to
    the present, and the sender sees that in the time it is given.
    """

    GRID = 0.010
    PATIENCE = 1.0
    SLACK = 0.001

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Ticket]] = []
        self._order = count()
        self._armed_for = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def running(cls) -> "Pacer":
        """Give the pacer of the running event loop; it is made when first asked for."""
        loop = asyncio.get_running_loop()
        pacer = _pacers.get(loop)
        if pacer is None:
            pacer = _pacers[loop] = cls()
        return pacer

    def start(self, step: PacerStep) -> Ticket:
        """Begin to call a step, first at the next point of the grid.

        Args:
            step: Given the time it was due, in seconds of `loop.time()`; returns the next, or None.

        Returns:
            The ticket that can cancel it.
        """
        now = asyncio.get_running_loop().time()
        ticket = Ticket(step, (now // self.GRID + 1) * self.GRID)
        self._push(ticket.due, ticket)
        self._arm()
        return ticket

    def _push(self, at: float, ticket: Ticket) -> None:
        heapq.heappush(self._heap, (at, next(self._order), ticket))

    def _arm(self) -> None:
        if not self._heap:
            return
        at = self._heap[0][0]
        if self._timer is not None:
            if self._armed_for <= at:
                return
            self._timer.cancel()
        # Kept here, since uvloop gives a handle without a time when there is nothing to wait for.
        self._armed_for = at
        self._timer = asyncio.get_running_loop().call_at(at, self._run)

    def _run(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        heap = self._heap
        try:
            while heap and heap[0][0] <= now + self.SLACK:
                ticket = heapq.heappop(heap)[2]
                try:
                    due = ticket.run()
                except Exception:
                    logger.exception("A step of the pacer failed and is called no more")
                    continue
                if due is None:
                    continue
                if due < now - self.PATIENCE:
                    due = now
                ticket.due = due
                self._push(due if due > now + self.SLACK else now + self.GRID, ticket)
        finally:
            self._arm()


_pacers: WeakKeyDictionary[asyncio.AbstractEventLoop, Pacer] = WeakKeyDictionary()
