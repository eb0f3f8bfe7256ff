"""Pictures that are drawn or written while they are shown."""

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from callboard.media import Drawing, SourceError, VideoFeed
from callboard.media.sources.drawing import DrawingReader
from callboard.media.sources.live_pictures import as_picture
from callboard.media.sources.unit import Unit
from callboard.media.sources.video_feed import VideoFeedReader
from callboard.tests.conftest import Run
from callboard.tests.media.legs import call, pictures
from numpy.typing import NDArray

CODECS = ("VP8", "H264")
NAMES = {"VP8": "libvpx", "H264": "h264"}


def grey(level: float, width: int = 160, height: int = 120) -> NDArray[np.uint8]:
    return np.full((height, width, 3), round(level), np.uint8)


def brightness(frame: av.VideoFrame) -> float:
    return float(frame.to_ndarray(format="gray").mean())


def seen(units: list[Unit], codec: str) -> list[float]:
    """Decode frames from the first key frame on, and give how bright each picture is."""
    decoder: Any = av.CodecContext.create({"VP8": "vp8", "H264": "h264"}[codec], "r")
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit.data))]
    return [brightness(frame) for frame in [*frames, *decoder.decode(None)]]


async def read(reader: DrawingReader | VideoFeedReader, count: int) -> list[Unit]:
    units: list[Unit] = []
    while len(units) < count and not reader.ended:
        unit = reader.read()
        if unit is not None:
            units.append(unit)
        await asyncio.sleep(0)
    return units


@pytest.mark.parametrize("codec", CODECS)
def test_a_drawing_is_drawn_as_time_goes(run: Run, codec: str) -> None:
    times: list[float] = []

    def draw(seconds: float) -> NDArray[np.uint8]:
        assert threading.current_thread() is not threading.main_thread()
        times.append(seconds)
        return grey(40 + 10 * len(times))

    async def main() -> None:
        drawing = Drawing(draw, 160, 120, fps=30)
        reader = drawing.open("video", codec)
        units: list[Unit] = []
        for _ in range(10):
            units += await read(reader, 1)
            await asyncio.sleep(1 / 30)  # as a leg reads: the loop's clock counts milliseconds
        assert [unit.keyframe for unit in units] == [True] + [False] * 9
        assert {unit.duration for unit in units} == {3000}
        shown = seen(units, codec)
        assert shown == pytest.approx([50 + 10 * number for number in range(10)], abs=4)
        assert times[0] == 0
        assert all(a < b for a, b in pairwise(times))
        with pytest.raises(SourceError, match="make another"):
            drawing.open("video", codec)
        reader.close()

    run(main)


@pytest.mark.parametrize("codec", CODECS)
def test_a_key_frame_comes_when_it_is_asked_for(run: Run, codec: str) -> None:
    async def main() -> None:
        reader = Drawing(lambda _: grey(90), 160, 120).open("video", codec)
        await read(reader, 3)
        assert reader.request_keyframe()
        units = await read(reader, 4)
        assert any(unit.keyframe for unit in units)
        assert not units[-1].keyframe
        reader.close()

    run(main)


async def octets(reader: Any, bit_rate: int) -> int:
    """Give the size of 20 frames at a bit rate, once the encoder has had ten of them."""
    reader.limit(bit_rate)
    await read(reader, 10)
    return sum(len(unit.data) for unit in await read(reader, 20))


@pytest.mark.parametrize("codec", CODECS)
def test_a_bit_rate_is_kept_to(run: Run, codec: str) -> None:
    noise = np.random.default_rng(1)

    def draw(_: float) -> NDArray[np.uint8]:
        return noise.integers(0, 255, (240, 320, 3), np.uint8)

    async def main() -> None:
        reader = Drawing(draw, 320, 240, fps=15).open("video", codec)
        much = await octets(reader, 2_000_000)
        assert await octets(reader, 200_000) < much / 2
        reader.close()

    run(main)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_written_keeps_to_the_bit_rate_of_its_leg(run: Run, codec: str) -> None:
    noise = np.random.default_rng(1)

    async def main() -> None:
        feed = VideoFeed(15)
        reader = feed.open("video", codec)

        async def write() -> None:
            while True:
                await feed.write(noise.integers(0, 255, (240, 320, 3), np.uint8))

        writing = asyncio.ensure_future(write())
        much = await octets(reader, 2_000_000)
        assert await octets(reader, 200_000) < much / 2
        writing.cancel()
        reader.close()

    run(main)


