"""A stream of video on its way out: frames leave in bursts, and lost packets leave again."""

import asyncio
import secrets
import struct
from collections import deque
from collections.abc import Iterable
from math import ceil

from ...frames.payloads import Piece
from ...sources.pacer import Pacer, Ticket
from ...sources.unit import Unit
from .._aiortc import PacketOutlet
from .video.sent_packets import OutgoingPacket, RepairStream, SentPackets
from .video.vp8_descriptor import Vp8Descriptors

_HEADER = struct.Struct("!BBHII")
_MARKER = 0x80
_CLOCK_RATE = 90_000
"""Of every video codec here, in Hz (RFC 7741 §4.1, RFC 6184 §5.1)."""


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
        # So far below the wrap that packets lost at the beginning can't be taken for one
        # (RFC 3711 §3.3.1).
        self._number = secrets.randbelow(1 << 15)
        self._loop = asyncio.get_running_loop()
        self._origin = secrets.randbits(32)
        self._outlet = outlet
        self._payload_type = payload_type
        self._queue: deque[OutgoingPacket] = deque()
        self._repair_number = secrets.randbelow(1 << 15)
        self._repairs = RepairStream()
        self._sent = SentPackets()
        self._ticket: Ticket | None = None

    @property
    def waits(self) -> bool:
        """Whether packets of a large frame wait for their tick."""
        return bool(self._queue)

    def send(self, unit: Unit, timestamp: int) -> None:
        """Send a frame, unless the stream is closed.

        Args:
            unit: The frame; within its duration the last packet leaves.
            timestamp: In ticks of the codec's clock, from any origin.
        """
        outlet = self._outlet
        pieces = unit.pieces(self._codec)
        if not pieces or not outlet.is_open:
            return
        timestamp = (self._origin + timestamp) & 0xFFFFFFFF
        packets = self._packets(pieces, timestamp)
        outlet.report(timestamp)
        now = self._loop.time()
        if self._ticket is None and len(packets) <= self.BURST:
            self._send(packets, now)
            return
        self._queue += packets
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
        extension = outlet.extension()
        found = self._sent.again(numbers, self._loop.time())
        packets = [self._again(number, packet, extension) for number, packet in found]
        for at in range(0, len(packets), self.BURST):
            outlet.send(packets[at : at + self.BURST])

    def close(self) -> None:
        """Send nothing more."""
        self._queue.clear()
        if self._ticket is not None:
            self._ticket.cancel()

    def _packets(self, pieces: tuple[Piece, ...], timestamp: int) -> list[OutgoingPacket]:
        payload_type = self._payload_type
        if self._descriptors is None:
            packets = [OutgoingPacket(payload_type, timestamp, *piece) for piece in pieces]
        else:
            first, others = self._descriptors.next()
            packets = [OutgoingPacket(payload_type, timestamp, others, data) for _, data in pieces]
            packets[0] = OutgoingPacket(payload_type, timestamp, first, pieces[0][1])
        _, _, head, data = packets[-1]
        packets[-1] = OutgoingPacket(payload_type | _MARKER, timestamp, head, data)
        return packets

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
        left = max(self.BURST, ceil(len(queue) / ticks))
        while queue and left > 0:
            burst = [queue.popleft() for _ in range(min(self.BURST, left, len(queue)))]
            left -= len(burst)
            if not self._send(burst, now):
                queue.clear()

    def _send(self, burst: list[OutgoingPacket], now: float) -> bool:
        outlet = self._outlet
        extension, ssrc, number = outlet.extension(), outlet.ssrc, self._number
        flags = 0x90 if extension else 0x80
        packets, octets = [], 0
        for marked_type, timestamp, head, data in burst:
            header = _HEADER.pack(flags, marked_type, number, timestamp, ssrc)
            packets.append(b"".join((header, extension, head, data)))
            octets += len(head) + len(data)
            number = (number + 1) & 0xFFFF
        self._sent.add(self._number, burst, octets, now)
        self._number = number
        if not outlet.send(packets):
            return False
        outlet.count(len(packets), octets)
        return True

    def _again(self, number: int, packet: OutgoingPacket, extension: bytes) -> bytes:
        outlet = self._outlet
        flags = 0x90 if extension else 0x80
        marked_type, timestamp, head, data = packet
        ssrc, original = outlet.ssrc, b""
        if outlet.repair_type is not None and self._repairs.takes(number):
            original = number.to_bytes(2)
            marked_type = marked_type & _MARKER | outlet.repair_type
            number, ssrc = self._repair_number, outlet.repair_ssrc
            self._repair_number = (number + 1) & 0xFFFF
        header = _HEADER.pack(flags, marked_type, number, timestamp, ssrc)
        return b"".join((header, extension, original, head, data))
