"""The pictures that come in of one RTP stream, while it is taken by the compiled part."""

from collections.abc import Callable
from typing import Any

from .flows import Address
from .inbound_flow import RECORD, InboundFlow, LendingEstimate


class PictureRun:
    """Packets of one timestamp that follow each other.

    Attributes:
        number: The first one's sequence number.
        timestamp: Their RTP timestamp.
        marker: Whether the last one is the last packet of its frame; the others are not.
        payloads: Their payloads.
        arrival: When they were whole, in seconds of the loop's clock.
    """

    __slots__ = ("arrival", "marker", "number", "payloads", "timestamp")

    def __init__(self, number: int, timestamp: int) -> None:
        self.number = number
        self.timestamp = timestamp
        self.marker = False
        self.payloads: list[bytes] = []
        self.arrival = 0.0


TakeRuns = Callable[[list[PictureRun]], None]


class PictureFlow(InboundFlow):
    """Lends a stream of pictures, from behind a whole one, and takes it back.

    What is kept is handed on as `TakeRuns`.
    """

    MOST = 5000
    LONGEST = 6.0

    __slots__ = ("_is_marked", "_timestamp")

    def begin(
        self, file: int, address: Address, session: Any, estimate: LendingEstimate | None
    ) -> None:
        """Lend what was offered; see `InboundFlow`."""
        self._is_marked, self._timestamp = True, 0
        super().begin(file, address, session, estimate)

    def _hand_on(self, octets: bytes, count: int) -> None:
        runs: list[PictureRun] = []
        run = PictureRun(0, 0)
        number = self._c.next - count
        is_marked, before, is_open = self._is_marked, self._timestamp, False
        at, length, read, head = 0, len(octets), RECORD.unpack_from, RECORD.size
        while at < length:
            arrival, timestamp, size, marker = read(octets, at)
            if (
                not runs
                or is_marked
                or timestamp != before
                or (arrival != run.arrival and not is_open)
            ):
                run = PictureRun(number & 0xFFFF, timestamp)
                runs.append(run)
                # The first packet of one may make the frame before it whole, if none was marked.
                is_open = is_marked or timestamp == before
            begin = at + head
            at = begin + size
            run.payloads.append(octets[begin:at])
            run.marker, run.arrival = marker > 0, arrival
            is_marked, before = run.marker, timestamp
            number += 1
        self._is_marked, self._timestamp = is_marked, before
        self._take(runs)