FAULTS: dict[str, Callable[[float], Any]] = {
    "raises": lambda _: 1 // 0,
    "None": lambda _: None,
    "another size": lambda _: grey(1, 320, 240),
    "floats": lambda _: np.zeros((120, 160, 3)),
    "grey": lambda _: np.zeros((120, 160), np.uint8),
    "SystemExit": lambda _: (_ for _ in ()).throw(SystemExit(3)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_can_not_be_drawn_ends_with_a_sentence(run: Run, fault: str) -> None:
    async def main() -> None:
        reader = Drawing(FAULTS[fault], 160, 120).open("video", "VP8")
        assert await read(reader, 1) == []
        assert "can't go on" in (reader.failure or "")

    run(main)


def test_one_that_never_ends_hurts_only_itself(run: Run) -> None:
    gate = threading.Event()

    def wait(_: float) -> NDArray[np.uint8]:
        gate.wait()
        return grey(1)

    async def main() -> None:
        stuck = Drawing(wait, 160, 120).open("video", "VP8")
        other = Drawing(lambda _: grey(90), 160, 120).open("video", "VP8")
        assert len(await read(other, 5)) == 5
        assert stuck.read() is None
        assert not stuck.ended
        stuck.close()
        other.close()

    try:
        run(main)
    finally:
        gate.set()


def test_a_loop_of_refused_pictures_gives_way(run: Run) -> None:
    async def main() -> None:
        feed = VideoFeed()
        feed.close()

        async def write() -> None:
            for _ in range(1000):
                with pytest.raises(SourceError, match="closed"):
                    await feed.write(grey(100))

        writing = asyncio.ensure_future(write())
        await asyncio.sleep(0)
        assert not writing.done()
        await writing

    run(main)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_written_is_shown(run: Run, codec: str) -> None:
    async def main() -> None:
        feed = VideoFeed()
        reader = feed.open("video", codec)
        assert reader.read() is None
        units = []
        for level in (50, 150):
            await feed.write(grey(level))
            units += await read(reader, 1)
        await feed.write(as_picture(grey(100)).reformat(format="yuv420p"))
        feed.close()
        units += await read(reader, 5)
        assert [unit.keyframe for unit in units] == [True, False, False]
        levels = seen(units, codec)
        assert levels == pytest.approx([50, 150, 100], abs=6)
        assert reader.ended
        assert reader.failure is None

    run(main)


def test_a_picture_that_stands_is_sent_again_for_who_needs_a_key_frame(run: Run) -> None:
    async def main() -> None:
        feed = VideoFeed()
        reader = feed.open("video", "VP8")
        await feed.write(grey(50))
        await read(reader, 1)
        assert reader.request_keyframe()
        (unit,) = await read(reader, 1)
        assert unit.keyframe
        assert seen([unit], "VP8") == pytest.approx([50], abs=4)
        reader.close()

    run(main)


def test_pictures_may_change_their_size(run: Run) -> None:
    async def main() -> None:
        feed = VideoFeed()
        reader = feed.open("video", "VP8")
        for width in (160, 320):
            await feed.write(grey(50, width))
            (unit,) = await read(reader, 1)
            assert unit.keyframe
        reader.close()

    run(main)


@pytest.mark.parametrize("ends", ["close", "reader"])
def test_who_waits_to_write_is_told_of_the_end(run: Run, ends: str) -> None:
    async def main() -> None:
        feed = VideoFeed()
        reader = feed.open("video", "VP8")
        for _ in range(3):
            writing = asyncio.ensure_future(feed.write(grey(50)))
            while not writing.done() and feed._waiting is None:  # noqa: ASYNC110 -- a thread does it
                await asyncio.sleep(0)
        while reader._is_encoding:  # noqa: ASYNC110 -- a thread does it
            await asyncio.sleep(0)
        waiting = [asyncio.ensure_future(feed.write(grey(50))) for _ in range(2)]
        await asyncio.sleep(0)
        feed.close() if ends == "close" else reader.close()
        for write in waiting:
            with pytest.raises(SourceError):
                await write
        with pytest.raises(SourceError):
            await feed.write(grey(50))
        reader.close()

    run(main)


WRONG: list[tuple[Callable[[], object], type[Exception]]] = [
    (lambda: Drawing("draw"), TypeError),  # type: ignore[arg-type]
    (lambda: Drawing(grey, 161, 120), ValueError),
    (lambda: Drawing(grey, 160, 5000), ValueError),
    (lambda: Drawing(grey, 160, 120.0), TypeError),  # type: ignore[arg-type]
    (lambda: Drawing(grey, fps=0), ValueError),
    (lambda: VideoFeed(61), ValueError),
    (lambda: VideoFeed(True), TypeError),
    (lambda: as_picture(b"picture"), TypeError),
    (lambda: as_picture(np.zeros((120, 160, 4), np.uint8)), TypeError),
    (lambda: as_picture(np.zeros((121, 160, 3), np.uint8)), ValueError),
]


@pytest.mark.parametrize(("make", "error"), WRONG)
def test_what_is_wrong_is_said_where_it_is_given(
    make: Callable[[], object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        make()


def test_a_call_sees_a_drawing_and_a_key_frame_when_it_asks(run: Run) -> None:
    async def main() -> None:
        drawing = Drawing(lambda seconds: grey(60 + 60 * (seconds % 2)), 160, 120, fps=15)
        async with call(video=drawing) as (leg, peer):
            frames = await peer.received("video", 15)
            assert frames[0].keyframe
            levels = [picture.mean() for picture in pictures(frames)]
            assert levels[0] < levels[-1]
            assert all(b.timestamp > a.timestamp for a, b in pairwise(frames))
            before = len(peer.seen("video"))
            peer.pc.media.request_keyframe()
            await peer.until(lambda: any(f.keyframe for f in peer.seen("video")[before:]))
            assert leg.pc.media.playing("video") is not None

    run(main)
