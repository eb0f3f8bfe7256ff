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
        """Stop calling the step."""
        self._step = None

    def run(self) -> float | None:
        """Run the step, unless cancelled."""
        return None if self._step is None else self._step(self.due)


class Pacer:
    """Calls steps at the times that they name, all with one timer of the event loop.

    A step gets the time at which it was due, in seconds of `loop.time()`. It returns when the next
    one is due, or None to end. It counts from the due time, not from when it ran, so nothing
    drifts. Steps due within a millisecond of each other share a wake-up. All senders start on one
    grid, so most do.

    When the loop was held up, late steps run one each `GRID` seconds until they have caught up,
    never all at once. A sender that is more than `PATIENCE` seconds late skips what it missed: its
    due time becomes the present, as it sees from the time that it gets.
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
        """Return the pacer of the running event loop, made at the first call."""
        loop = asyncio.get_running_loop()
        pacer = _pacers.get(loop)
        if pacer is None:
            pacer = _pacers[loop] = cls()
        return pacer

    def start(self, step: PacerStep) -> Ticket:
        """Start to call a step, at the next point of the grid.

        Args:
            step: Gets the time at which it was due, in seconds of `loop.time()`; returns the next
                one, or None to end.

        Returns:
            A ticket to cancel it with.
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
