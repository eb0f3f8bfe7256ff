"""Descriptors of VP8 against aiortc's reader of them."""

from itertools import pairwise

from aiortc.codecs.vpx import VpxPayloadDescriptor
from callboard.media.frames.payloads import DESCRIPTOR
from callboard.media.rtc.rtp.video.vp8_descriptor import Vp8Descriptors


def test_frames_are_numbered_one_by_one_past_the_wrap() -> None:
    descriptors = Vp8Descriptors()
    read = []
    for _ in range((1 << 15) + 10):
        first, other = (VpxPayloadDescriptor.parse(each + b"x") for each in descriptors.next())
        assert first[1] == other[1] == b"x"
        assert (first[0].partition_start, other[0].partition_start) == (1, 0)
        assert {first[0].partition_id, other[0].partition_id} == {0}
        assert (first[0].picture_id, first[0].tl0picidx) == (
            other[0].picture_id,
            other[0].tl0picidx,
        )
        assert first[0].tid == other[0].tid == (0, 0)
        read.append((first[0].picture_id or 0, first[0].tl0picidx or 0))
    for (picture, base), after in pairwise(read):
        assert after == ((picture + 1) % (1 << 15), (base + 1) % (1 << 8))


def test_there_is_room_for_it() -> None:
    assert {len(each) for each in Vp8Descriptors().next()} == {DESCRIPTOR}
