"""Files are played as players play them, whatever is wrong with them. What can't be is said."""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from callboard.media import FileSource, Kind, SourceError
from callboard.media.frames.frame import EncodedFrame
from callboard.media.sources.file_clock import LONGEST_GAP, FileClock
from callboard.media.sources.one_pass import one_pass
from callboard.media.sources.unit import Unit
from callboard.tests.media.legs import luma, pitch, samples, video_decoder
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

RATE = 48000
CLOCKS = {"opus": 48000, "PCMU": 8000, "PCMA": 8000, "VP8": 90000, "H264": 90000}


def tone(seconds: float, rate: int = RATE, channels: int = 1) -> NDArray[np.float32]:
    """Return 440 Hz, in planes."""
    wave = np.sin(np.arange(round(rate * seconds)) * 2 * np.pi * 440 / rate) * 0.5
    return np.stack([wave.astype(np.float32)] * channels)


def sound(start: float, seconds: float, layout: str = "mono", rate: int = RATE) -> av.AudioFrame:
    """Return a piece of the tone that begins at a time."""
    planes = tone(seconds, rate, av.AudioLayout(layout).nb_channels)
    frame = av.AudioFrame.from_ndarray(planes, "fltp", layout)
    frame.sample_rate = rate
    frame.pts, frame.time_base = round(start * rate), Fraction(1, rate)
    return frame


