"""One kind of media on its way into one leg."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, cast
from weakref import WeakSet

import av
from aiortc import RTCRtpCodecParameters, RTCRtpTransceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError

from ...frames.codec import Unwrapper, is_keyframe
from ...frames.frame import EncodedFrame, Kind
from ...frames.picture_size import pixels_to_decode
from .. import _aiortc
from .packet import RtpPacket
from .path import FrameQueue, PacketQueue, Path
from .sequencer import Sequencer
from .statistics import Reception

logger = logging.getLogger(__name__)

Frame = av.AudioFrame | av.VideoFrame
Listener = Callable[[Kind, Frame], None]


LARGEST_PICTURE = 3840 * 2160
"""Pixels of a picture that is decoded, unless something else is said: 4K UHD."""

MOST_WAITING = 64 * 1024 * 1024
"""Octets of decoded frames that may wait for one reader; the last frame waits in any case."""


class FrameIterator(AsyncIterator[Frame]):
    """Decoded frames for one reader; the oldest are dropped when it is slow."""

    def __init__(self, limit: int) -> None:
        self._frames: deque[Frame] = deque()
        self._ended = False
        self._limit = limit
        self._octets = 0
        self._ready = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Add a frame."""
        self._frames.append(frame)
        self._octets += _octets(frame)
        while len(self._frames) > max(1, self._limit) or (
            self._octets > MOST_WAITING and len(self._frames) > 1
        ):
            self._octets -= _octets(self._frames.popleft())
        self._ready.set()

    def end(self) -> None:
        """Let the reader end; what it has not read is gone."""
        self._ended = True
        self._frames.clear()
        self._octets = 0
        self._ready.set()

    def __aiter__(self) -> "FrameIterator":
        return self

    async def __anext__(self) -> Frame:
        while not self._frames:
            if self._ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        frame = self._frames.popleft()
        self._octets -= _octets(frame)
        return frame


def _octets(frame: Frame) -> int:
    """Give about what a frame takes: aiortc's are 4:2:0 of eight bits, and sixteen-bit stereo."""
    if isinstance(frame, av.VideoFrame):
        return frame.width * frame.height * 3 // 2
    return frame.samples * 4


