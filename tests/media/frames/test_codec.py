"""Key frames and unwrapped timestamps."""

import pytest
from callboard.media.frames.codec import Unwrapper, is_keyframe


@pytest.mark.parametrize(
    ("codec", "data", "key"),
    [
        ("opus", b"\xf8\xff\xfe", True),
        ("VP8", b"\x10\x02\x00\x9d\x01\x2a", True),
        ("VP8", b"\x11\x02\x00", False),
        ("VP8", b"", False),
        ("H264", b"\0\0\0\1\x67\x42\0\0\0\1\x68\xce\0\0\1\x65\x88", True),
        ("H264", b"\0\0\0\1\x41\x9a", False),
        ("H264", b"\0\0\1", False),
        ("H264", b"", False),
    ],
)
def test_keyframes(codec: str, data: bytes, key: bool) -> None:
    assert is_keyframe(codec, data) is key


def test_timestamps_pass_the_wrap_and_late_ones_do_not_leap() -> None:
    unwrapper = Unwrapper()
    stamps = [2**32 - 960, 0, 960, 0, 1920]
    assert [unwrapper.map(stamp) for stamp in stamps] == [0, 960, 1920, 960, 2880]
