"""Sizes read from key frames of real encoders."""

import pytest
from callboard.media.frames.frame import Direction, EncodedFrame
from callboard.media.frames.picture_size import picture_size
from callboard.tests.media.calls import film, video


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize("size", [(160, 120), (320, 180), (98, 50), (1280, 720), (640, 362)])
def test_key_frames_say_their_size(codec: str, size: tuple[int, int]) -> None:
    frames = [frame for _, frame in video(Direction.SENT, 0.2, codec=codec, size=size)]
    assert picture_size(frames[0]) == size
    assert picture_size(frames[1]) is None


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_cut_frame_says_nothing(codec: str) -> None:
    data = film(0.2, codec=codec)[0][0]
    for length in range(12):
        cut = EncodedFrame("video", codec, data[:length], 0, 90000, 0.0, True)
        assert picture_size(cut) is None or (codec == "VP8" and length >= 10)