def picture(light: int, width: int = 64, height: int = 32) -> av.VideoFrame:
    """Return a picture that is light in its upper left quarter, and else as light as is said."""
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = light
    planes[: height // 2, : width // 2] = 235
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


class Tracks:
    """Writes a file of tones and pictures at any time."""

    def __init__(self, path: Path, *, kinds: str = "av", codec: str = "libx264") -> None:
        self.path = path
        self._container = av.open(str(path), "w")
        self._packets: list[Any] = []
        self._audio: Any = None
        self._video: Any = None
        if "v" in kinds:
            self._video = self._container.add_stream(codec, rate=25)
            self._video.width, self._video.height = 64, 32
            self._video.codec_context.time_base = Fraction(1, 1000)
            self._video.codec_context.max_b_frames = 0
            self._video.codec_context.thread_count = 1
        if "a" in kinds:
            self._audio = self._container.add_stream("libopus", rate=RATE, layout="mono")

    def sound(self, start: float, seconds: float) -> None:
        """Add a tone."""
        for number in range(round(seconds * 50)):
            frame = self._packed(sound(start + number / 50, 0.02))
            self._keep(self._audio.encode(frame))

    def pictures(self, times: list[float], light: Callable[[float], int] = lambda _: 100) -> None:
        """Add pictures."""
        for at in times:
            frame = picture(light(at))
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            self._keep(self._video.encode(frame))

    def write(self) -> Path:
        """Write all, in the order of time."""
        for stream in (self._audio, self._video):
            if stream is not None:
                self._keep(stream.encode(None))
        for _, _, packet in sorted(self._packets):
            self._container.mux(packet)
        self._container.close()
        return self.path

    @staticmethod
    def _packed(frame: av.AudioFrame) -> av.AudioFrame:
        samples16 = (frame.to_ndarray() * 32767).astype(np.int16)
        packed = av.AudioFrame.from_ndarray(samples16, "s16", "mono")
        packed.sample_rate, packed.pts, packed.time_base = RATE, frame.pts, frame.time_base
        return packed

    def _keep(self, packets: list[Any]) -> None:
        for packet in packets:
            at = float(packet.dts * packet.time_base)
            self._packets.append((at, len(self._packets), packet))


def every(start: float, end: float, step: float = 0.04) -> list[float]:
    """Return times."""
    return [float(at) for at in np.arange(start, end - step / 2, step)]


def lasts(units: list[Unit], codec: str) -> float:
    """Return how long units play, in seconds."""
    return sum(unit.duration for unit in units) / CLOCKS[codec]


def played(path: Path, kind: Kind, codec: str, *, loop: bool = False) -> list[Unit]:
    """Play a file to its end."""
    source = FileSource(path, loop=loop)
    if loop:
        source.check()
    units = list(source.encode(kind, codec))
    assert all(unit.duration > 0 and unit.data for unit in units)
    return units


def heard(units: list[Unit], codec: str) -> NDArray[np.bool_]:
    """Tell for each 20 ms whether the tone is heard."""
    wave, rate = samples(encoded(units, codec))
    blocks = wave[: len(wave) // (rate // 50) * (rate // 50)].reshape(-1, rate // 50)
    return np.asarray(np.abs(blocks).max(axis=1) > 1000)


def encoded(units: list[Unit], codec: str) -> list[EncodedFrame]:
    """Return units as frames."""
    return [
        EncodedFrame("audio", codec, u.data, 0, CLOCKS[codec], 0.0, keyframe=True) for u in units
    ]


def shown(units: list[Unit], codec: str) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Decode pictures: when each comes, and its brightness."""
    decoder, at = video_decoder(codec), 0
    for unit in units:
        for frame in decoder.decode(av.Packet(unit.data)):
            yield at / 90000, luma(frame)
        at += unit.duration


# -- damage ----------------------------------------------------------------------------------------


def mp3(path: Path, seconds: float = 3) -> bytes:
    """Return an MP3 file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44100, layout="stereo")
        container.mux(stream.encode(sound(0, seconds, "stereo", 44100)))
        container.mux(stream.encode(None))
    return path.read_bytes()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "padded at the end": lambda d: d + bytes(300_000),
    "padded at the beginning": lambda d: bytes(5000) + d,
    "padded in the middle": lambda d: d[: len(d) // 2] + bytes(3000) + d[len(d) // 2 :],
    "overwritten": lambda d: d[:20000] + bytes(range(256)) * 16 + d[24096:],
    "with a tag at the end": lambda d: d + b"TAG" + bytes(125),
    "cut off": lambda d: d[: len(d) * 9 // 10],
    "two in one": lambda d: d + d,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("codec", ["opus", "PCMU"])
def test_what_is_damaged_is_passed_over(tmp_path: Path, codec: str, damage: str) -> None:
    path = tmp_path / "song.mp3"
    whole = mp3(path)
    path.write_bytes(DAMAGE[damage](whole))
    units = played(path, "audio", codec)
    assert lasts(units, codec) >= 2.5
    assert pitch(encoded(units, codec)) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_octets_are_wrong_it_plays_or_says_why(
    tmp_path: Path, kind: Kind, seed: int
) -> None:
    tracks = Tracks(tmp_path / "film.mkv")
    tracks.sound(0, 2)
    tracks.pictures(every(0, 2))
    data = bytearray(tracks.write().read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(600 if seed % 2 else 0, len(data), 40):
        data[at] = random.integers(256)
    tracks.path.write_bytes(data[: len(data) if seed < 6 else len(data) * 2 // 3])
    codec = "opus" if kind == "audio" else "VP8"
    with suppress(SourceError):  # nothing else may be raised
        assert lasts(played(tracks.path, kind, codec), codec) < 40


# -- one clock -------------------------------------------------------------------------------------


def late_sound(tracks: Tracks) -> None:
    tracks.pictures(every(0, 4), lambda at: 200 if at >= 3 else 50)
    tracks.sound(2, 2)


def late_pictures(tracks: Tracks) -> None:
    tracks.sound(0, 4)
    tracks.pictures(every(2, 4), lambda at: 200 if at >= 3 else 50)


def gap_in_sound(tracks: Tracks) -> None:
    tracks.pictures(every(0, 16), lambda at: 200 if at >= 15 else 50)
    tracks.sound(0, 1)
    tracks.sound(14, 2)


def gap_in_pictures(tracks: Tracks) -> None:
    tracks.pictures([*every(0, 1), *every(14, 16)], lambda at: 200 if at >= 15 else 50)
    tracks.sound(0, 16)


def gap_in_both(tracks: Tracks) -> None:
    tracks.pictures([*every(0, 1), *every(6, 8)], lambda at: 200 if at >= 7 else 50)
    tracks.sound(0, 1)
    tracks.sound(6, 2)


def begins_late(tracks: Tracks) -> None:
    tracks.pictures(every(100, 102), lambda at: 200 if at >= 101 else 50)
    tracks.sound(101, 1)


# When sound is heard (from, to), when the picture turns light, how long it is.
Course = tuple[list[tuple[float, float]], float, float]
COURSES: dict[str, tuple[Callable[[Tracks], None], Course]] = {
    "sound comes later": (late_sound, ([(2, 4)], 3, 4)),
    "pictures come later": (late_pictures, ([(0, 4)], 3, 4)),
    "a gap in the sound": (gap_in_sound, ([(0, 1), (14, 16)], 15, 16)),
    "a gap in the pictures": (gap_in_pictures, ([(0, 16)], 15, 16)),
    "a gap in both": (gap_in_both, ([(0, 1), (6, 8)], 7, 8)),
    "it does not begin at 0": (begins_late, ([(1, 2)], 1, 2)),
}


@pytest.mark.parametrize("course", COURSES)
@pytest.mark.parametrize(
    ("name", "sound_codec", "video_codec"),
    [("film.mkv", "opus", "VP8"), ("film.mp4", "PCMU", "H264")],  # MP4 has edit lists
)
def test_sound_and_pictures_keep_one_clock(
    tmp_path: Path, course: str, name: str, sound_codec: str, video_codec: str
) -> None:
    write, (loud, light, end) = COURSES[course]
    tracks = Tracks(tmp_path / name)
    write(tracks)
    path = tracks.write()
    noise = heard(played(path, "audio", sound_codec), sound_codec)
    for number in range(len(noise)):
        at = number / 50
        inside = any(start + 0.1 < at < stop - 0.1 for start, stop in loud)
        outside = not any(start - 0.1 < at < stop + 0.1 for start, stop in loud)
        assert not (inside and not noise[number]), at
        assert not (outside and noise[number]), at
    units = played(path, "video", video_codec)
    assert lasts(units, video_codec) == pytest.approx(end, abs=0.1)
    turns = next(at for at, plane in shown(units, video_codec) if plane[-4, -4] > 150)
    assert turns == pytest.approx(light, abs=0.1)
    assert max(unit.duration for unit in units) <= 90000 * 1.1  # none stands for long


def dark(_: float) -> int:
    return 50


def bright(_: float) -> int:
    return 200


@pytest.mark.parametrize("jump", [3600.0, 80000.0, -50.0])
@pytest.mark.parametrize("kinds", ["a", "v", "av"])
def test_a_jump_of_the_clock_is_no_pause_of_an_hour(
    tmp_path: Path, jump: float, kinds: str
) -> None:
    path = tmp_path / "joined.ts"
    for start, light in ((100.0, 50), (102.0 + jump, 200)):  # as `cat one.ts two.ts` would
        tracks = Tracks(tmp_path / f"{light}.ts", kinds=kinds)
        if "v" in kinds:
            tracks.pictures(every(start, start + 2), {50: dark, 200: bright}[light])
        if "a" in kinds:
            tracks.sound(start, 2)
        with path.open("ab") as file:
            file.write(tracks.write().read_bytes())
    pause = LONGEST_GAP if jump > 0 else 0
    if "a" in kinds:
        assert lasts(played(path, "audio", "PCMU"), "PCMU") == pytest.approx(4 + pause, abs=0.3)
    if "v" in kinds:
        units = played(path, "video", "VP8")
        assert lasts(units, "VP8") == pytest.approx(4 + pause, abs=0.3)
        assert max(unit.duration for unit in units) <= 90000 * 1.1
        turns = next(at for at, plane in shown(units, "VP8") if plane[-4, -4] > 150)
        assert turns == pytest.approx(2 + pause, abs=0.3)


# How long sound lasts, and when there are pictures.
LOOPS: dict[str, tuple[float, list[float]]] = {
    "the sound is short": (1, every(0, 3)),
    "the sound is longer": (3, every(0, 1)),
    "the sound is no frame longer": (2.02, every(0, 2)),
    "the pictures are no frame longer": (1.98, every(0, 2)),
    "pictures at odd times": (1, [0, 0.033, 0.5, 0.517, 1.133]),
    "a picture alone": (1.5, [0]),
}


@pytest.mark.parametrize("name", ["film.mkv", "film.mp4", "film.ts", "film.webm"])
@pytest.mark.parametrize("tracks", LOOPS)
def test_both_tracks_of_a_loop_are_equally_long(tmp_path: Path, tracks: str, name: str) -> None:
    seconds, times = LOOPS[tracks]
    codec = "libvpx" if name == "film.webm" else "libx264"
    writer = Tracks(tmp_path / name, codec=codec)
    writer.pictures(times)
    writer.sound(0, seconds)
    path = writer.write()
    lengths = {
        codec: Fraction(
            sum(u.duration for u in played(path, kind, codec, loop=True)), CLOCKS[codec]
        )
        for kind in ("audio", "video")
        for codec in {"audio": ("opus", "PCMU"), "video": ("VP8", "H264")}[kind]
    }
    assert len(set(lengths.values())) == 1, lengths
    longest = max(seconds, times[-1] + 0.04)
    assert float(lengths["opus"]) == pytest.approx(longest, abs=0.1)
    assert lasts(played(path, "audio", "opus"), "opus") == pytest.approx(seconds, abs=0.05)


@given(
    st.sampled_from(["opus", "PCMU", "VP8"]),
    st.lists(st.integers(1, 8), min_size=1, max_size=60),
    st.integers(-4, 200),
)
def test_a_pass_ends_where_it_is_to_end(codec: str, parts: list[int], more: int) -> None:
    rate = CLOCKS[codec]
    part = {"opus": 120, "PCMU": 160, "VP8": 900}[codec]
    units = [Unit(bytes((n,)), part * (p if codec != "PCMU" else 1)) for n, p in enumerate(parts)]
    if codec == "VP8":  # what is too long is less than the last picture
        more = max(more, 0)
    end = max(1, -(-sum(u.duration for u in units) * 50 // rate) + more) / 50
    passed = list(one_pass(iter(units), codec, start=0, end=lambda: end))
    assert sum(unit.duration for unit in passed) == round(end * rate)
    own = [unit for unit in passed if unit.data[0] < 60 and len(unit.data) == 1]
    assert [unit.data for unit in own] == [unit.data for unit in units[: len(own)]]
    if more >= 0:
        assert len(own) == len(units)


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1]), st.floats(-1e9, 1e9, width=32), st.floats(0, 10)),
        max_size=60,
    )
)
def test_whatever_the_times_are_playing_goes_on_and_no_gap_is_long(
    packets: list[tuple[int, float, float]],
) -> None:
    clock = FileClock(0.0)
    ends = {0: 0.0, 1: 0.0}
    for track, at, duration in packets:
        before = clock.end
        place = at + clock.shift(track, at, duration)
        assert ends[track] - 1.1 <= place <= before + LONGEST_GAP + 0.1
        ends[track] = max(ends[track], place + duration)
        assert clock.end >= before


# -- what pictures look like -----------------------------------------------------------------------

S = 65536
MATRICES = {
    "as it is": (S, 0, 0, 0, S, 0, 0, 0, 1 << 30),
    "a quarter to the right": (0, S, 0, -S, 0, 0, 0, 0, 1 << 30),
    "upside down": (-S, 0, 0, 0, -S, 0, 0, 0, 1 << 30),
    "a quarter to the left": (0, -S, 0, S, 0, 0, 0, 0, 1 << 30),
    "mirrored": (-S, 0, 0, 0, S, 0, 0, 0, 1 << 30),
}
# Width and height as shown, and the corner where the light quarter is (row, column).
CORNERS = {
    "as it is": ((64, 32), (0, 0)),
    "a quarter to the right": ((32, 64), (0, -1)),
    "upside down": ((64, 32), (-1, -1)),
    "a quarter to the left": ((32, 64), (-1, 0)),
    "mirrored": ((64, 32), (0, -1)),
}


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_pictures_are_turned_as_the_file_says(tmp_path: Path, matrix: str, codec: str) -> None:
    tracks = Tracks(tmp_path / "phone.mp4", kinds="v")
    tracks.pictures(every(0, 0.4))
    data = bytearray(tracks.write().read_bytes())
    at = data.index(b"tkhd") + 44  # ISO/IEC 14496-12 §8.3.2
    assert struct.unpack(">9i", data[at : at + 36]) == MATRICES["as it is"]
    data[at : at + 36] = struct.pack(">9i", *MATRICES[matrix])
    tracks.path.write_bytes(data)
    units = played(tracks.path, "video", codec)
    _, plane = next(shown(units, codec))
    (width, height), corner = CORNERS[matrix]
    assert plane.shape == (height, width)
    corners = {(y, x): plane[y * 4 or 3, x * 4 or 3] for y in (0, -1) for x in (0, -1)}
    assert max(corners, key=lambda each: corners[each]) == corner


@pytest.mark.parametrize(
    ("size", "shown_size"),
    [
        ((1, 1), (16, 16)),
        ((33, 65), (32, 64)),
        ((7680, 4320), (1280, 720)),
        ((720, 1440), (640, 1280)),
    ],
)
def test_pictures_of_any_size(
    tmp_path: Path, size: tuple[int, int], shown_size: tuple[int, int]
) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height = size
        stream.pix_fmt = "gray"
        for number in range(2):
            frame = av.VideoFrame.from_ndarray(np.full(size[::-1], 90, np.uint8), format="gray")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for codec in ("VP8", "H264"):
        planes = [plane for _, plane in shown(played(path, "video", codec), codec)]
        assert {plane.shape[::-1] for plane in planes} == {shown_size}


def test_a_picture_too_large_to_decode_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height = 16000, 4800
        stream.pix_fmt = "gray"
        frame = av.VideoFrame.from_ndarray(np.zeros((4800, 16000), np.uint8), format="gray")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(SourceError, match="no picture in it"):
        FileSource(path).check()


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    tracks = Tracks(tmp_path / "dvd.mkv", kinds="v")
    tracks._video.codec_context.sample_aspect_ratio = Fraction(2)
    tracks.pictures(every(0, 0.4))
    _, plane = next(shown(played(tracks.write(), "video", "VP8"), "VP8"))
    assert plane.shape == (32, 128)


@pytest.mark.parametrize("name", ["film.webm", "film.mp4"])
def test_pictures_at_odd_times_keep_them(tmp_path: Path, name: str) -> None:
    tracks = Tracks(
        tmp_path / name, kinds="v", codec="libvpx" if name.endswith("webm") else "libx264"
    )
    times = [0.0, 0.1, 0.14, 0.18, 2.5, 2.54, 7.0, 7.04, 8.0]
    tracks.pictures(times, lambda at: 50 if times.index(at) % 2 else 200)
    units = played(tracks.write(), "video", "VP8")
    levels = [(at, plane[-4, -4] > 125) for at, plane in shown(units, "VP8")]
    changes = [at for (_, before), (at, after) in pairwise(levels) if before != after]
    assert changes == pytest.approx(times[1:], abs=0.02)
    assert max(unit.duration for unit in units) <= 90000 * 1.1


# -- what sounds sound like ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "rate"),
    [("mono", 8000), ("5.1", 96000), ("7.1", 44100), ("stereo", 11025), ("3.0", 22050)],
)
@pytest.mark.parametrize("codec", ["opus", "PCMA"])
def test_sound_of_any_rate_and_layout(tmp_path: Path, layout: str, rate: int, codec: str) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=rate, layout=layout)
        planes = tone(1, rate, av.AudioLayout(layout).nb_channels)
        frame = av.AudioFrame.from_ndarray(planes.T.reshape(1, -1).copy(), "flt", layout)
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
    units = played(path, "audio", codec)
    assert lasts(units, codec) == pytest.approx(1, abs=0.05)
    assert pitch(encoded(units, codec)) == pytest.approx(440, abs=5)


def test_sound_that_changes_its_rate_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    data = mp3(path, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=48000, layout="mono")
        container.mux(stream.encode(sound(0, 1, "mono", 48000)))
        container.mux(stream.encode(None))
    path.write_bytes(data + path.read_bytes())
    units = played(path, "audio", "opus")
    assert lasts(units, "opus") == pytest.approx(2, abs=0.2)
    assert pitch(encoded(units, "opus")) == pytest.approx(440, abs=5)


# -- what can't be played --------------------------------------------------------------------------


def with_cover(path: Path) -> None:
    """Write a song with a cover picture (ID3v2 APIC)."""
    png = path.with_suffix(".png")
    with av.open(str(png), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "rgb24"
        container.mux(stream.encode(picture(100).reformat(format="rgb24")))
    body = b"\0image/png\0\x03\0" + png.read_bytes()
    png.unlink()
    frame = b"APIC" + len(body).to_bytes(4) + b"\0\0" + body
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    song = mp3(path)
    path.write_bytes(b"ID3\x03\0\0" + size + frame + song)


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with_cover(path)
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    source = FileSource(path)
    source.check()
    assert source.kinds == {"audio"}
    assert lasts(played(path, "audio", "opus"), "opus") == pytest.approx(3, abs=0.1)
    with pytest.raises(SourceError, match="has no video"):
        list(source.encode("video", "VP8"))


def whole(path: Path) -> None:
    mp3(path)


@pytest.mark.parametrize("suffix", ["txt", "nfo", "asc", "ans", "bin"])
def test_a_text_is_no_film(tmp_path: Path, suffix: str) -> None:
    """FFmpeg would draw it, letter by letter."""
    path = tmp_path / f"notes.{suffix}"
    path.write_text("A line of words\n" * 300)
    with pytest.raises(SourceError, match="it is a text"):
        FileSource(path).check()


UNPLAYABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path, "No such file"),
    "empty": (lambda path: path.touch(), "it is empty.* Give a WAV"),
    "text": (lambda path: path.write_text("Lorem ipsum dolor sit amet.\n" * 300), "Give a WAV"),
    "zeros": (lambda path: path.write_bytes(bytes(100_000)), "Give a WAV"),
    "a folder": (lambda path: path.mkdir(), "no file"),
    "a pipe": (os.mkfifo, "no file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "no file"),
    "a link to itself": (lambda path: path.symlink_to(path), "symbolic links"),
    "below a file": (whole, "Not a directory"),
}


@pytest.mark.parametrize("what", UNPLAYABLE)
def test_what_is_no_media_is_said_at_once(tmp_path: Path, what: str) -> None:
    path = tmp_path / "song.mp3"
    make, words = UNPLAYABLE[what]
    make(path)
    asked = path / "song.mp3" if what == "below a file" else path
    with pytest.raises(SourceError, match=words) as error:
        FileSource(asked).check()
    assert str(asked) in str(error.value)


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    mp3(path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        with pytest.MonkeyPatch.context() as patch:  # root reads it all the same
            patch.setattr(av, "open", forbidden)
            with pytest.raises(SourceError, match="Permission denied"):
                FileSource(path).check()
    else:
        with pytest.raises(SourceError, match="Permission denied"):
            FileSource(path).check()


def forbidden(path: str) -> None:
    raise PermissionError(13, "Permission denied", path)


def test_a_mp4_that_lacks_its_end_is_said(tmp_path: Path) -> None:
    tracks = Tracks(tmp_path / "film.mp4", kinds="v")
    tracks.pictures(every(0, 2))
    path = tracks.write()
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SourceError, match=r"cut off.* Give a WAV"):
        FileSource(path).check()


@pytest.mark.parametrize("change", ["emptied", "removed", "a pipe in its place", "another file"])
def test_a_file_that_changes_while_it_is_played(tmp_path: Path, change: str) -> None:
    path = tmp_path / "song.mp3"
    mp3(path, 30)
    source = FileSource(path)
    units = source.encode("audio", "opus")
    begun = [next(units) for _ in range(10)]
    other = mp3(tmp_path / "other.mp3", 1)
    if change == "emptied":
        path.write_bytes(b"")
    elif change == "another file":
        path.write_bytes(other)
    else:
        path.unlink()
    if change == "a pipe in its place":
        os.mkfifo(path)
    assert lasts([*begun, *units], "opus") <= 31  # what was read goes on, and it ends
    if change == "another file":
        assert lasts(list(source.encode("audio", "opus")), "opus") == pytest.approx(1, abs=0.1)
        assert source.key("audio", "opus") != FileSource(path).key("audio", "opus")
    else:
        with pytest.raises(SourceError, match=r"can't be played"):
            list(source.encode("audio", "opus"))
