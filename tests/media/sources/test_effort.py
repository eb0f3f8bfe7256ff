"""Pictures are made smaller where the machine can't encode them as fast as they are played."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from callboard.media.sources.effort import CALM, LEVELS, Effort
from callboard.media.sources.encoder import encode_video
from callboard.media.sources.unit import Unit
from callboard.tests.media.legs import video_decoder

FPS = 5


class Machine:
    """Makes and encodes pictures; how long that takes goes with their pixels.

    Attributes:
        pace: Seconds of work for a second of pictures in full size.
    """

    def __init__(self, pace: float, longest: int = 1280) -> None:
        self.pace = pace
        self.now = 0.0
        self.skipped = "DEFAULT"
        self.effort = Effort(longest, lambda: self.now)
        self.effort.on_skip(lambda name: setattr(self, "skipped", name))

    def pictures(self, seconds: int) -> Iterator[av.VideoFrame]:
        for number in range(seconds * FPS):
            width, height = self.effort.size((640, 360))
            self.now += self.pace / FPS * width * height / (640 * 360)
            planes = np.full((height * 3 // 2, width), 100, np.uint8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            yield frame

    def encode(self, seconds: int) -> Iterator[Unit]:
        return encode_video(self.pictures(seconds), "VP8", fps=Fraction(FPS), effort=self.effort)


def sizes(units: list[Unit]) -> list[int]:
    decoder = video_decoder("VP8")
    return [frame.width for unit in units for frame in decoder.decode(av.Packet(unit.data))]


@pytest.mark.parametrize(("pace", "width"), [(0.1, 640), (0.7, 640), (1.2, 480), (2.5, 320)])
def test_as_large_as_can_be_done_in_time(pace: float, width: int) -> None:
    machine = Machine(pace)
    units = list(machine.encode(8))
    assert sizes(units)[-1] == width
    assert machine.now <= 8 + 2 * pace
    assert len(units) == 8 * FPS
    assert sum(unit.duration for unit in units) == 8 * 90000


def test_however_slow_it_is_there_is_a_least() -> None:
    machine = Machine(1000.0)
    assert sizes(list(machine.encode(8)))[-1] == 160
    assert (machine.effort.level, machine.skipped) == (len(LEVELS) - 1, "NONKEY")


def test_a_leg_that_takes_its_time_is_no_work() -> None:
    machine = Machine(0.1)
    for _ in machine.encode(6):
        machine.now += 10
    assert machine.effort.level == 0


def test_what_was_too_much_for_a_while_comes_back() -> None:
    machine = Machine(5.0)
    units = machine.encode(40)
    before = [next(units) for _ in range(6 * FPS)]
    machine.pace = 0.05
    after = list(units)
    shown = sizes([*before, *after])
    assert min(shown) < 640
    assert shown[-1] == 640
    grown = [at for at in range(1, len(shown)) if shown[at] > shown[at - 1]]
    assert all(units_apart >= CALM * FPS for units_apart in np.diff(grown))
    assert [*before, *after][min(grown)].keyframe


def test_few_bits_are_for_small_pictures() -> None:
    assert sizes(list(Machine(0.1, longest=320).encode(1))) == [320] * FPS
