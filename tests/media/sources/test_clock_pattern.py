"""The clock pattern's clock, through encoders and scaling."""

from itertools import islice

import av
import numpy as np
import pytest
from callboard.media import ClockPattern, read_clock
from callboard.tests.media.legs import luma, video_decoder


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize("size", [(160, 120), (320, 240), (644, 364)])
def test_the_clock_survives_encoding(codec: str, size: tuple[int, int]) -> None:
    units = list(islice(ClockPattern(*size, fps=30).encode("video", codec), 61))
    assert [i for i, unit in enumerate(units) if unit.keyframe] == [0, 30, 60]
    assert {unit.duration for unit in units} == {3000}
    decoder = video_decoder(codec)
    frames = [f for unit in units for f in decoder.decode(av.Packet(unit.data))]
    frames += decoder.decode(None)
    for number, frame in enumerate(frames):
        assert frame.width == size[0]
        assert read_clock(luma(frame)) == pytest.approx(number / 30, abs=0.0011)
        half = frame.reformat(width=size[0] // 2, height=size[1] // 2)
        assert read_clock(luma(half)) is not None


def test_other_pictures_show_no_clock() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (240, 320), np.uint8)
    for picture in (noise, np.zeros((240, 320), np.uint8), np.zeros((1, 1), np.uint8)):
        assert read_clock(picture) is None


@pytest.mark.parametrize("arguments", [{"width": 158}, {"height": 121}, {"fps": 0}, {"fps": 31}])
def test_sizes_that_cannot_be_drawn(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"pictures|drawn"):
        ClockPattern(**arguments)
