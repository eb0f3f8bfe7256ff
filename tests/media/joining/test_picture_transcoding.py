"""Pictures that go from one codec to another, and what they need for that."""

import asyncio
from itertools import islice

import pytest
from callboard.media import ClockPattern, EncodedFrame
from callboard.media.joining.picture_transcoding import PictureTranscoding
from callboard.tests.conftest import Run

FPS = 10


def coming(count: int) -> list[EncodedFrame]:
    """What comes from a peer that shows a clock."""
    units = islice(ClockPattern(160, 128, FPS).encode("video", "VP8"), count)
    return [
        EncodedFrame("video", "VP8", unit.data, at * 90_000 // FPS, 90_000, 0.0, unit.keyframe)
        for at, unit in enumerate(units)
    ]


class Scene:
    """A transcoding to H.264, and what it gives and asks for."""

    def __init__(self) -> None:
        self.came: list[EncodedFrame] = []
        self.asked = 0
        self.transcoding = PictureTranscoding("H264", self.came.append, self._ask, lambda: 300_000)

    def _ask(self) -> None:
        self.asked += 1

    async def give(self, *frames: EncodedFrame) -> None:
        """Let frames come, each when the one before is through."""
        for frame in frames:
            self.transcoding.take(frame)
            while self.transcoding._waiting:  # noqa: ASYNC110 -- a thread does it
                await asyncio.sleep(0)


def test_without_a_key_frame_to_begin_with_its_origin_is_asked_for_one(run: Run) -> None:
    first, *others = coming(4)
    assert [frame.keyframe for frame in (first, *others)] == [True, False, False, False]

    async def main() -> None:
        scene = Scene()
        await scene.give(*others)
        assert scene.asked == len(others)
        assert not scene.came
        await scene.give(first, *others)
        assert scene.asked == len(others)
        assert [frame.timestamp for frame in scene.came] == [f.timestamp for f in (first, *others)]
        scene.transcoding.close()

    run(main)


def test_after_pictures_that_were_left_out_its_origin_is_asked_for_a_key_frame(run: Run) -> None:
    first, *others = coming(PictureTranscoding.MOST_WAITING + 3)

    async def main() -> None:
        scene = Scene()
        for frame in (first, *others):
            scene.transcoding.take(frame)  # faster than any thread
        assert scene.asked == 3
        await scene.give(others[-1])
        assert scene.asked == 4
        assert len(scene.came) == PictureTranscoding.MOST_WAITING
        await scene.give(first)
        assert scene.asked == 4
        assert len(scene.came) == PictureTranscoding.MOST_WAITING + 1
        scene.transcoding.close()

    run(main)


@pytest.mark.parametrize("wanted", [True, False])
def test_the_next_picture_is_a_key_frame_if_that_is_wanted(run: Run, wanted: bool) -> None:
    async def main() -> None:
        scene = Scene()
        first, *others = coming(5)
        await scene.give(first, *others[:2])
        if wanted:
            scene.transcoding.want_keyframe()
        await scene.give(*others[2:])
        assert [frame.keyframe for frame in scene.came] == [True, False, False, wanted, False]
        assert not scene.asked
        scene.transcoding.close()

    run(main)
