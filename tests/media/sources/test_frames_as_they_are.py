"""Pictures of a file go out as they are where a call can carry them, and are encoded elsewhere."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from callboard.media import FileSource, SourceError
from callboard.media.frames.h264 import nal_units
from callboard.media.sources.frames_as_they_are import LONGEST_GROUP
from callboard.media.sources.unit import Unit
from callboard.tests.media.sources.films import H264, VP8, Film, clocks, is_of, parts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BASELINE = Film("film.mp4", "libx264", tuple(H264.items()))


def h264(**options: str) -> tuple[tuple[str, str], ...]:
    return tuple((H264 | options).items())


FIT: dict[str, tuple[Film, str]] = {
    "VP8": (Film(), "VP8"),
    "VP8, the longest groups": (Film(group=20), "VP8"),
    "VP8 in Matroska": (Film("film.mkv"), "VP8"),
    "VP8, key frames alone": (Film(group=1), "VP8"),
    "VP8, of an odd size": (Film(size=((161, 121),)), "VP8"),
    "VP8 at 30 a second": (Film(fps=30, group=30, seconds=2), "VP8"),
    "H.264": (BASELINE, "H264"),
    "H.264 in Matroska": (replace(BASELINE, name="film.mkv"), "H264"),
    "H.264 in a transport stream": (replace(BASELINE, name="film.ts"), "H264"),
    "H.264 in slices": (replace(BASELINE, options=h264(slices="4")), "H264"),
    "H.264 of a size that is cropped": (replace(BASELINE, size=((166, 122),)), "H264"),
    "H.264 of a low level": (replace(BASELINE, options=h264(level="13")), "H264"),
}


@pytest.mark.parametrize("name", FIT)
def test_frames_that_fit_go_out_as_they_are(tmp_path: Path, name: str) -> None:
    film, codec = FIT[name]
    units, own = sent(film.write(tmp_path), codec)
    assert len(units) == film.fps * film.seconds
    assert all(own)
    assert sum(unit.duration for unit in units) == pytest.approx(film.seconds * 90000, abs=100)
    check(units, codec, film)
    if codec == "H264":  # whoever comes later finds the parameter sets before each key frame
        for unit in units:
            kinds = [each[0] & 31 for each in nal_units(unit.data)]
            assert (kinds[:2] == [7, 8]) is unit.keyframe
            assert set(kinds) <= {1, 5, 7, 8}


def sent(path: Path, codec: str) -> tuple[list[Unit], list[bool]]:
    """Give the frames that go out of a file, and of each whether it is the file's own."""
    units = list(FileSource(path).encode("video", codec))
    file = parts(path)
    return units, [is_of(unit, codec, file) for unit in units]


def check(units: list[Unit], codec: str, film: Film) -> None:
    """Check that it can be decoded, keeps its time, and can be joined often enough."""
    assert units[0].keyframe
    shown = clocks(units, codec)
    assert len(shown) >= len(units) - 1
    for at, clock in shown:
        if at >= film.start:
            assert clock == pytest.approx(at - film.start, abs=0.5 / film.fps + 0.034)
    since = 0
    for unit in units:
        since = unit.duration if unit.keyframe else since + unit.duration
        assert since <= LONGEST_GROUP * 90000


