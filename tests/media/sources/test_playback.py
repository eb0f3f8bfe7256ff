"""What a leg plays: where it is, how loud it is, what follows it, and when it has ended."""

import asyncio
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, cast

import av
import numpy as np
import pytest
from callboard.media import (
    ClockPattern,
    Echo,
    Feed,
    FileSource,
    Kind,
    Playback,
    Playlist,
    Silence,
    Source,
    SourceError,
    Tone,
    read_clock,
)
from callboard.media.codecs.sound import SoundDecoder
from callboard.media.frames.codec import CLOCK_RATES, CODECS
from callboard.media.sources.unit import FrameRun, Unit
from callboard.tests.conftest import Run
from callboard.tests.media.legs import luma, video_decoder
from hypothesis import given, settings
from hypothesis import strategies as st

STEP = 5
"""Seconds for which each tone of a staircase lasts."""

STAIRS = (300, 500, 700, 900, 1100, 1300)
"""Its tones, in Hz."""


def staircase(path: Path) -> FileSource:
    """Write half a minute of sound whose pitch tells the time."""
    rate = 16_000
    times = np.arange(STEP * rate) / rate
    steps = [8000 * np.sin(2 * np.pi * frequency * times) for frequency in STAIRS]
    sound = np.concatenate(steps).astype("<i2")
    if path.suffix == ".wav":
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(sound.tobytes())
    else:
        codec, rate = {".ogg": ("libopus", 16_000), ".mp3": ("libmp3lame", 16_000)}[path.suffix]
        with av.open(str(path), "w") as container:
            stream = cast(av.AudioStream, container.add_stream(codec, rate=rate, layout="mono"))
            frame = av.AudioFrame.from_ndarray(sound[None, :], "s16", "mono")
            frame.sample_rate = rate
            resampler = av.AudioResampler(
                stream.format, "mono", rate, stream.codec_context.frame_size or 960
            )
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
    return FileSource(path)


async def read(playback: Playback, count: int) -> list[Unit]:
    """Read frames as a leg does, but each as soon as it is there."""
    units: list[Unit] = []
    while len(units) < count and not playback.is_over:
        unit = playback.read()
        if unit is None:
            await asyncio.sleep(0)
        else:
            units.append(unit)
    return units


def heard(units: list[Unit], codec: str) -> Any:
    decoder = SoundDecoder(codec)
    return np.concatenate([decoder.decode(unit.data) for unit in units])[:, 0].astype(float)


def pitch(units: list[Unit], codec: str = "opus") -> float:
    sound = heard(units, codec)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * SoundDecoder(codec).rate / len(sound))


def level(units: list[Unit], codec: str = "opus") -> float:
    return float(np.sqrt(np.mean(heard(units, codec)[-4800:] ** 2)))


@dataclass(frozen=True)
class Once(Source):
    """A tone that ends after some frames."""

    frequency: int
    frames: int
    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        return islice(Tone(self.frequency).encode(kind, codec), self.frames)


@dataclass(frozen=True)
class Again(Source):
    """Frames that are their own number and do not last alike, repeated; or a fault at last."""

    frames: int
    fails: bool = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        for number in range(self.frames):
            yield Unit(number.to_bytes(2), 480 * (1 + number % 3))
        if self.fails:
            raise OSError("the disk was pulled out")


