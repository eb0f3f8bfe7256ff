"""What happens, told to all who want to hear of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from random import uniform

from pydantic_core import to_json

from .. import models
from ..models.base import MOST_KEPT
from .clock import iso
from .reported import Reported

#: Events that wait for a reader at the most; the oldest ones are left out then.
MOST_WAITING = 10_000
#: Seconds, about, for which events are gathered, so that a burst is one write to a reader's socket.
GATHER = 0.05


class HubEntry:
    """One event, which is made when it is first read, and written once for all readers.

    Args:
        at: when it happened, in seconds since the epoch.
        kind: its name.
        make: makes it.
        report: what it tells, if that was reported.
    """

    __slots__ = ("_event", "_line", "_make", "at", "kind", "report")

    def __init__(
        self,
        at: float,
        kind: str,
        make: "Callable[[], models.events.TimedEvent]",
        report: Reported | None = None,
    ) -> None:
        self.at = at
        self.kind = kind
        self.report = report
        self._make = make
        self._event: models.events.TimedEvent | None = None
        self._line: bytes | None = None

    @property
    def event(self) -> "models.events.TimedEvent":
        """The event."""
        if self._event is None:
            self._event = self._make()
        return self._event

    @property
    def line(self) -> bytes:
        """The event as JSON."""
        if self._line is None:
            self._line = to_json(self.event, exclude_none=self.kind == "Log")
        return self._line


#: Tells whether a reader wants an event.
Wanted = Callable[[HubEntry], bool]


class EventReader:
    """One who is told what happens.

    Args:
        wanted: which of it.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._waiting: deque[HubEntry] = deque()
        self._missed = 0
        self._came = asyncio.Event()

    def tell(self, entry: HubEntry) -> None:
        """Note what happened; nothing is made of it yet."""
        if not self._wanted(entry):
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(entry)
        self._came.set()

    async def next(self) -> list[HubEntry]:
        """Wait for events, and return them; what was missed before them is told by a gap."""
        await self._came.wait()
        # Never all readers at the same moment: the calls would have to wait for all of them.
        await asyncio.sleep(GATHER * uniform(0.5, 1.5))  # noqa: S311 - no secret
        return self.rest()

    def rest(self) -> list[HubEntry]:
        """Return the events that wait, with a gap before them if some were missed."""
        self._came.clear()
        found = list(self._waiting)
        self._waiting.clear()
        if self._missed:
            missed, self._missed = self._missed, 0
            at = found[0].at
            gap = models.events.GapEvent(time=iso(at), event="Gap", missed=missed)
            found.insert(0, HubEntry(at, "Gap", lambda: gap))
        return found


class EventHub:
    """Keeps the last events, and tells readers of each. Its methods are called on the loop."""

    def __init__(self) -> None:
        self._kept: deque[HubEntry] = deque(maxlen=MOST_KEPT)
        self._readers: set[EventReader] = set()

    def publish(self, entry: HubEntry, *, keep: bool = True) -> None:
        """Tell what happened.

        Args:
            entry: what.
            keep: whether who comes later is told too.
        """
        if keep:
            self._kept.append(entry)
        for reader in self._readers:
            reader.tell(entry)

    def last(self, count: int, wanted: Wanted) -> list[HubEntry]:
        """Return the last events of those that are kept.

        Args:
            count: how many at the most.
            wanted: which.
        """
        found = list(islice(filter(wanted, reversed(self._kept)), count))
        return found[::-1]

    def open(self, wanted: Wanted) -> EventReader:
        """Return a reader that is told from now on; close it."""
        reader = EventReader(wanted)
        self._readers.add(reader)
        return reader

    def close(self, reader: EventReader) -> None:
        """Tell a reader nothing any more."""
        self._readers.discard(reader)
