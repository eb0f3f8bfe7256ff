"""What comes in of one RTP stream, while it is taken by the compiled part."""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

from ..rtp.statistics import StreamCounter
from .flows import Address, Flows

MOST = 3000
"""Packets of one flow; the next one goes Python's way, which looks at all that may be unusual."""

LONGEST = 65.0
"""Seconds of one flow."""

_RECORD = struct.Struct("=dIi")

TakeFrames = Callable[[list[tuple[bytes, int, float]]], None]
"""Takes frames: of each its payload, its RTP timestamp, and when it came."""


class InboundFlow:
    """Lends a stream to the compiled part, and takes it back.

    Attributes:
        is_live: Whether it is lent.
        is_wanted: Whether it may be, from the packet that was taken last.
    """

    __slots__ = ("_c", "_counter", "_flows", "_loop", "_take", "is_live", "is_wanted")

    def __init__(self, flows: Flows, take: TakeFrames) -> None:
        """Prepare to lend.

        Args:
            flows: Where.
            take: Gets the frames that were kept, in order, when they are asked for.
        """
        self._flows = flows
        self._loop = asyncio.get_running_loop()
        self._take = take
        self._c: Any = None
        self._counter: StreamCounter
        self.is_live = False
        self.is_wanted = False

    def want(
        self, ssrc: int, payload_type: int, number: int, counter: StreamCounter, *, keeps: bool
    ) -> None:
        """Offer what follows of a stream.

        Args:
            ssrc: The stream.
            payload_type: Of a codec of sound.
            number: The sequence number that is due.
            counter: Counts it.
            keeps: Whether frames are wanted.
        """
        flow = self._c
        if flow is None:
            flow = self._c = self._flows.ffi.new("struct inbound *")
        flow.ssrc, flow.payload_type, flow.next, flow.keeps = ssrc, payload_type, number, keeps
        self._counter = counter
        self.is_wanted = True

    def begin(self, file: int, address: Address, session: Any) -> None:
        """Lend what was offered.

        Args:
            file: The socket's descriptor.
            address: From which it comes.
            session: libsrtp's, which decrypts it.
        """
        self.is_wanted = False
        if self.is_live:
            return
        flow, counter = self._c, self._counter
        self._flows.lead(flow, file, address, session)
        flow.left, flow.until = MOST, self._loop.time() + LONGEST
        flow.clock_rate = counter.clock_rate
        flow.timestamp, flow.arrival, flow.jitter = counter.last
        flow.received = 0
        self.is_live = self._flows.listen(flow, session)
        if self.is_live:
            counter.settle = self.settle

    def settle(self) -> None:
        """Count what has come, and hand its frames on."""
        flow = self._c
        if flow.received:
            self._counter.add_run(flow.received, flow.timestamp, flow.arrival, flow.jitter)
            flow.received = 0
        length = flow.frames_length
        if length:
            octets = self._flows.ffi.buffer(flow.frames, length)[:]
            flow.frames_length = 0
            frames = []
            at, read, head = 0, _RECORD.unpack_from, _RECORD.size
            while at < length:
                arrival, timestamp, size = read(octets, at)
                begin = at + head
                at = begin + size
                frames.append((octets[begin:at], timestamp, arrival))
            self._take(frames)

    def end(self) -> int:
        """Take the stream back.

        Returns:
            The sequence number that is due.
        """
        self.is_live = False
        self._counter.settle = None
        self.settle()
        self._flows.unlisten(self._c)
        return int(self._c.next)