@dataclass(frozen=True)
class Failing(Source):
    """Gives a frame, and then an error."""

    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        yield Unit(b"\xf8\xff\xfe", 960)
        raise OSError("the disk was pulled out")


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mp3"])
@pytest.mark.parametrize("codec", ["opus", "PCMU"])
def test_each_moment_of_a_file_can_be_sought(
    run: Run, tmp_path: Path, suffix: str, codec: str
) -> None:
    source = staircase(tmp_path / f"stairs{suffix}")

    async def main() -> None:
        playback = Playback("audio", source)
        playback.prepare(codec)
        assert playback.position == 0
        for step in (0, 4, 1, 5, 2):
            playback.seek(step * STEP + 1)
            assert playback.position == pytest.approx(step * STEP + 1, abs=0.021)
            units = await read(playback, 50)
            assert abs(pitch(units, codec) - STAIRS[step]) < 6
            assert playback.position == pytest.approx(step * STEP + 2, abs=0.021)
        playback.seek(5 * STEP + 3)
        rest = await read(playback, 1000)
        assert sum(unit.duration for unit in rest) / CLOCK_RATES[codec] == pytest.approx(2, abs=0.1)
        assert (playback.is_over, playback.failure) == (True, None)

    run(main)


def test_a_place_that_is_sought_before_there_is_a_codec_is_where_it_begins(
    run: Run, tmp_path: Path
) -> None:
    source = staircase(tmp_path / "stairs.wav")

    async def main() -> None:
        playback = Playback("audio", source)
        playback.seek(3 * STEP + 1)
        assert playback.position == 3 * STEP + 1
        playback.prepare("opus")
        assert playback.position == pytest.approx(3 * STEP + 1, abs=0.021)
        assert abs(pitch(await read(playback, 50)) - STAIRS[3]) < 6
        assert playback.position == pytest.approx(3 * STEP + 2, abs=0.021)
        playback.stop()

    run(main)


@pytest.mark.parametrize("past", [STEP * len(STAIRS) + 1.0, 3600.0])
def test_past_the_end_there_is_nothing_more_and_no_fault(
    run: Run, tmp_path: Path, past: float
) -> None:
    source = staircase(tmp_path / "stairs.wav")

    async def main() -> None:
        for begun in (False, True):
            playback = Playback("audio", source)
            playback.prepare("opus")
            if begun:
                await read(playback, 2000)
                playback = Playback("audio", source)
                playback.prepare("opus")
            playback.seek(past)
            assert await read(playback, 10) == []
            assert (playback.is_over, playback.failure) == (True, None)
        again = Playback("audio", Playlist((source,), None))
        again.prepare("opus")
        again.seek(past)
        assert abs(pitch(await read(again, 50)) - STAIRS[0]) < 6
        again.stop()

    run(main)


@pytest.mark.parametrize("encoded", [False, True])
def test_video_goes_on_at_a_key_frame(run: Run, encoded: bool) -> None:
    pattern = ClockPattern(fps=10)

    async def main() -> None:
        playback = Playback("video", pattern)
        playback.prepare("VP8")
        if encoded:
            await read(playback, 80)
        assert bool(playback.since_keyframe) is encoded
        playback.seek(5.55)
        assert not playback.since_keyframe, "they lead to no picture that is to come"
        (first, *rest) = await read(playback, 10)
        assert first.keyframe
        begin = 5 if encoded else 5.55  # what is not encoded yet begins where it is wanted
        assert playback.position == pytest.approx(begin + 1, abs=0.05)
        decoder = video_decoder("VP8")
        (shown,) = decoder.decode(av.Packet(first.data))
        assert read_clock(luma(shown)) == pytest.approx(begin, abs=0.051)
        assert playback.since_keyframe == (first, *rest)[: len(playback.since_keyframe)][:10]
        playback.stop()

    run(main)


