"""Decoded frames: no larger than is sensible, no more than a reader can wait for."""

import av
import pytest
from callboard.media import ClockPattern, Tone
from callboard.media.frames.picture_size import pixels_to_decode
from callboard.media.hearing.reader_queue import MOST_WAITING, ReaderQueue, frame_octets
from callboard.tests.conftest import Run
from callboard.tests.media.calls import film
from callboard.tests.media.legs import call
from callboard.tests.media.video_frames import vp8
from hypothesis import given
from hypothesis import strategies as st


class Bits:
    """Writes bits from the left, as a parameter set has them (ITU-T H.264 §9.1)."""

    def __init__(self) -> None:
        self.text = ""

    def bits(self, value: int, count: int) -> "Bits":
        """Write a number in so many bits."""
        self.text += f"{value:0{count}b}"
        return self

    def ue(self, *values: int) -> "Bits":
        """Write Exp-Golomb numbers."""
        for value in values:
            number = f"{value + 1:b}"
            self.text += "0" * (len(number) - 1) + number
        return self


def sps(width: int, height: int, crop: tuple[int, int] = (0, 0)) -> bytes:
    """A frame with nothing but a parameter set of the baseline profile, in macroblocks."""
    out = Bits().bits(66, 8).bits(0, 8).bits(31, 8).ue(0, 0, 2, 0).bits(0, 1)
    out.ue(width // 16 - 1, height // 16 - 1).bits(1, 1).bits(1, 1)
    out.bits(1, 1).ue(0, crop[0], 0, crop[1]) if any(crop) else out.bits(0, 1)
    out.bits(0, 1).bits(1, 1)
    body = int(out.text.ljust(-(-len(out.text) // 8) * 8, "0"), 2).to_bytes(-(-len(out.text) // 8))
    return b"\0\0\0\1\x67" + body.replace(b"\0\0\0", b"\0\0\3\0")


@pytest.mark.parametrize(
    ("codec", "data", "pixels"),
    [
        ("VP8", vp8(16383, 16383), 16383 * 16383),
        ("VP8", vp8(640 | 0xC000, 360 | 0x4000), 640 * 360),  # the upper bits scale
        ("VP8", vp8(640, 360)[:9], None),
        ("VP8", b"\x11" + vp8(16383, 16383)[1:], 0),
        ("VP8", b"", 0),
        ("H264", sps(16368, 16368), 16368 * 16368),
        ("H264", sps(16368, 16368, crop=(8170, 8170)), 16368 * 16368),  # only a corner is shown
        ("H264", sps(640, 368) + sps(8192, 8192), 8192 * 8192),
        ("H264", b"\0\0\1\x67\x42", None),
        ("H264", b"\0\0\1\x41\x42", 0),
        ("opus", b"\xff" * 10, 0),
        ("VP8", film(0.2)[0][0], 160 * 120),
        ("H264", film(0.2, codec="H264")[0][0], 160 * 128),
    ],
)
def test_what_a_decoder_would_make_room_for(codec: str, data: bytes, pixels: int | None) -> None:
    assert pixels_to_decode(codec, data) == pixels


@given(st.sampled_from(["VP8", "H264"]), st.binary(max_size=200))
def test_any_octets(codec: str, data: bytes) -> None:
    pixels = pixels_to_decode(codec, b"\0\0\1\x67" + data if codec == "H264" else data)
    assert pixels is None or pixels >= 0


def test_a_slow_reader_holds_so_much_and_nothing_after_the_end(run: Run) -> None:
    async def main() -> None:
        iterator = ReaderQueue(50, frame_octets)
        size = 3840 * 2160 * 3 // 2
        for _ in range(12):
            iterator.put(av.VideoFrame(3840, 2160, "yuv420p"))
        assert len(iterator._items) == MOST_WAITING // size == 5
        await anext(iterator)
        assert iterator._octets == 4 * size
        iterator.end()
        assert not iterator._items
        assert [frame async for frame in iterator] == []

    run(main)


def test_one_frame_waits_however_large(run: Run) -> None:
    async def main() -> None:
        iterator = ReaderQueue(50, frame_octets)
        for _ in range(3):
            iterator.put(av.VideoFrame(8192, 8192, "yuv420p"))
        assert len(iterator._items) == 1
        sound = ReaderQueue(3, frame_octets)
        for _ in range(5):
            sound.put(av.AudioFrame("s16", "stereo", 960))
        assert len(sound._items) == 3

    run(main)


def test_frames_end_with_the_call(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), video=ClockPattern()) as (_, b):
            frames = b.pc.media.received.frames("video")
            await anext(frames)
            await b.received("video", 20)
        assert [frame async for frame in frames] == []

    run(main)
