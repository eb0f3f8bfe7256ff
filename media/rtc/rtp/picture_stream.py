"""A stream of video on its way out: frames leave in bursts, and lost packets leave again."""

import asyncio
import secrets
import struct
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import takewhile
from math import ceil

from ...frames.payloads import Piece
from ...sources.pacer import Pacer, Ticket
from ...sources.unit import Unit
from .._aiortc import PacketOutlet
from ..flows.outbound_flow import Burst, Left, OutboundFlow, Pace
from .video.sent_packets import Bursts, OutgoingFrame, RepairStream, SentBurst, SentPackets
from .video.vp8_descriptor import Vp8Descriptors, descriptors

_HEADER = struct.Struct("!BBHII")
_MARKER = 0x80
_CLOCK_RATE = 90_000
"""Of every video codec here, in Hz (RFC 7741 §4.1, RFC 6184 §5.1)."""


class LentPictures:
    """What the packets of frames say that leave by the compiled part, for a peer that misses some.

    Nothing is made of it before that.
    """

    def __init__(
        self,
        flow: OutboundFlow,
        ahead: Sequence[OutgoingFrame],
        number: int,
        cut: Callable[[Unit], tuple[Piece, ...]],
        described: tuple[int, int] | None,
    ) -> None:
        """Begin with frames of which nothing has left by the compiled part.

        Args:
            flow: The frames.
            ahead: Those of it that had had their turn before.
            number: The sequence number of the next packet.
            cut: Cuts the others.
            described: PictureID and TL0PICIDX of the first one, if it is VP8.
        """
        self._ahead = ahead
        self._cut = cut
        self._described = described
        self._flow = flow
        self._number = number

    def frame(self, at: int) -> OutgoingFrame:
        """Give what the packets of a frame say.

        Args:
            at: Which one it is, of those that have had their turn.
        """
        if at < len(self._ahead):
            return self._ahead[at]
        unit, timestamp = self._flow.had_turn(at)
        first = others = b""
        if self._described is not None:
            picture, layer = self._described
            first, others = descriptors(picture + at, layer + at)
        return OutgoingFrame(timestamp, first, others, self._cut(unit))

    def sent(self) -> tuple[Bursts, int, float] | None:
        """Give what has left since this was last asked, as `SentPackets.add_unread` takes it.

        Returns:
            None if nothing has.
        """
        number, newest = self._number, self._flow.said.number - 1 & 0xFFFF
        at = self._flow.last_burst_at
        if at is None:
            return None
        self._number = newest + 1 & 0xFFFF
        return partial(self._read, self._flow.bursts(), number), newest, at

    def _read(self, bursts: Iterable[Burst], number: int) -> list[SentBurst]:
        found: list[SentBurst] = []
        for at, start, end, moment in bursts:
            frame = found[-1].frame if start and found else self.frame(at)
            found.append(SentBurst(number, moment, frame, start, end))
            number = number + end - start & 0xFFFF
        return found


