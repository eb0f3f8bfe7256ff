"""The bit rate that comes through of received video, which the peer is told (REMB)."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import RTCRtpReceiver

from ..rtp.packet import RtpPacket, extended
from .inbound import ESTIMATOR

EXTENSION_IDS = "_HeaderExtensionsMap__ids"
EXTENSIONS_MAP = "_rtp_header_extensions_map"
INCOMING = "incoming_bitrate"
OVERUSE = "estimator"
SHORTEST = "update_min_frame_period"


class Throughput:
    """The bits that came within the last second. It stands where aiortc's estimator has a counter.

    That one steps through each millisecond that has passed, twice for each packet, and keeps a
    thousand objects.
    """

    WINDOW = 1000
    """Milliseconds."""

    def __init__(self) -> None:
        self._octets: deque[tuple[int, int]] = deque()
        self._since: int | None = None
        self._total = 0

    def add(self, octets: int, now: int) -> None:
        """Count what has come.

        Args:
            octets: How much.
            now: When, in milliseconds.
        """
        if self._since is None:
            self._since = now
        self._octets.append((now, octets))
        self._total += octets
        self._forget(now)

    def rate(self, now: int) -> int | None:
        """Give the bits per second, or None if nothing came, or only in this millisecond."""
        self._forget(now)
        if self._since is None or not self._octets:
            return None
        window = now - self._since + 1
        return round(8000 * self._total / window) if window > 1 else None

    def reset(self) -> None:
        """Begin anew."""
        self._octets.clear()
        self._since = None
        self._total = 0

    def _forget(self, now: int) -> None:
        first = now - self.WINDOW + 1
        if self._since is not None and self._since < first:
            self._since = first
        while self._octets and self._octets[0][0] < first:
            self._total -= self._octets.popleft()[1]


class ShortestStep:
    """The shortest of the last steps between two groups of packets, in milliseconds of sending.

    It stands where aiortc's estimator compares sixty of them one by one.
    """

    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=60)

    def __call__(self, step: float) -> float:
        """Add a step, and give the shortest."""
        self._steps.append(step)
        return min(self._steps)


class IncomingBitRate:
    """Lets aiortc estimate from send times what comes through, and tells the peer.

    aiortc tells it with every packet while it sees the line filling up. As in WebRTC's own
    implementation the peer is told of less at once, and of anything else five times a second.
    """

    EVERY = 200
    """Milliseconds."""

    GROUP = (5 << 18) // 1000
    """Units of abs-send-time in which packets are sent that are one group: 5 ms, as in WebRTC."""

    BATCH = 100
    """Milliseconds after which groups of packets are given to the estimator, one after the other:
    each by itself would find nothing of its code in the processor's caches."""

    def __init__(self, receiver: RTCRtpReceiver, tell: Callable[[int, list[int]], None]) -> None:
        """Estimate for a receiver that has not started.

        Args:
            receiver: One of video.
            tell: Called with bits per second, and the SSRCs of the streams that they are of.
        """
        estimator: Any = getattr(receiver, ESTIMATOR)
        setattr(estimator, INCOMING, Throughput())
        setattr(getattr(estimator, OVERUSE), SHORTEST, ShortestStep())
        self._estimate = estimator.add
        self._ids: Any = None
        self._at = 0
        self._extension = b""
        self._groups: list[dict[str, int]] = []
        self._moment = 0
        self._octets = 0
        self._receiver = receiver
        self._sent = b""
        self._ssrc = 0
        self._tell = tell
        self._told = 0
        self._told_at = 0

    def take(self, packet: RtpPacket) -> None:
        """Take a packet, of which only the size and the time at which it was sent count.

        Packets that were sent at once are one to the estimator, which looks at groups of them.
        """
        if packet.extension != self._extension or packet.ssrc != self._ssrc:
            self._begin(packet.ssrc, packet.extension)
        self._octets += packet.size
        self._at = int(time.monotonic() * 1000)

    def next_packets(
        self, ssrc: int, cut: Any, extension: int, places: Sequence[tuple[int, int]]
    ) -> None:
        """Take packets that lie in a room, as `take` would.

        Args:
            ssrc: Their stream.
            cut: The room (`PacketRoom`).
            extension: Octets of the header extension before each payload.
            places: Where each payload begins and ends.
        """
        now = int(time.monotonic() * 1000)
        for start, end in places:
            found = cut[start - extension : start]
            if found != self._extension or ssrc != self._ssrc:
                self._begin(ssrc, found)
            self._octets += end - start
            self._at = now

    def _begin(self, ssrc: int, extension: bytes) -> None:
        """Look whether a packet was sent in one group with the one before it."""
        if self._ids is None:
            extensions = getattr(self._receiver.transport, EXTENSIONS_MAP)
            self._ids = getattr(extensions, EXTENSION_IDS)
        sent = extended(extension, self._ids.abs_send_time or 0)
        moment = int.from_bytes(sent)
        if ssrc != self._ssrc or moment - self._moment & 0xFFFFFF > self.GROUP:
            self._add()
            self._moment, self._ssrc, self._octets = moment, ssrc, 0
        self._extension, self._sent = extension, sent

    def _add(self) -> None:
        """Add a group to those that wait."""
        if len(self._sent) != 3:
            return
        self._groups.append(
            {
                "abs_send_time": int.from_bytes(self._sent),
                "arrival_time_ms": self._at,
                "payload_size": self._octets,
                "ssrc": self._ssrc,
            }
        )
        if self._at - self._groups[0]["arrival_time_ms"] < self.BATCH:
            return
        groups, self._groups = self._groups, []
        for group in groups:
            estimate = self._estimate(**group)
            if estimate is None:
                continue
            most, streams = estimate
            now = group["arrival_time_ms"]
            if now - self._told_at >= self.EVERY or most < 0.97 * self._told:
                self._told, self._told_at = most, now
                self._tell(most, streams)
