"""The bit rate that comes through of received video, which the peer is told (REMB)."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from aiortc import RTCRtpReceiver

from ..rtp.packet import RtpPacket, extended
from ..rtp.video.bit_rate_estimator import BitRateEstimator, Group

EXTENSION_IDS = "_HeaderExtensionsMap__ids"
EXTENSIONS_MAP = "_rtp_header_extensions_map"


class IncomingBitRate:
    """Estimates from send times what comes through, and tells the peer.

    As in WebRTC's own implementation the peer is told of less at once, and of anything else five
    times a second.
    """

    EVERY = 200
    """Milliseconds."""

    GROUP = (5 << 18) // 1000
    """Units of abs-send-time in which packets are sent that are one group: 5 ms, as in WebRTC."""

    BATCH = 100
    """Milliseconds after which groups of packets are given to the estimator, one after the other:
    each by itself would find nothing of its code in the processor's caches."""

    QUIET = 2000
    """Milliseconds after which a stream that is silent is none of those that are told of."""

    def __init__(self, receiver: RTCRtpReceiver, tell: Callable[[int, list[int]], None]) -> None:
        """Estimate for a receiver that has not started.

        Args:
            receiver: One of video.
            tell: Called with bits per second, and the SSRCs of the streams that they are of.
        """
        self._estimator = BitRateEstimator()
        self._heard: dict[int, int] = {}
        self._ids: Any = None
        self._at = 0
        self._extension: bytes | None = b""
        self._groups: list[Group] = []
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

    def add_groups(self, ssrc: int, groups: Sequence[Group]) -> None:
        """Take groups of packets of a stream, and tell the peer if it is time to.

        Args:
            ssrc: The stream's.
            groups: At least one, in the order in which they came.
        """
        now = groups[-1][1]
        self._heard[ssrc] = now
        most = self._estimator.add(groups)
        if most is None:
            return
        if now - self._told_at >= self.EVERY or most < 0.97 * self._told:
            self._told, self._told_at = most, now
            self._heard = {each: at for each, at in self._heard.items() if now - at <= self.QUIET}
            self._tell(most, list(self._heard))

    def lend(self, flow: Any) -> bool:
        """Let somebody else put packets into groups, from behind those on that have come.

        Args:
            flow: `struct inbound`, in which it is told how to.

        Returns:
            False if the next packets are for here.
        """
        flow.sent_id = identifier = self._id()
        if not identifier:
            return True
        if len(self._sent) != 3:
            return False
        self._give()
        flow.span, flow.began, flow.group_count = self.GROUP, self._moment, 0
        flow.group = (int.from_bytes(self._sent), self._at, self._octets)
        return True

    def take_back(self, flow: Any) -> None:
        """Go on behind the packets that somebody else has put into groups.

        Args:
            flow: What `lend` was given; `add_groups` has got those that are whole.
        """
        if flow.sent_id:
            group = flow.group
            self._extension = None  # another one than any packet's
            self._sent = group.sent.to_bytes(3)
            self._at, self._octets, self._moment = group.arrival, group.octets, flow.began

    def _id(self) -> int:
        """Give what abs-send-time is called in header extensions; 0: it was not agreed on."""
        if self._ids is None:
            extensions = getattr(self._receiver.transport, EXTENSIONS_MAP)
            self._ids = getattr(extensions, EXTENSION_IDS)
        return self._ids.abs_send_time or 0

    def _begin(self, ssrc: int, extension: bytes) -> None:
        """Look whether a packet was sent in one group with the one before it."""
        sent = extended(extension, self._id())
        moment = int.from_bytes(sent)
        if ssrc != self._ssrc or moment - self._moment & 0xFFFFFF > self.GROUP:
            self._add()
            if ssrc != self._ssrc:
                self._give()
            self._moment, self._ssrc, self._octets = moment, ssrc, 0
        self._extension, self._sent = extension, sent

    def _add(self) -> None:
        """Add a group to those that wait."""
        if len(self._sent) != 3:
            return
        self._groups.append((int.from_bytes(self._sent), self._at, self._octets))
        if self._at - self._groups[0][1] >= self.BATCH:
            self._give()

    def _give(self) -> None:
        """Give the groups that wait to the estimator."""
        if self._groups:
            groups, self._groups = self._groups, []
            self.add_groups(self._ssrc, groups)