def film(path: Path) -> FileSource:
    """Write 15 seconds of a clock with one key frame, so that seeking has far to go."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.gop_size = 1000
        stream.codec_context.thread_count = 1
        decoder = video_decoder("VP8")
        number = 0
        for unit in islice(ClockPattern(fps=10).encode("video", "VP8"), 150):
            for picture in decoder.decode(av.Packet(unit.data)):
                picture.pts, picture.time_base = number, Fraction(1, 10)
                number += 1
                container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return FileSource(path)


def test_a_film_is_sought_to_the_picture(run: Run, tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv")

    async def main() -> None:
        playback = Playback("video", source)
        playback.prepare("VP8")
        for at in (12.0, 3.0):
            playback.seek(at)
            (first, *_) = await read(playback, 3)
            (shown,) = video_decoder("VP8").decode(av.Packet(first.data))
            assert first.keyframe
            assert read_clock(luma(shown)) == pytest.approx(at, abs=0.11)
        rest = await read(playback, 1000)
        assert sum(unit.duration for unit in rest) / 90000 == pytest.approx(12, abs=0.4)

    run(main)


@pytest.mark.parametrize("frames", [1, 2, 7, 99, 250, 600, 1000, 1001, 2500])
def test_what_is_repeated_is_the_same_by_runs_and_one_by_one(run: Run, frames: int) -> None:
    @settings(max_examples=5, deadline=None)
    @given(taken=st.lists(st.integers(0, 1100), max_size=6))
    def one(taken: list[int]) -> None:
        run(lambda: main(taken))

    async def main(taken: list[int]) -> None:
        by_runs, by_one = Playback("audio", Again(frames)), Playback("audio", Again(frames))
        for each in (by_runs, by_one):
            each.prepare("opus")
        for count in taken:
            (first,) = await read(by_runs, 1)
            units, leaving = [first], by_runs.run()
            while leaving is not None and len(units) <= count and (unit := leaving.take()):
                units.append(unit)
            assert [each.data for each in units] == [
                each.data for each in await read(by_one, len(units))
            ]
            assert by_runs.position == by_one.position
        for each in (by_runs, by_one):
            each.stop()

    one()


def test_what_is_repeated_leaves_in_one_run_over_its_end(run: Run) -> None:
    async def main() -> None:
        playback = Playback("audio", Again(7))
        playback.prepare("opus")
        await read(playback, 3)
        leaving = playback.run()
        assert isinstance(leaving, FrameRun)
        ahead = [int.from_bytes(unit.data) for unit in leaving.ahead()]
        assert ahead == [number % 7 for number in range(3, 1003)]
        playback.stop()

    run(main)


def test_what_fails_before_its_end_is_not_repeated(run: Run) -> None:
    async def main() -> None:
        playback = Playback("audio", Again(7, fails=True))
        playback.prepare("opus")
        await read(playback, 3)
        leaving = playback.run()
        assert isinstance(leaving, FrameRun)
        assert len(leaving.ahead()) == 4
        await read(playback, 5)
        assert playback.is_over
        assert playback.failure is not None

    run(main)


@pytest.mark.parametrize("codec", CODECS["audio"])
def test_the_volume_of_one_leg_changes_no_other_leg(run: Run, codec: str) -> None:
    async def main() -> None:
        quiet, plain = Playback("audio", Tone(500)), Playback("audio", Tone(500))
        for each in (quiet, plain):
            each.prepare(codec)
        before = level(await read(plain, 50), codec)
        quiet.gain(-6.02)
        await read(quiet, 5)
        assert level(await read(quiet, 50), codec) == pytest.approx(before / 2, rel=0.1)
        quiet.gain(6.02)
        await read(quiet, 5)
        assert level(await read(quiet, 50), codec) == pytest.approx(before * 2, rel=0.1)
        assert level(await read(plain, 50), codec) == pytest.approx(before, rel=0.01)
        quiet.gain(0)
        await read(quiet, 5)
        encoded = set(Tone(500).encode("audio", codec))
        assert set(await read(quiet, 50)) <= encoded  # as it was encoded once for all
        for each in (quiet, plain):
            each.stop()

    run(main)


def test_what_is_too_loud_is_cut_off_and_does_not_turn_over(run: Run) -> None:
    async def main() -> None:
        playback = Playback("audio", Tone(500, 0.9))
        playback.gain(20)
        playback.prepare("PCMA")
        sound = heard((await read(playback, 60))[10:], "PCMA")
        assert np.sqrt(np.mean(sound**2)) > 0.85 * 32767
        playback.stop()

    run(main)


@pytest.mark.parametrize("gain", [0.0, -3.0])
def test_nothing_of_a_source_is_lost_by_its_volume(run: Run, gain: float) -> None:
    async def main() -> None:
        playback = Playback("audio", Once(500, 33))
        playback.gain(gain)
        playback.prepare("opus")
        units = await read(playback, 100)
        assert sum(unit.duration for unit in units) == 33 * 960
        assert playback.position == pytest.approx(33 * 0.02)

    run(main)


@pytest.mark.parametrize("codec", CODECS["audio"])
def test_the_position_is_that_of_what_was_played_whatever_its_volume(run: Run, codec: str) -> None:
    async def main() -> None:
        playback = Playback("audio", Tone(500))
        playback.prepare(codec)
        for number in range(1, 60):
            if number in {10, 40}:
                playback.gain({10: -6.0, 40: 0.0}[number])
            await read(playback, 1)
            assert playback.position == pytest.approx(number * 0.02)
            if number == 30:  # what was read ahead is not played any more
                playback.seek(number * 0.02)
                assert playback.position == pytest.approx(number * 0.02)
        playback.stop()

    run(main)


@pytest.mark.parametrize("made", [True, False])
def test_nothing_of_before_is_heard_after_a_seek_whatever_its_volume(
    run: Run, tmp_path: Path, made: bool
) -> None:
    source = staircase(tmp_path / "stairs.wav")

    async def main() -> None:
        playback = Playback("audio", source)
        playback.prepare("PCMU")
        playback.gain(-6)
        await read(playback, 20)
        volume = playback._volume
        assert volume is not None
        while made and volume._ready is None:  # noqa: ASYNC110 -- a thread does it
            await asyncio.sleep(0)
        assert volume._is_working is not made  # on the next frame
        playback.seek(5 * STEP + 1)
        for unit in await read(playback, 20):
            assert pitch([unit], "PCMU") == pytest.approx(STAIRS[5], abs=60)
        playback.stop()

    run(main)


def test_a_feed_has_a_volume_too(run: Run) -> None:
    async def main() -> None:
        feed = Feed(buffer=2)
        playback = Playback("audio", feed)
        playback.prepare("PCMU")
        playback.gain(-20)
        wave = (16000 * np.sin(2 * np.pi * 500 * np.arange(48000) / 48000)).astype(np.int16)
        await feed.write(wave)
        feed.close()
        loud = [unit for unit in await read(playback, 10_000) if set(unit.data) != {0xFF}]
        assert level(loud[10:40], "PCMU") == pytest.approx(16000 / 2**0.5 / 10, rel=0.1)
        assert playback.is_over

    run(main)


def test_a_list_is_played_one_after_the_other(run: Run) -> None:
    async def main() -> None:
        playback = Playback("audio", Playlist((Once(400, 40), Once(800, 60)), 2))
        playback.prepare("opus")
        units = await read(playback, 1000)
        assert len(units) == 200
        for at, frequency in ((0, 400), (40, 800), (100, 400), (140, 800)):
            assert abs(pitch(units[at : at + 40]) - frequency) < 5
        assert (playback.is_over, playback.failure) == (True, None)
        assert playback.position == pytest.approx(60 * 0.02)

    run(main)


@pytest.mark.parametrize("times", [1, 2, None])
def test_a_list_is_sought_in_what_is_played_now_and_goes_on(run: Run, times: int | None) -> None:
    async def main() -> None:
        playback = Playback("audio", Playlist((Once(400, 40), Once(800, 60), Once(600, 40)), times))
        playback.prepare("opus")
        await read(playback, 50)
        playback.seek(0.6)
        assert playback.position == pytest.approx(0.6)
        units = await read(playback, 70)
        assert abs(pitch(units[:30]) - 800) < 5
        assert abs(pitch(units[30:]) - 600) < 5
        rest = await read(playback, 300)
        assert len(rest) == {1: 0, 2: 140, None: 300}[times]
        for at in range(0, len(rest) - 40, 140):
            assert abs(pitch(rest[at : at + 40]) - 400) < 5
        assert playback.is_over is (times is not None)
        playback.stop()

    run(main)


def test_a_list_goes_on_at_once_as_what_follows_is_encoded_already(run: Run) -> None:
    async def main() -> None:
        following = Tone(800)
        playback = Playback("audio", Playlist((Once(400, 40), following)))
        playback.prepare("opus")
        other = Playback("audio", following)
        other.prepare("opus")
        await read(other, 1)  # what is encoded is shared
        await read(playback, 40)
        assert playback.read() is not None
        other.stop()
        assert playback.position == pytest.approx(0.02)
        playback.stop()

    run(main)


def test_what_fails_in_a_list_is_named(run: Run) -> None:
    async def main() -> None:
        playback = Playback("audio", Playlist((Once(400, 5), Failing(), Tone())))
        playback.prepare("opus")
        assert len(await read(playback, 100)) == 6
        assert "the disk was pulled out" in str(playback.failure)

    run(main)


def test_a_feed_in_a_list_begins_when_its_turn_comes(run: Run) -> None:
    async def main() -> None:
        feed = Feed()
        playback = Playback("audio", Playlist((Once(400, 5), feed, Once(800, 5))))
        playback.prepare("opus")
        await read(playback, 6)
        feed.close()
        assert len(await read(playback, 100)) >= 5
        assert (playback.is_over, playback.failure) == (True, None)

    run(main)


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize(
    ("source", "kind", "use", "words"),
    [
        (Tone(), "audio", lambda p: p.seek(-1), "seconds is -1: give a number from 0"),
        (Tone(), "audio", lambda p: p.seek(float("nan")), "seconds is nan"),
        (Tone(), "audio", lambda p: p.seek(1e9), "seconds is 1000000000"),
        (Tone(), "audio", lambda p: p.gain(21), "the gain is 21 dB: give -100 to 20 dB"),
        (Tone(), "audio", lambda p: p.gain(float("nan")), "the gain is nan dB"),
        (ClockPattern(), "video", lambda p: p.gain(3), "pictures have no volume"),
        (Echo(), "audio", lambda p: p.gain(3), "its volume can't be changed"),
        (Echo(), "audio", lambda p: p.seek(3), "there is nothing to seek"),
        (None, "audio", lambda p: p.seek(3), "there is nothing to seek"),
    ],
)
def test_what_can_not_be_changed_says_so_and_goes_on(
    run: Run, source: Source | None, kind: Kind, use: Any, words: str, prepared: bool
) -> None:
    async def main() -> None:
        playback = Playback(kind, source or Feed())
        if prepared:
            playback.prepare("opus" if kind == "audio" else "VP8")
        with pytest.raises(ValueError, match=words):
            use(playback)
        assert not playback.is_over
        playback.stop()

    run(main)


def test_the_end_is_told_once_and_nothing_comes_after_it(run: Run) -> None:
    told: list[Playback] = []

    async def main() -> None:
        playback = Playback("audio", Silence(), told.append)
        playback.prepare("opus")
        await read(playback, 25)
        playback.stop()
        playback.stop()
        playback.seek(0)
        playback.gain(3)
        assert playback.read() is None
        assert playback.position == pytest.approx(0.5)
        await playback.ended()
        assert told == [playback]

    run(main)


def test_a_list_has_the_kinds_that_all_have(tmp_path: Path) -> None:
    assert Playlist((Once(400, 1), Silence())).kinds == {"audio"}
    assert Playlist((staircase(tmp_path / "stairs.wav"), Tone())).kinds == {"audio"}
    with pytest.raises(SourceError, match="has no video"):
        Playback("video", Playlist((Tone(),)))
