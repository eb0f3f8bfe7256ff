"""Two ends of a call in one process, on 127.0.0.1, for the tests of live media."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import av
import numpy as np
from callboard.media import (
    Connected,
    Direction,
    EncodedFrame,
    FirstMedia,
    Kind,
    MediaEvent,
    Network,
    PeerConnection,
    ReceivePath,
    Source,
)
from callboard.media.hearing.reader_queue import Frame
from numpy.typing import NDArray

LOOPBACK = Network(addresses=("127.0.0.1",))
E = TypeVar("E")


class Leg:
    """A peer connection whose events and frames can be awaited."""

    def __init__(
        self, path: ReceivePath = ReceivePath.PACKETS, network: Network = LOOPBACK, **options: Any
    ) -> None:
        self.events: list[MediaEvent] = []
        self.frames: list[tuple[Direction, EncodedFrame]] = []
        self.pc = PeerConnection(network=network, path=path, on_event=self._event, **options)
        self.pc.media.sinks.append(self._frame)
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def _event(self, event: MediaEvent) -> None:
        self.events.append(event)
        self._look()

    def _frame(self, direction: Direction, frame: EncodedFrame) -> None:
        self.frames.append((direction, frame))
        self._look()

    def _look(self) -> None:
        for condition, future in self._waiters:
            if not future.done() and condition():
                future.set_result(None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; looked at with each event and frame."""
        if condition():
            return
        future = asyncio.get_running_loop().create_future()
        self._waiters.append((condition, future))
        await future

    async def event(self, kind: type[E]) -> E:
        """Wait for the first event of a type."""
        await self.until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))

    def seen(self, kind: Kind, direction: Direction = Direction.RECEIVED) -> list[EncodedFrame]:
        """Give the frames of a kind so far."""
        return [f for d, f in self.frames if d is direction and f.kind == kind]

    def met(self, kind: Kind) -> bool:
        """Tell whether media of a kind has come in."""
        return any(isinstance(e, FirstMedia) and e.kind == kind for e in self.events)

    async def received(self, kind: Kind, count: int) -> list[EncodedFrame]:
        """Wait until so many (more) frames of a kind came in, and give those."""
        start = len(self.seen(kind))
        await self.until(lambda: len(self.seen(kind)) >= start + count)
        return self.seen(kind)[start:]

    async def counted(self, kind: Kind, packets: int) -> None:
        """Wait until so many packets of a kind were counted."""
        await self.until(lambda: bool(self.statistics(kind).received >= packets))

    def statistics(self, kind: Kind) -> Any:
        """Give the counters of a kind."""
        return next(s for s in self.pc.media.statistics() if s.kind == kind)


async def connect(
    a: Leg,
    b: Leg,
    *,
    audio: Source | None,
    video: Source | None,
    back_audio: Source | None = None,
    back_video: Source | None = None,
    change: Callable[[str], str] = lambda sdp: sdp,
) -> None:
    """Let one offer and the other answer; ``change`` edits the answer on its way."""
    offer = await a.pc.offer(audio=audio, video=video)
    answer = await b.pc.answer(offer, audio=back_audio, video=back_video)
    await a.pc.accept(change(answer))


@asynccontextmanager
async def pair(
    path: ReceivePath = ReceivePath.PACKETS, network: Network = LOOPBACK
) -> AsyncIterator[tuple[Leg, Leg]]:
    """Two legs that do not know each other yet, closed at the end."""
    a, b = Leg(path, network), Leg(path, network)
    try:
        yield a, b
    finally:
        await a.pc.close()
        await b.pc.close()


@asynccontextmanager
async def call(
    path: ReceivePath = ReceivePath.PACKETS,
    *,
    network: Network = LOOPBACK,
    **sources: Source | None,
) -> AsyncIterator[tuple[Leg, Leg]]:
    """Two connected legs, closed at the end."""
    async with pair(path, network) as (a, b):
        await connect(
            a,
            b,
            audio=sources.get("audio"),
            video=sources.get("video"),
            back_audio=sources.get("back_audio"),
            back_video=sources.get("back_video"),
        )
        await a.event(Connected)
        await b.event(Connected)
        yield a, b


def samples(frames: list[EncodedFrame]) -> tuple[NDArray[np.float64], int]:
    """Decode audio to one channel; gives samples and rate."""
    name = {"opus": "libopus", "PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}[frames[0].codec]
    decoder = cast(av.AudioCodecContext, av.CodecContext.create(name, "r"))
    if frames[0].codec != "opus":
        decoder.sample_rate, decoder.layout = 8000, "mono"
    decoded = [d for f in frames for d in decoder.decode(av.Packet(f.data))]
    resampler = av.AudioResampler("s16", "mono", decoded[0].sample_rate)
    parts = [r.to_ndarray()[0] for d in decoded for r in resampler.resample(d)]
    return np.concatenate(parts).astype(np.float64), decoded[0].sample_rate


def pitch(frames: list[EncodedFrame]) -> float:
    """Give the strongest frequency in audio frames, Hz."""
    wave, rate = samples(frames)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return float(np.argmax(spectrum) * rate / len(wave))


def pictures(frames: list[EncodedFrame]) -> list[NDArray[np.uint8]]:
    """Decode video from its first key frame on, to luma planes."""
    decoder = video_decoder(frames[0].codec)
    first = next(i for i, frame in enumerate(frames) if frame.keyframe)
    decoded = [p for frame in frames[first:] for p in decoder.decode(av.Packet(frame.data))]
    return [luma(picture) for picture in decoded]


def video_decoder(codec: str) -> av.VideoCodecContext:
    """Give a decoder for an RTP codec."""
    name = {"VP8": "libvpx", "H264": "h264"}[codec]
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(name, "r"))
    decoder.thread_count = 1  # those of libvpx wait for each other in a loop that keeps a core busy
    return decoder


def luma(frame: Frame) -> NDArray[np.uint8]:
    """Give the Y plane of a decoded picture."""
    assert isinstance(frame, av.VideoFrame)
    planes = cast(NDArray[np.uint8], frame.to_ndarray())
    return planes[: frame.height, : frame.width]
