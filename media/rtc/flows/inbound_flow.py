"""What comes in of one RTP stream, while it is taken by the compiled part."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..rtp.statistics import StreamCounter
from ..rtp.video.bit_rate_estimator import Group
from .flows import Address, Flows

_GROUP = struct.Struct("=qqq")

TakeSound = Callable[[bytes], None]
"""Takes frames of sound in records: see `PackedSound`."""


class LendingEstimate(Protocol):
    """What estimates the bit rate that comes through, and lets others look at the packets."""

    def lend(self, flow: Any) -> bool:
        """Say in a flow (`struct inbound`) how to go on; False if the packets are for here."""

    def add_groups(self, ssrc: int, groups: Sequence[Group]) -> None:
        """Take groups that are whole."""

    def take_back(self, flow: Any) -> None:
        """Go on behind the last packet of a flow."""


class InboundFlow:
    """Lends a stream of sound to the compiled part, and takes it back.

    Attributes:
        is_live: Whether it is lent.
        is_wanted: Whether it may be, from the packet that was taken last.
    """

    MOST = 3000
    """Packets of one flow; the next one goes Python's way, which looks at all that may be
    unusual."""

    LONGEST = 65.0
    """Seconds of one flow."""

    __slots__ = (
        "_c",
        "_counter",
        "_estimate",
        "_flows",
        "_loop",
        "_on_strange",
        "_take",
        "is_live",
        "is_wanted",
    )

    def __init__(
        self, flows: Flows, take: Callable[..., None], on_strange: Callable[[], None]
    ) -> None:
        """Prepare to lend.

        Args:
            flows: Where.
            take: Gets the frames that were kept, in order, when they are asked for (`TakeSound`).
            on_strange: Called to end it at once, behind a packet that may change what is to be
                done, and when whoever decrypts is to see the next one.
        """
        self._flows = flows
        self._loop = asyncio.get_running_loop()
        self._on_strange = on_strange
        self._take = take
        self._c: Any = None
        self._counter: StreamCounter
        self._estimate: LendingEstimate | None = None
        self.is_live = False
        self.is_wanted = False

    def want(
        self, ssrc: int, payload_type: int, number: int, counter: StreamCounter, *, codec: str
    ) -> None:
        """Offer what follows of a stream.

        Args:
            ssrc: The stream.
            payload_type: Of its codec.
            number: The sequence number that is due.
            counter: Counts it.
            codec: The RTP encoding name, if frames are wanted; else it is empty.
        """
        flow = self._c
        if flow is None:
            flow = self._c = self._flows.ffi.new("struct inbound *")
        flow.ssrc, flow.payload_type, flow.next = ssrc, payload_type, number
        flow.keeps = self._flows.keeps(codec)
        self._counter = counter
        self.is_wanted = True

    def begin(
        self, file: int, address: Address, session: Any, estimate: LendingEstimate | None
    ) -> None:
        """Lend what was offered.

        Args:
            file: The socket's descriptor.
            address: From which it comes.
            session: libsrtp's, which decrypts it.
            estimate: What the packets count for.
        """
        self.is_wanted = False
        if self.is_live:
            return
        flow, counter = self._c, self._counter
        if estimate is not None and not estimate.lend(flow):
            return
        self._flows.lead(flow, file, address, session)
        flow.left, flow.until = self.MOST, self._loop.time() + self.LONGEST
        flow.clock_rate = counter.clock_rate
        flow.timestamp, flow.arrival, flow.jitter = counter.last
        flow.is_marked = True
        flow.received = 0
        self.is_live = self._flows.listen(flow, session, self._on_strange)
        if self.is_live:
            counter.settle = self.count
            self._estimate = estimate
            if flow.sent_id:
                self._flows.estimate(flow, self._look)

    def give_back(self) -> None:
        """Let whoever has lent it take it back, if it is lent."""
        if self.is_live:
            self._on_strange()

    def count(self) -> None:
        """Count what has come; its frames go on waiting."""
        flow = self._c
        received = flow.received
        if received:
            self._counter.add_run(received, flow.timestamp, flow.arrival, flow.jitter)
            flow.received = 0

    def settle(self) -> None:
        """Count what has come, and hand its frames on."""
        self.count()
        if self._c.frames_length:
            self._hand_on()

    def end(self) -> int:
        """Take the stream back.

        Returns:
            The sequence number that is due.
        """
        self.is_live = False
        self._counter.settle = None
        self.settle()
        self._flows.unlisten(self._c)
        if self._estimate is not None:
            self._look()
            self._estimate.take_back(self._c)
            self._estimate = None
        return int(self._c.next)

    def _hand_on(self) -> None:
        """Hand on what was kept."""
        flow = self._c
        records = self._flows.ffi.buffer(flow.frames, flow.frames_length)[:]
        flow.frames_length = 0
        self._take(records)

    def _look(self) -> None:
        """Give on what the estimate goes by."""
        flow = self._c
        count = flow.group_count
        if count and self._estimate is not None:
            octets = self._flows.ffi.buffer(flow.groups, count * _GROUP.size)[:]
            flow.group_count = 0
            self._estimate.add_groups(flow.ssrc, list(_GROUP.iter_unpack(octets)))