class Incoming:
    """Counts what comes in of one kind, and hands it on as the path says.

    Attributes:
        reception: The counters.
        receiver: aiortc's receiver.
        ssrc: The RTP stream that media came on last; None before the first packet.
    """

    def __init__(
        self,
        kind: Kind,
        transceiver: RTCRtpTransceiver,
        path: Path,
        *,
        on_first: Callable[[Kind, float], None],
        on_frame: Callable[[EncodedFrame], None],
        listeners: list[Listener],
        largest_picture: int = LARGEST_PICTURE,
    ) -> None:
        """Take a receiver that has not started.

        Args:
            kind: "audio" or "video".
            transceiver: Where it comes from.
            path: What becomes of it.
            on_first: Called with the kind and `loop.time()` in seconds at the first packet.
            on_frame: Called with each encoded frame, unless the path is `none`.
            listeners: Those who want decoded frames, on the path `frames`.
            largest_picture: Pixels of a picture that is decoded; larger ones are left out.
        """
        self.kind = kind
        self.receiver = transceiver.receiver
        self.reception = Reception()
        self.ssrc: int | None = None
        self._codecs: dict[int, RTCRtpCodecParameters] = {}
        self._decoding = False
        self._iterators: WeakSet[FrameIterator] = WeakSet()
        self._largest_picture = largest_picture
        self._listeners = listeners
        self._loop = asyncio.get_running_loop()
        self._on_first = on_first
        self._on_frame = on_frame
        self._refused = False
        self._task: asyncio.Task[None] | None = None
        self._transceiver = transceiver
        self._sequencer: Sequencer | None = None
        self._in_order = kind == "audio" and path is not Path.NONE
        self._unwrapper = Unwrapper()
        self._queue: _aiortc.DecoderQueue
        if path is Path.FRAMES:
            self._queue = FrameQueue(self._encoded, self._wanted)
        else:
            self._queue = PacketQueue(self._encoded if path is Path.PACKETS else None)
        _aiortc.replace_decoder(self.receiver, self._queue, Unwrapper())
        _aiortc.observe_packets(
            self.receiver, self._packet, discard=self._in_order or path is Path.NONE
        )

    def learn(self) -> None:
        """Take what was negotiated; numbers of before go on to mean the same (RFC 3264 §8.3.2)."""
        self._codecs |= _aiortc.codecs(self._transceiver)

    def start(self) -> None:
        """Begin to draw decoded frames, once the receiver has a track."""
        if self._task is None and self.receiver.track is not None:
            self._task = self._loop.create_task(self._draw())

    def iterate(self, limit: int) -> FrameIterator:
        """Give decoded frames to one more reader.

        Args:
            limit: How many frames may wait.

        Returns:
            The iterator.
        """
        iterator = FrameIterator(limit)
        self._iterators.add(iterator)
        return iterator

    async def close(self) -> None:
        """Stop drawing; readers end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for iterator in self._iterators:
            iterator.end()
        _aiortc.forget_frames(self.receiver)

    def _packet(self, packet: RtpPacket) -> None:
        codec = self._codecs.get(packet.payload_type)
        if codec is None or codec.name == "rtx":
            return
        now = self._loop.time()
        if self.ssrc is None:
            self._on_first(self.kind, now)
        if self._sequencer is None or self.ssrc != packet.ssrc:
            self._sequencer = Sequencer()
        self.ssrc = packet.ssrc
        number, rate = packet.sequence_number, codec.clockRate
        self.reception.add(packet.ssrc, number, packet.timestamp, rate, now)
        if self._in_order and self._transceiver.currentDirection in {"recvonly", "sendrecv"}:
            for due in self._sequencer.put(packet):
                self._frame(due)

    def _frame(self, packet: RtpPacket) -> None:
        """Hand an audio packet on: it is a whole frame (RFC 7587 §4.2, RFC 3551 §4.5.14)."""
        codec = self._codecs.get(packet.payload_type)
        if codec is not None and packet.payload:
            frame = JitterFrame(packet.payload, self._unwrapper.map(packet.timestamp))
            self._queue.put((codec, frame))

    def _encoded(self, codec: Any, frame: Any) -> None:
        data: bytes = frame.data
        if not data:
            return
        self._on_frame(
            EncodedFrame(
                kind=self.kind,
                codec=codec.name,
                data=data,
                timestamp=frame.timestamp,
                clock_rate=codec.clockRate,
                arrival=self._loop.time(),
                keyframe=is_keyframe(codec.name, data),
            )
        )
        # A decoder that starts between key frames only complains.
        if not self._decoding and self._wanted(anywhere=True):
            self._decoding = is_keyframe(codec.name, data)
        if self._decoding and self.kind == "video":
            self._decoding = self._has_room(codec.name, data)

    def _has_room(self, codec: str, data: bytes) -> bool:
        """Look at the size that a frame says before a decoder takes that much memory."""
        pixels = pixels_to_decode(codec, data)
        if pixels is not None and pixels <= self._largest_picture:
            return True
        if not self._refused:
            self._refused = True
            size = "no size that can be read" if pixels is None else f"{pixels} pixels"
            logger.warning(
                "Pictures of %s are not decoded: %d pixels is the most", size, self._largest_picture
            )
        return False

    def _wanted(self, *, anywhere: bool = False) -> bool:
        if not self._listeners and not self._iterators:
            self._decoding = False
            return False
        return anywhere or self._decoding

    async def _draw(self) -> None:
        while True:
            try:
                frame = cast(Frame, await self.receiver.track.recv())
            except MediaStreamError:
                return
            for iterator in self._iterators:
                iterator.put(frame)
            for listener in tuple(self._listeners):
                try:
                    listener(self.kind, frame)
                except Exception:
                    logger.exception("A listener failed and is taken off")
                    self._listeners.remove(listener)