UNFIT: dict[str, tuple[Film, str]] = {
    "key frames too seldom": (Film(group=1000), "VP8"),
    "a frame that is not shown": (Film(hidden=7), "VP8"),
    "another codec": (Film(), "H264"),
    "another codec, the other way": (BASELINE, "VP8"),
    "H.264 with pictures out of order": (
        replace(BASELINE, options=(("preset", "ultrafast"), ("bf", "2"), ("profile", "main"))),
        "H264",
    ),
    "H.264 of the high profile": (
        replace(BASELINE, options=(("preset", "veryfast"), ("bf", "0"), ("profile", "high"))),
        "H264",
    ),
    "H.264 of a high level": (replace(BASELINE, options=h264(level="40")), "H264"),
    "interlaced": (
        replace(BASELINE, options=(("preset", "veryfast"), ("bf", "0"), ("x264-params", "tff=1"))),
        "H264",
    ),
    "too many pictures": (Film(fps=60, group=60, seconds=2), "VP8"),
    "too large": (Film(size=((1920, 1080),), fps=5, group=5, seconds=1), "VP8"),
    "pixels that are not square": (replace(BASELINE, pixel=Fraction(2)), "H264"),
    "pictures that come later than sound": (Film(start=2), "VP8"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_frames_that_do_not_fit_are_encoded(tmp_path: Path, name: str) -> None:
    film, codec = UNFIT[name]
    units, own = sent(film.write(tmp_path), codec)
    assert not any(own)
    assert sum(unit.duration for unit in units) == pytest.approx(
        (film.start + film.seconds) * 90000, abs=0.2 * 90000
    )
    check(units, codec, film)


def test_many_bits_are_encoded_anew(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    path = tmp_path / "noise.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=10, options=dict(VP8))
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.bit_rate, stream.codec_context.gop_size = 20_000_000, 10
        stream.codec_context.thread_count = 1
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(
                noise.integers(0, 255, (540, 640), np.uint8), format="yuv420p"
            )
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    units, own = sent(path, "VP8")
    assert not any(own)
    assert len(units) == 20


def test_what_does_not_fit_any_more_is_encoded_from_there_on(tmp_path: Path) -> None:
    film = Film("film.mkv", size=((160, 120), (320, 240)))
    units, own = sent(film.write(tmp_path), "VP8")
    assert own == [True] * 20 + [False] * 20
    check(units, "VP8", film)


def test_a_film_that_is_cut_off_plays_to_where_it_ends(tmp_path: Path) -> None:
    for film, codec in (FIT["VP8"], FIT["H.264 in Matroska"]):
        path = film.write(tmp_path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        units = list(FileSource(path).encode("video", codec))
        assert 2 * 90000 < sum(unit.duration for unit in units) < 4 * 90000
        check(units, codec, film)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["VP8", "H.264", "H.264 in Matroska", "H.264 in a transport stream"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=30),
    st.floats(0.3, 1),
    st.sampled_from([0.0, 1.55]),
)
def test_whatever_is_damaged_it_begins_with_a_key_frame_and_ends(
    tmp_path: Path, name: str, damage: list[tuple[float, int]], kept: float, start: float
) -> None:
    film, codec = FIT[name]
    path = film.write(tmp_path)
    data = bytearray(path.read_bytes())
    for at, octet in damage:
        data[int(at * (len(data) - 1))] = octet
    path.write_bytes(data[: int(kept * len(data))])
    try:
        units = list(FileSource(path).encode_from(start, "video", codec))
    except SourceError:
        return
    assert all(unit.duration > 0 and unit.data for unit in units)
    assert not units or units[0].keyframe
    assert sum(unit.duration for unit in units) < 40 * 90000


@pytest.mark.parametrize("loop", [False, True])
def test_the_last_picture_stands_until_the_sound_of_a_loop_has_ended(
    tmp_path: Path, loop: bool
) -> None:
    path = tmp_path / "film.webm"
    with av.open(str(path), "w") as container, av.open(str(Film().write(tmp_path / ".."))) as film:
        video = container.add_stream_from_template(film.streams.video[0])
        sound = container.add_stream("libopus", rate=48000, layout="mono")
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = video
                container.mux(packet)
        for number in range(7):
            frame = av.AudioFrame("s16", "mono", 48000)
            frame.sample_rate, frame.pts = 48000, number * 48000
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    source = FileSource(path, loop=loop)
    source.check()
    units = list(source.encode("video", "VP8"))
    end = 7 if loop else 4
    assert sum(unit.duration for unit in units) / 90000 == pytest.approx(end, abs=0.05)
    assert is_of(units[0], "VP8", parts(path))
    assert is_of(units[-1], "VP8", parts(path)) is not loop  # a key frame must come in between
