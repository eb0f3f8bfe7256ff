"""What becomes of the packets of received video, and what the peer is told of them."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from ....frames.codec import WRAP
from ..packet import RtpPacket
from .freezes import Freeze, FreezeCount, Freezes
from .keyframe_requests import KeyframeRequests
from .payload_format import Fragment
from .stream import Frames, VideoStream

_CLOCK_RATE = 90_000
"""Of every video codec here, in Hz (RFC 7741 §4.1, RFC 6184 §5.1)."""


class Due(NamedTuple):
    """What is to be done at a moment.

    Attributes:
        frames: Frames that are whole now.
        missing: Sequence numbers to ask for (NACK).
        keyframe: Whether to ask for a key frame (PLI).
    """

    frames: Frames
    missing: list[int]
    keyframe: bool


class VideoReceiver:
    """Receives video, whatever RTP streams it comes in, one at a time.

    It knows no clock and no network: every call says what time it is, and `deadline` when to call
    `tick` next.

    Attributes:
        deadline: When `tick` has something to do, in seconds; infinite if nothing.
        freezes: When the pictures stood still.
        ssrc: The stream that is received; None before the first packet.
    """

    SILENT = 1.0
    """Seconds after which a stream that was left may be taken up again."""

    MOST_PAST = 32

    BLIND = 5.0
    """Seconds of packets of which nothing can be shown, after which that is said."""

    def __init__(self) -> None:
        self.deadline = inf
        self.freezes = Freezes()
        self.ssrc: int | None = None
        self._arrived = -inf
        self._blind_since: float | None = None
        self._asks_again = False
        self._past: dict[int, None] = {}
        self._repairs: Mapping[int, int] = {}
        self._requests = KeyframeRequests()
        self._blind_since = None
        self._stream = VideoStream()
        self._timestamp = 0

    def learn(self, *, asks_again: bool, repairs: Mapping[int, int]) -> None:
        """Take what was negotiated.

        Args:
            asks_again: Whether the peer sends packets again when it is asked to (NACK).
            repairs: SSRC of retransmissions → SSRC of what is retransmitted (FID, RFC 5576 §4.2).
                One that is not here is taken to repair what is received.
        """
        self._asks_again = self._stream.asks_again = asks_again
        self._repairs = repairs

    def receive(self, codec: str, packet: RtpPacket, now: float) -> Frames:
        """Take a packet.

        Args:
            codec: The RTP encoding name.
            packet: As it came.
            now: The time, in seconds.

        Returns:
            The frames that are whole now, in order.
        """
        if packet.ssrc != self.ssrc and not self._follow(packet.ssrc, now):
            return ()
        frames = self._stream.receive(codec, packet, now)
        self._received(frames, now)
        return frames

    def receive_next(
        self,
        codec: str,
        ssrc: int,
        number: int,
        count: int,
        timestamp: int,
        marker: bool,
        held: Sequence[bytes] | Fragment,
        now: float,
    ) -> Frames | None:
        """Take packets that came together, if they are the next ones and none is missing.

        Args:
            codec: The RTP encoding name.
            ssrc: Their stream.
            number: The first one's sequence number. The others have those that follow.
            count: How many they are.
            timestamp: Their RTP timestamp.
            marker: Whether the last one is the last packet of its frame; the others are not.
            held: Their payloads, or what those hold where somebody has read them.
            now: The time, in seconds.

        Returns:
            The frames that are whole now, in order; None: the packets are for `receive`.
        """
        if ssrc != self.ssrc:
            return None
        frames = self._stream.receive_next(codec, number, count, timestamp, marker, held, now)
        if frames is not None:
            self._received(frames, now)
        return frames

    def receive_whole(
        self,
        codec: str,
        ssrc: int,
        number: int,
        count: int,
        timestamps: Sequence[int],
        keys: Sequence[bool],
        arrivals: Sequence[float],
    ) -> bool:
        """Take note of frames that somebody else has put together, as `receive_next` would.

        Args:
            codec: The RTP encoding name.
            ssrc: Their stream.
            number: The first packet's sequence number. The others have those that follow.
            count: How many packets they had.
            timestamps: Their RTP timestamps.
            keys: Of each whether it is a key frame.
            arrivals: When they were whole, in seconds.

        Returns:
            False if they are for `receive_next`; then nothing has happened.
        """
        stream, requests = self._stream, self._requests
        if ssrc != self.ssrc or requests.wanted or stream.deadline is not inf:
            return False
        if not stream.receive_whole(codec, number, count, arrivals[-1]):
            return False
        self._arrived = arrivals[-1]
        self._blind_since = None
        self.deadline = inf
        if any(keys):
            requests.came()
        if self.freezes.are_none(arrivals):
            self._timestamp = timestamps[-1]
            return True
        for timestamp, at in zip(timestamps, arrivals, strict=True):
            self._show(timestamp, at, after_loss=False)
        return True

    def repair(self, codec: str, payload_type: int, packet: RtpPacket, now: float) -> Frames:
        """Take a packet that was sent again on a stream of its own (RFC 4588 §4).

        Args:
            codec: The RTP encoding name of what is in it (`apt`).
            payload_type: Of what is in it.
            packet: As it came. One without a payload only fills the line.
            now: The time, in seconds.

        Returns:
            The frames that are whole now, in order.
        """
        payload = packet.payload
        ssrc = self._repairs.get(packet.ssrc, self.ssrc)
        if len(payload) < 2 or ssrc is None or ssrc != self.ssrc:
            return ()
        original = RtpPacket(
            payload_type,
            int.from_bytes(payload[:2]),
            packet.timestamp,
            ssrc,
            payload[2:],
            packet.marker,
        )
        frames = self._stream.receive(codec, original, now, again=True)
        self._count(frames, now)
        self._look(now)
        return frames

    def want_keyframe(self, now: float) -> None:
        """Ask the peer for a key frame, and again until one comes; once a second for all who want.

        Before the first packet there is nobody to ask: it is done when that comes.

        Args:
            now: The time, in seconds.
        """
        self._requests.want()
        self._look(now)

    def tick(self, now: float) -> Due:
        """Find out what is to be done.

        Args:
            now: The time, in seconds.
        """
        frames = self._stream.tick(now)
        self._count(frames, now)
        keyframe = self._needs_keyframe(now) and self._requests.ask(now)
        missing = self._stream.due(now)
        self._look(now)
        return Due(frames, missing, keyframe)

    @property
    def is_steady(self) -> bool:
        """Whether nothing is missing, and nothing is to be done as long as that is so."""
        stream = self._stream
        is_calm = self.deadline == inf and not self._requests.wanted
        return is_calm and stream.follows and not stream.missing

    @property
    def awaits_keyframe(self) -> bool:
        """Whether the peer was asked for a key frame, and has sent none since."""
        return self._requests.asked

    def is_unseen(self, now: float) -> bool:
        """Tell whether for long nothing could be shown; said once each time.

        Args:
            now: The time, in seconds.
        """
        if self._blind_since is None or now < self._blind_since + self.BLIND:
            return False
        self._blind_since = inf
        return True

    def pause(self, now: float) -> None:
        """Take note that nothing is expected any more, as agreed with the peer.

        Args:
            now: The time, in seconds.
        """
        self.freezes.pause(self.freezing(now))

    def freezing(self, now: float) -> Freeze | None:
        """Give the freeze that goes on, if one does: packets come, or are missing, but no frame.

        Args:
            now: The time, in seconds.
        """
        return self.freezes.going_on(now) if self._stream.needs_keyframe(now) else None

    def frozen(self, now: float) -> FreezeCount:
        """Give when the pictures stood still, up to now.

        Args:
            now: The time, in seconds.
        """
        return self.freezes.until(self.freezing(now))

    def _received(self, frames: Frames, now: float) -> None:
        """Take note of what came of a packet."""
        self._arrived = now
        stream = self._stream
        follows = stream.follows
        if frames:
            self._count(frames, now)
        elif not follows and self._blind_since is None:
            self._blind_since = now
        if not follows or self._requests.wanted or stream.deadline is not inf:
            self._requests.heard()
            self._look(now)
        elif self.deadline is not inf:
            self.deadline = inf

    def _follow(self, ssrc: int, now: float) -> bool:
        """Go over to another stream, unless it is one that was left for this one."""
        if ssrc in self._past and now - self._arrived < self.SILENT:
            return False
        if self.ssrc is not None:
            self.pause(now)
            self._past[self.ssrc] = None
            if len(self._past) > self.MOST_PAST:
                del self._past[next(iter(self._past))]
        self._past.pop(ssrc, None)
        self.ssrc = ssrc
        self._stream = VideoStream(asks_again=self._asks_again)
        self._requests.want()
        return True

    def _count(self, frames: Frames, now: float) -> None:
        if frames:
            self._blind_since = None
        for frame in frames:
            if frame.keyframe:
                self._requests.came()
            self._show(frame.timestamp, now, after_loss=frame.after_loss)

    def _show(self, timestamp: int, now: float, *, after_loss: bool) -> None:
        """Take note of a frame that can be shown."""
        meant = None
        if not after_loss:
            step = (timestamp - self._timestamp + WRAP // 2) % WRAP - WRAP // 2
            meant = step / _CLOCK_RATE
        self._timestamp = timestamp
        self.freezes.frame(now, meant=meant)

    def _needs_keyframe(self, now: float) -> bool:
        stream = self._stream
        if self._requests.wanted and not stream.receives_keyframe:
            return True
        return stream.needs_keyframe(now)

    def _look(self, now: float) -> None:
        """Find out when something is to do next."""
        self.deadline = self._stream.deadline
        if self.ssrc is not None and self._needs_keyframe(now):
            self.deadline = min(self.deadline, self._requests.next_at)