class PictureStream:
    """Sends frames of video past aiortc's tasks, which draw them from a track one by one.

    A frame of up to `BURST` packets leaves at once. A larger one leaves in bursts, spread over the
    ticks of the pacer until the next frame is due, so that it floods no queue on the way.
    """

    BURST = 8
    """Packets that leave at once."""

    SPREAD = 0.1
    """Seconds in which what waits must have left, however long its frame is shown."""

    def __init__(self, outlet: PacketOutlet, codec: str, payload_type: int) -> None:
        """Begin at a random place, as RFC 3550 §5.1 wants.

        Args:
            outlet: Where packets go out.
            codec: The RTP encoding name.
            payload_type: Of the negotiated codec.
        """
        self._codec = codec
        self._descriptors = Vp8Descriptors() if codec == "VP8" else None
        self._empty_by = 0.0
        self._flow: OutboundFlow | None = None
        self._lent: LentPictures | None = None
        # So far below the wrap that packets lost at the beginning can't be taken for one
        # (RFC 3711 §3.3.1).
        self._number = secrets.randbelow(1 << 15)
        self._loop = asyncio.get_running_loop()
        self._origin = secrets.randbits(32)
        self._outlet = outlet
        self._payload_type = payload_type
        # Frames that have not left, or not wholly, and which of their packets is the next.
        self._queue: deque[tuple[OutgoingFrame, int]] = deque()
        self._repair_number = secrets.randbelow(1 << 15)
        self._repairs = RepairStream()
        self._sent = SentPackets()
        self._ticket: Ticket | None = None
        self._waiting = 0

    @property
    def waits(self) -> bool:
        """Whether packets of a large frame wait for their tick."""
        return bool(self._queue) if self._flow is None else self._flow.waits

    def send(self, unit: Unit, timestamp: int) -> None:
        """Send a frame, unless the stream is closed.

        Args:
            unit: The frame; within its duration the last packet leaves.
            timestamp: In ticks of the codec's clock, from any origin.
        """
        outlet = self._outlet
        pieces = self._cut(unit)
        if not pieces or not outlet.is_open:
            return
        frame = self._next(pieces, timestamp)
        outlet.report(frame.timestamp)
        now = self._loop.time()
        if self._ticket is None and len(pieces) <= self.BURST:
            self._send(frame, 0, len(pieces), now)
            return
        self._queue.append((frame, 0))
        self._waiting += len(pieces)
        self._empty_by = max(self._empty_by, now + min(unit.duration / _CLOCK_RATE, self.SPREAD))
        if self._ticket is None:
            self._leave(now)
            if self._queue:
                self._ticket = Pacer.running().start(self._tick)

    def send_again(self, numbers: Iterable[int]) -> None:
        """Send packets again that the peer has missed, within bounds (`SentPackets`).

        Args:
            numbers: Their sequence numbers.
        """
        outlet = self._outlet
        if not outlet.is_open:
            return
        self._settle()
        if self._lent is not None:
            self._keep(self._lent)
        extension = outlet.extension()
        found = self._sent.again(numbers, self._loop.time())
        packets = [self._again(number, frame, at, extension) for number, frame, at in found]
        for at in range(0, len(packets), self.BURST):
            outlet.send(packets[at : at + self.BURST])

    def lend(
        self, units: Sequence[Unit], pace: Pace, *, is_watched: bool, on_end: Callable[[], None]
    ) -> bool:
        """Let frames leave by the compiled part, and what waits before them.

        Args:
            units: The next frames.
            pace: When they are due.
            is_watched: Whether anybody wants to know of each.
            on_end: Called when all have had their turn, or can't leave any more.

        Returns:
            False if they can't.
        """
        flows, queue, ticket = self._outlet.flows, self._queue, self._ticket
        units = list(takewhile(self._cut, units))
        if flows is None or not units or (ticket is not None and not queue):
            return False
        flow = OutboundFlow(flows, units, self._cut, pace, is_watched=is_watched)
        said = flow.said
        said.number, said.base, said.payload_type = self._number, self._origin, self._payload_type
        said.marks, said.most, said.spread = True, self.BURST, self.SPREAD
        said.empty_by = self._empty_by
        numbers = None
        if self._descriptors is not None:
            picture, layer = self._descriptors.numbers
            numbers = picture - len(queue) & 0x7FFF, layer - len(queue) & 0xFF
            said.describes = True
            said.picture, said.layer = numbers
        if ticket is not None:
            said.tick_due, said.ticks_at, said.ticks_first = ticket.due, ticket.moment / 1000, True
        frames = [frame for frame, _ in queue]
        flow.spread(
            [(frame.timestamp - self._origin & 0xFFFFFFFF, frame.pieces) for frame in frames],
            queue[0][1] if queue else 0,
        )
        if not self._outlet.lend(flow, on_end, self._settle):
            return False
        self._flow = flow
        self._lent = LentPictures(flow, frames, self._number, self._cut, numbers)
        self._clear()
        if ticket is not None:
            ticket.cancel()
            self._ticket = None
        return True

    def left(self) -> Left:
        """Give the frames that have left by the compiled part since this was last asked."""
        return ([], [], []) if self._flow is None else self._flow.left()

    def take_back(self, go_on: Callable[[OutboundFlow], None]) -> Left:
        """Let no more frames leave by the compiled part, to which some were lent.

        Args:
            go_on: Goes on with those that have not had their turn.

        Returns:
            Those that had it and were not told yet.
        """
        flow, lent = self._flow, self._lent
        assert flow is not None  # noqa: S101 -- they were lent
        assert lent is not None  # noqa: S101 -- so they are known
        self._outlet.take_back(flow)
        self._settle()
        self._keep(lent)
        said = flow.said
        self._flow = self._lent = None
        self._number = said.number
        if self._descriptors is not None:
            self._descriptors.skip(flow.played)
        start = said.piece
        for at in range(said.out, said.at):
            self._queue.append((lent.frame(at), start))
            start = 0
        self._waiting, self._empty_by = said.waiting, said.empty_by
        # In the order in which the pacer would have them.
        if not said.ticks_first:
            go_on(flow)
        if said.waiting:
            late = said.ticks_at
            self._ticket = Pacer.running().start(self._tick, due=said.tick_due, late=late)
        if said.ticks_first:
            go_on(flow)
        return flow.left()

    def _settle(self) -> None:
        """Count what has left by the compiled part."""
        if self._flow is not None:
            self._sent.count(self._outlet.settle(self._flow))

    def _keep(self, lent: "LentPictures") -> None:
        """Keep what has left by it since this was last done."""
        read = lent.sent()
        if read is not None:
            self._sent.add_unread(*read)

    def close(self) -> None:
        """Send nothing more."""
        self._clear()
        if self._ticket is not None:
            self._ticket.cancel()

    def _cut(self, unit: Unit) -> tuple[Piece, ...]:
        return unit.pieces(self._codec)

    def _next(self, pieces: tuple[Piece, ...], timestamp: int) -> OutgoingFrame:
        """Make the next frame of the stream."""
        first, others = self._descriptors.next() if self._descriptors is not None else (b"", b"")
        return OutgoingFrame((self._origin + timestamp) & 0xFFFFFFFF, first, others, pieces)

    def _clear(self) -> None:
        self._queue.clear()
        self._waiting = 0

    def _tick(self, due: float) -> float | None:
        self._leave(self._loop.time())
        if self._queue:
            return due + Pacer.GRID
        self._ticket = None
        return None

    def _leave(self, now: float) -> None:
        """Send what is to leave in this tick."""
        queue = self._queue
        ticks = max(1.0, (self._empty_by - now) / Pacer.GRID)
        left = max(self.BURST, ceil(self._waiting / ticks))
        while queue and left > 0:
            frame, start = queue[0]
            end = min(start + min(self.BURST, left), len(frame.pieces))
            if end < len(frame.pieces):
                queue[0] = frame, end
            else:
                queue.popleft()
            left -= end - start
            self._waiting -= end - start
            if not self._send(frame, start, end, now):
                self._clear()

    def _send(self, frame: OutgoingFrame, start: int, end: int, now: float) -> bool:
        """Send packets of a frame together; False if there is no way out."""
        outlet, timestamp, number = self._outlet, frame.timestamp, self._number
        extension, ssrc, kind = outlet.extension(), outlet.ssrc, self._payload_type
        flags = 0x90 if extension else 0x80
        last = len(frame.pieces) - 1
        descriptor = frame.others if start else frame.first
        packets: list[bytes] = []
        for at in range(start, end):
            head, data = frame.pieces[at]
            marked_type = kind if at < last else kind | _MARKER
            header = _HEADER.pack(flags, marked_type, number, timestamp, ssrc)
            packets.append(b"".join((header, extension, descriptor, head, data)))
            descriptor = frame.others
            number = number + 1 & 0xFFFF
        octets = sum(map(len, packets)) - len(packets) * (_HEADER.size + len(extension))
        self._sent.add(self._number, frame, start, end, octets, now)
        self._number = number
        if not outlet.send(packets):
            return False
        outlet.count(len(packets), octets)
        return True

    def _again(self, number: int, frame: OutgoingFrame, at: int, extension: bytes) -> bytes:
        outlet = self._outlet
        flags = 0x90 if extension else 0x80
        kind, ssrc, original = self._payload_type, outlet.ssrc, b""
        if outlet.repair_type is not None and self._repairs.takes(number):
            original = number.to_bytes(2)
            kind, number, ssrc = outlet.repair_type, self._repair_number, outlet.repair_ssrc
            self._repair_number = (number + 1) & 0xFFFF
        marked_type = kind if at + 1 < len(frame.pieces) else kind | _MARKER
        header = _HEADER.pack(flags, marked_type, number, frame.timestamp, ssrc)
        return b"".join((header, extension, original, *frame.payload(at)))
