"""Video cut into RTP packets, and a line that loses them, for tests on a staged clock."""

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from callboard.media.rtc.rtp.packet import RtpPacket
from callboard.media.rtc.rtp.video.frame_assembler import AssembledFrame
from callboard.media.rtc.rtp.video.receiver import VideoReceiver

SSRC, RTX_SSRC = 0x5EED, 0x5EEE
VP8, H264, RTX = 96, 98, 97
WRAPS_SOON = 65530
"""A first sequence number after which the numbers soon begin again."""


@dataclass(frozen=True)
class Picture:
    """One encoded frame.

    Attributes:
        number: Which one of the camera's it is.
        key: Whether it is a key frame.
        packets: In how many packets it goes out.
    """

    number: int
    key: bool
    packets: int = 3

    @property
    def data(self) -> bytes:
        """Its octets, the first of which says whether it is a key frame (RFC 6386 §9.1)."""
        return b"".join(self.part(part) for part in range(self.packets))

    def part(self, part: int) -> bytes:
        """What one of its packets holds."""
        head = bytes([0 if self.key else 1]) if part == 0 else b""
        return head + f"<{self.number}.{part}>".encode()


def vp8_packets(
    picture: Picture, first: int, *, ssrc: int = SSRC, rate: float = 30.0, origin: int = 0
) -> list[RtpPacket]:
    """Cut a picture into packets of VP8 (RFC 7741)."""
    return [
        RtpPacket(
            VP8,
            (first + part) % 65536,
            (origin + round(picture.number * 90000 / rate)) % 2**32,
            ssrc,
            (b"\x10" if part == 0 else b"\x00") + picture.part(part),
            marker=part == picture.packets - 1,
        )
        for part in range(picture.packets)
    ]


def of(frame: AssembledFrame) -> int:
    """Which picture a frame is."""
    return int(frame.data.split(b"<")[1].split(b".")[0])


@dataclass
class Camera:
    """A peer that sends pictures, and answers NACK and PLI as it has agreed to.

    Attributes:
        rate: Pictures a second.
        packets: Packets of each picture that is no key frame; a key frame has four times as many.
        repairs: Whether it sends packets again: on a stream of its own ("rtx"), as they were
            ("same"), or not at all.
        history: Packets that it keeps to send again.
        number: The sequence number that comes next.
    """

    rate: float = 30.0
    packets: int = 3
    repairs: str = "rtx"
    history: int = 1000
    number: int = WRAPS_SOON
    ssrc: int = SSRC
    origin: int = 2**32 - 100_000
    taken: int = 0
    sent: dict[int, RtpPacket] = field(default_factory=dict)
    keyframe_due: bool = True
    keyframes: list[int] = field(default_factory=list)
    again: int = 0

    def picture(self) -> list[RtpPacket]:
        """Take the next picture."""
        key, self.keyframe_due = self.keyframe_due, False
        picture = Picture(self.taken, key, self.packets * (4 if key else 1))
        if key:
            self.keyframes.append(self.taken)
        packets = vp8_packets(
            picture, self.number, ssrc=self.ssrc, rate=self.rate, origin=self.origin
        )
        self.taken += 1
        self.number = (self.number + len(packets)) % 65536
        self.sent |= {packet.sequence_number: packet for packet in packets}
        while len(self.sent) > self.history:
            del self.sent[next(iter(self.sent))]
        return packets

    def repair(self, number: int) -> RtpPacket | None:
        """Send a packet again, if it is known and that was agreed."""
        packet = self.sent.get(number)
        if packet is None or not self.repairs:
            return None
        if self.repairs == "same":
            return packet
        self.again += 1
        payload = number.to_bytes(2) + packet.payload
        again = self.again % 65536
        return RtpPacket(RTX, again, packet.timestamp, RTX_SSRC, payload, packet.marker)


Fate = Callable[[float, random.Random], float | None]
"""Says of a packet that leaves at a moment how late it comes, in seconds; None if it is lost."""


@dataclass
class Given:
    """What came out of the receiver.

    Attributes:
        pictures: When each was given, in seconds, and which one it was.
        keyframes_asked: When a key frame was asked for.
        nacked: How often a packet was asked for again.
    """

    pictures: list[tuple[float, int]] = field(default_factory=list)
    keyframes_asked: list[float] = field(default_factory=list)
    nacked: int = 0

    def numbers(self) -> list[int]:
        """Which pictures were given, in their order."""
        return [number for _, number in self.pictures]

    def after(self, at: float) -> float:
        """When the first picture was given after a moment."""
        return next(when for when, _ in self.pictures if when >= at)


class Line:
    """Between a camera and a receiver, on a staged clock."""

    def __init__(
        self, camera: Camera, receiver: VideoReceiver, fate: Fate, delay: float, seed: int
    ) -> None:
        self.given = Given()
        self._camera = camera
        self._receiver = receiver
        self._fate = fate
        self._delay = delay
        self._dice = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0

    def at(self, moment: float, what: Callable[[float], None]) -> None:
        """Do something at a moment."""
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, what))

    def run(self, seconds: float) -> None:
        """Let the camera run for so long."""
        self.at(0.0, self._shoot)
        now = 0.0
        while now < seconds:
            if self._receiver.deadline <= self._events[0][0]:
                now = max(now, self._receiver.deadline)
                self._tick(now)
            else:
                now, _, what = heapq.heappop(self._events)
                what(now)

    def _travel(self, now: float, what: Callable[[float], None]) -> None:
        late = self._fate(now, self._dice)
        if late is not None:
            self.at(now + self._delay + late, what)

    def _shoot(self, now: float) -> None:
        for packet in self._camera.picture():
            self._travel(now, partial(self._arrive, packet))
        self.at(now + 1 / self._camera.rate, self._shoot)

    def _arrive(self, packet: RtpPacket, now: float) -> None:
        if packet.payload_type == RTX:
            frames = self._receiver.repair("VP8", VP8, packet, now)
        else:
            frames = self._receiver.receive("VP8", packet, now)
        self.given.pictures += [(now, of(frame)) for frame in frames]

    def _tick(self, now: float) -> None:
        due = self._receiver.tick(now)
        self.given.pictures += [(now, of(frame)) for frame in due.frames]
        if due.keyframe:
            self.given.keyframes_asked.append(now)
            self._travel(now, self._hear_request)
        if due.missing:
            self.given.nacked += len(due.missing)
            self._travel(now, partial(self._hear_missing, due.missing))
        assert self._receiver.deadline > now, "it would spin"

    def _hear_missing(self, numbers: list[int], now: float) -> None:
        for packet in map(self._camera.repair, numbers):
            if packet is not None:
                self._travel(now, partial(self._arrive, packet))

    def _hear_request(self, now: float) -> None:
        del now
        self._camera.keyframe_due = True


def play(
    camera: Camera,
    receiver: VideoReceiver,
    seconds: float,
    fate: Fate,
    *,
    delay: float = 0.02,
    seed: int = 7,
    asked: Iterable[float] = (),
) -> Given:
    """Let a camera send over a line.

    Args:
        camera: Who sends.
        receiver: Who receives.
        seconds: For how long.
        fate: What becomes of a packet, either way.
        delay: How long a packet takes one way, in seconds.
        seed: Of the line's dice.
        asked: When somebody begins to need pictures, in seconds.
    """
    line = Line(camera, receiver, fate, delay, seed)
    for moment in asked:
        line.at(moment, receiver.want_keyframe)
    line.run(seconds)
    return line.given
