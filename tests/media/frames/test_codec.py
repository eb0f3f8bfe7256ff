"""Key frames and unwrapped timestamps."""

from itertools import accumulate

import pytest
from callboard.media.frames.codec import Unwrapper, is_keyframe
from hypothesis import given
from hypothesis import strategies as st


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


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from([960] * 9 + [0, -960, 2**31, 2**31 - 1, -(2**30)]), max_size=40),
    st.integers(1, 20),
)
def test_timestamps_are_unwrapped_together_as_one_by_one(
    first: int, steps: list[int], at_once: int
) -> None:
    stamps = [stamp % 2**32 for stamp in accumulate(steps, initial=first)]
    together, single = Unwrapper(), Unwrapper()
    for begin in range(0, len(stamps), at_once):
        some = stamps[begin : begin + at_once]
        assert together.map_all(some) == [single.map(stamp) for stamp in some]
