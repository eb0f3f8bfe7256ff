"""A leg's pictures are decoded while somebody looks, and only then."""

import asyncio
import gc
import logging

import pytest
from callboard.media.codecs.threads import CodecThreads, Lane
from callboard.media.frames.frame import EncodedFrame
from callboard.media.hearing.eye import Eye
from callboard.media.hearing.reader_queue import Frame, ReaderQueue
from callboard.tests.conftest import Run
from callboard.tests.media.calls import film
from callboard.tests.media.video_frames import vp8


@pytest.fixture(scope="module", autouse=True)
def _made() -> None:
    """Encode before a loop would have to wait for it."""
    for codec in ("VP8", "H264"):
        film(2, codec=codec)


class Scene:
    """An eye, and how often it has asked for a key frame."""

    def __init__(self, largest: int = 640 * 480) -> None:
        self.asked = 0
        self.has_asked = asyncio.Event()
        self.eye = Eye(largest, self._ask)

    def _ask(self) -> None:
        self.asked += 1
        self.has_asked.set()

    def show(self, *numbers: int, codec: str = "VP8") -> None:
        """Let frames of the film come."""
        for number in numbers:
            data, key = film(2, codec=codec)[number]
            self.eye.take(EncodedFrame("video", codec, data, number * 6000, 90_000, 0.0, key))


async def seen(reader: ReaderQueue[Frame], count: int) -> list[int]:
    """Give which frames of the film come next."""
    return [round((await anext(reader)).pts / 6000) for _ in range(count)]  # type: ignore[operator]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_pictures_begin_with_a_key_frame_that_is_asked_for(run: Run, codec: str) -> None:
    async def main() -> None:
        scene = Scene()
        scene.show(0, 1, codec=codec)
        assert (scene.asked, scene.eye._decoder) == (0, None), "nobody looks"
        reader = scene.eye.look(50)
        assert scene.asked == 1
        scene.show(*range(2, 20), codec=codec)
        assert scene.asked > 1
        assert await seen(reader, 5) == [15, 16, 17, 18, 19]
        first = film(2, codec=codec)[15]
        assert first[1], "a key frame"
        asked = scene.asked
        other = scene.eye.look(50)
        scene.show(20, codec=codec)
        assert await seen(other, 1) == await seen(reader, 1) == [20]
        assert scene.asked == asked, "a decoder that runs needs none"
        scene.eye.end()
        assert [frame async for frame in reader] == []

    run(main)


@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_nothing_is_decoded_once_nobody_looks(run: Run, how: str) -> None:
    async def main() -> None:
        scene = Scene()
        reader = scene.eye.look(50)
        scene.show(0)
        await seen(reader, 1)
        assert scene.eye._decoder is not None
        if how == "closed":
            await reader.aclose()
        del reader
        gc.collect()
        scene.show(1)
        assert scene.eye._decoder is None
        assert scene.eye._lane is None
        assert scene.eye._waiting == 0

    run(main)


def test_the_codec_may_change(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        reader = scene.eye.look(50)
        scene.show(0, 1)
        assert await seen(reader, 2) == [0, 1]
        scene.show(2, codec="H264")
        assert scene.asked == 2, "no decoder can start there"
        scene.show(15, 16, codec="H264")
        assert await seen(reader, 2) == [15, 16]
        scene.eye.end()

    run(main)


def test_what_can_not_be_decoded_is_followed_by_the_next_key_frame(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        reader = scene.eye.look(50)
        scene.show(0, 1)
        await seen(reader, 2)
        asked = scene.asked
        scene.has_asked.clear()
        scene.eye.take(EncodedFrame("video", "VP8", b"\x11\x22\x33", 12_000, 90_000, 0.0, False))
        assert scene.asked == asked
        await scene.has_asked.wait()
        scene.show(3, 15)
        assert await seen(reader, 1) == [15]
        scene.eye.end()

    run(main)


def test_what_waits_for_a_decoder_that_does_not_keep_up_is_left_out(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []

    class Slow(Lane):
        def run(self, job: object, done: object) -> None:
            given.append(job)

    async def main() -> None:
        scene = Scene()
        reader = scene.eye.look(50)
        monkeypatch.setattr(CodecThreads, "lane", lambda threads: Slow(threads._workers[0]))
        scene.show(*range(15), *range(1, 15), 1, 1, 1, 1)
        assert len(given) == Eye.BACKLOG
        assert scene.eye._waiting == 0, "it waits for the next key frame"
        asked = scene.asked
        scene.show(1)
        assert scene.asked == asked + 1
        data = film(2, codec="VP8")[0][0] + bytes(3_000_000)
        large = EncodedFrame("video", "VP8", data, 0, 90_000, 0.0, True)
        given.clear()
        for _ in range(12):
            scene.eye.take(large)
            assert scene.eye._octets <= Eye.MOST_WAITING
        assert scene.eye._waiting <= 2
        await reader.aclose()

    run(main)


def test_too_large_a_picture_is_not_decoded(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        scene = Scene()
        reader = scene.eye.look(50)
        for _ in range(20):
            scene.eye.take(EncodedFrame("video", "VP8", vp8(16383, 16383), 0, 90_000, 0.0, True))
        asked = scene.asked
        scene.show(1)  # of the picture that was left out
        assert scene.eye._decoder is None
        assert scene.asked == asked, "the next one would be as large"
        scene.show(0)
        assert await seen(reader, 1) == [0]
        scene.eye.end()

    with caplog.at_level(logging.WARNING):
        run(main)
    assert caplog.text.count("268402689 pixels are not decoded") == 1
