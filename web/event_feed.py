"""What happens, gathered once for all who follow it over HTTP."""

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import islice

from ..control.instance.event_hub import EventHub, HubEntry
from .visitor_role import VisitorRole

#: Seconds for which events are gathered, so that many calls are one write to each reader.
GATHER = 0.2
#: Octets of events that are kept for those who come back.
MOST_KEPT = 2 << 20
#: Readers that go on in one turn of the loop.
AT_ONCE = 4
#: What readers are told last when the instance ends in order.
STOPPED = b'event: stopped\ndata: {"event":"stopped"}\n\n'
#: Readers of one role at a time.
MOST_READERS = 100


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that were gathered.

    Attributes:
        first, last: the numbers of the first and the last event.
        octets: all of them, as they are sent.
    """

    first: int
    last: int
    octets: bytes


class EventFeed:
    """Numbers the events of an instance, and keeps the last ones as they are sent.

    Readers share what is kept, and have nothing but a place in it. Who falls behind what is kept,
    or comes back too late, is told so by a gap. So is who comes with an id of an earlier run.

    Args:
        hub: what happens.
        earlier: how many of the events that it keeps are the first ones.

    Attributes:
        readers: how many follow now, by their roles: those of one can't keep out the others.
    """

    def __init__(self, hub: EventHub, *, earlier: int = 0) -> None:
        self._earlier = earlier
        self._hub = hub
        self._run = secrets.token_hex(4)
        self._batches: deque[Batch] = deque()
        self._kept = 0
        self._next = 1
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._is_over = False
        self.readers: Counter[VisitorRole] = Counter()
        self._task = asyncio.create_task(self._gather(), name="events of the board")

    async def close(self) -> None:
        """End it; every reader is told the rest, and that it was stopped."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self._is_over = True
        self._let_go_on(len(self._waiting))

    async def _gather(self) -> None:
        reader = self._hub.open(lambda _: True)
        try:
            if earlier := self._hub.last(self._earlier, lambda _: True):
                self._take(earlier)
                await self._wake()
            while True:
                entries = await reader.next()
                self._take(entries)
                await self._wake()
                await asyncio.sleep(GATHER)
        finally:
            self._hub.close(reader)
            if rest := reader.rest():
                self._take(rest)

    def _take(self, entries: list[HubEntry]) -> None:
        first = self._next
        octets = bytearray()
        for entry in latest(entries):
            octets += self._written(self._next, entry.kind, entry.line)
            self._next += 1
        batch = Batch(first, self._next - 1, bytes(octets))
        self._batches.append(batch)
        self._kept += len(octets)
        while self._kept > MOST_KEPT and len(self._batches) > 1:
            self._kept -= len(self._batches.popleft().octets)

    async def _wake(self) -> None:
        """Let those go on who wait, a few in each turn of the loop: calls have theirs between."""
        left = len(self._waiting)
        while left > 0:
            self._let_go_on(AT_ONCE)
            left -= AT_ONCE
            await asyncio.sleep(0)

    def _let_go_on(self, count: int) -> None:
        for one in list(islice(self._waiting, count)):
            del self._waiting[one]
            if not one.done():
                one.set_result(None)

    async def _more(self) -> None:
        """Wait until there may be more to read."""
        waits = asyncio.get_running_loop().create_future()
        self._waiting[waits] = None
        try:
            await waits
        finally:
            self._waiting.pop(waits, None)

    def _written(self, number: int, kind: str, line: bytes) -> bytes:
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (
            self._run.encode(),
            number,
            kind.encode(),
            line,
        )

    async def follow(self, last: str | None, back: int = 0) -> AsyncIterator[bytes]:
        """Give events as they are sent, from now on, or after the last one that a reader has.

        Args:
            last: the id of that (``Last-Event-ID``); None if it has none.
            back: how many of those that are kept come first, if it has none.
        """
        place, is_lost = self._place(last, back)
        if is_lost:
            yield self._gap(place)
        else:
            yield b"retry: 1000\n: welcome\n\n"
        while True:
            first = self._batches[0].first if self._batches else self._next
            if place < first:
                place = self._next
                yield self._gap(place)
            for batch in [one for one in self._batches if one.last >= place]:
                yield self._part(batch, place)
                place = batch.last + 1
            if place >= self._next:
                if self._is_over:
                    yield STOPPED
                    return
                await self._more()

    def _place(self, last: str | None, back: int) -> tuple[int, bool]:
        """Return the number of the next event for a reader, and whether it has missed some."""
        first = self._batches[0].first if self._batches else self._next
        if last is None:
            return max(first, self._next - back), False
        run, _, number = last.partition("-")
        if run != self._run or not number.isdecimal() or len(number) > 18:
            return self._next, True
        place = int(number) + 1
        if first <= place <= self._next:
            return place, False
        return self._next, True

    def _part(self, batch: Batch, place: int) -> bytes:
        """Return what a reader has not read of a batch."""
        if place <= batch.first:
            return batch.octets
        events = batch.octets.split(b"\n\n")
        return b"\n\n".join(events[place - batch.first :])

    def _gap(self, place: int) -> bytes:
        return self._written(place - 1, "gap", b'{"event":"gap"}')


def latest(entries: list[HubEntry]) -> list[HubEntry]:
    """Leave out each status of a call that another one of the same call follows, steps kept."""
    last: dict[object, HubEntry] = {}
    for entry in entries:
        last[_subject(entry)] = entry
    return list(last.values())


def _subject(entry: HubEntry) -> object:
    report = entry.report
    if entry.kind == "CallStatus":
        key = (getattr(report, name, None) for name in ("account", "id", "phase"))
        return tuple(key)
    return entry
