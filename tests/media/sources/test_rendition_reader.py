"""A leg's pictures follow what its peer can take, by changing to another encoding of them."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from callboard.media import ClockPattern, FileSource, Playback, Playlist, Source
from callboard.media.sources.clip import Clips
from callboard.media.sources.rated_source import BIT_RATES
from callboard.media.sources.rendition_reader import Rendition
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.sources.films import Film, clocks, is_of, parts
from callboard.tests.media.sources.test_frames_as_they_are import BASELINE
from callboard.tests.media.sources.test_played_files import Tracks, every, shown


async def read(playback: Playback, count: int) -> list[Unit]:
    """Read frames as a leg does that plays: what is asked for is encoded before the next is due."""
    units: list[Unit] = []
    while len(units) < count and not playback.is_over:
        unit = playback.read()
        if unit is not None:
            units.append(unit)
        jobs = [clip._job for clip in Clips.running()._clips.values() if clip._job is not None]
        await (asyncio.wait(jobs) if jobs else asyncio.sleep(0))
    return units


FILM = Film(seconds=12, bit_rate=700_000, size=((320, 240),))


def steady(units: list[Unit], codec: str, first: float = 0.0, fps: int = 10) -> None:
    """Check that each picture comes at its time, whichever encoding it is from."""
    for at, clock in clocks(units, codec):
        assert clock == pytest.approx(first + at, abs=1 / fps)


def opened(codec: str) -> set[int | None]:
    """Return which renditions anybody has needed."""
    clips = Clips.running()._clips.values()
    sources = [clip._open[0] for clip in clips if clip._open[2] == codec]
    return {each.bit_rate for each in sources if isinstance(each, Rendition)}


@pytest.mark.parametrize("film", [FILM, replace(BASELINE, seconds=12, bit_rate=700_000)])
def test_a_file_is_encoded_for_who_can_not_take_it_as_it_is(
    run: Run, tmp_path: Path, film: Film
) -> None:
    path = film.write(tmp_path)
    codec = "VP8" if film.codec == "libvpx" else "H264"
    file = parts(path)

    async def main() -> None:
        playback = Playback("video", FileSource(path))
        playback.prepare(codec)
        units = await read(playback, 20)
        assert opened(codec) == {None}
        playback.limit(50_000)  # less than any file has
        units += await read(playback, 40)
        assert opened(codec) == {None, BIT_RATES[0]}
        playback.limit(3_000_000)
        units += await read(playback, 1000)
        own = [is_of(unit, codec, file) for unit in units]
        changes = [at for at in range(1, len(own)) if own[at] != own[at - 1]]
        assert (own[0], own[-1], len(changes)) == (True, True, 2)
        assert all(units[at].keyframe for at in changes)
        assert changes[0] <= 20 + 25
        assert changes[1] <= 60 + 35
        assert opened(codec) == {None, BIT_RATES[0]}
        steady(units, codec)
        assert sum(unit.duration for unit in units) == pytest.approx(12 * 90000, abs=9000)
        assert (playback.is_over, playback.failure) == (True, None)

    run(main)


SOURCES: dict[str, Callable[[Path], Source]] = {
    "a pattern": lambda _: ClockPattern(fps=10),
    "a film that does not fit": lambda path: FileSource(Film(group=500).write(path)),
    "in a loop": lambda path: FileSource(Film(group=500).write(path), loop=True),
    "again and again": lambda path: Playlist((FileSource(Film(group=500).write(path)),), None),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_limit_is_kept_to_over_all_repetitions(run: Run, tmp_path: Path, name: str) -> None:
    source = SOURCES[name](tmp_path)

    async def main() -> None:
        playback = Playback("video", source)
        playback.prepare("VP8")
        if name == "a film that does not fit":
            await read(playback, 1)
        playback.limit(2_000_000)
        await read(playback, 39)
        assert BIT_RATES[2] in opened("VP8")
        playback.limit(100_000)
        await read(playback, 60)
        assert BIT_RATES[0] in opened("VP8")
        playback.stop()

    run(main)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize("kinds", ["v", "av"])
@pytest.mark.parametrize("count", [1, 3, 12])
def test_a_short_film_in_a_loop_is_one_film(
    run: Run, tmp_path: Path, codec: str, kinds: str, count: int
) -> None:
    tracks = Tracks(tmp_path / "film.mkv", kinds=kinds)
    tracks.pictures(every(0, count / 25), lambda at: 40 + round(at * 25) * 15)
    if kinds == "av":
        tracks.sound(0, count / 25)
    source = FileSource(tracks.write(), loop=True)
    source.check()

    async def main() -> None:
        playback = Playback("video", source)
        playback.prepare(codec)
        playback.limit(BIT_RATES[0])
        units = await read(playback, 12 if (kinds, count) == ("v", 1) else 300)
        seconds = sum(unit.duration for unit in units) / 90000
        assert seconds == 12
        assert sum(unit.keyframe for unit in units) <= seconds * 1.25 + 1
        lights = [int(plane[-4, -4]) for _, plane in shown(units, codec)]
        for number, light in enumerate(lights):
            assert light == pytest.approx(40 + number % count * 15, abs=7)
        playback.stop()

    run(main)
    passes = list(source.encode("video", codec))
    assert sum(unit.duration for unit in passes) % (count * 3600) == 0
    if kinds == "av":
        sound = list(source.encode("audio", "opus"))
        assert sum(unit.duration for unit in sound) == count * 1920


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize("bit_rate", BIT_RATES)
def test_a_picture_in_a_loop_keeps_to_its_bit_rate(
    tmp_path: Path, codec: str, bit_rate: int
) -> None:
    path = tmp_path / "picture.png"
    coarse = np.random.default_rng(1).integers(40, 220, (45, 80, 3), np.uint8)
    image = av.VideoFrame.from_ndarray(coarse, format="rgb24").reformat(1280, 720)
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "rgb24"
        container.mux([*stream.encode(image), *stream.encode(None)])
    source = FileSource(path, loop=True)
    source.check()
    units = list(source.encode_at(bit_rate, 0, codec))
    assert sum(unit.duration for unit in units) == 4 * 90000
    sent = sum(len(unit.data) for unit in units) * 8 / 4
    assert sent < 1.3 * bit_rate
    assert len(units[-1].data) > len(units[0].data) / 4, "it stays as good"


def test_a_short_film_in_a_loop_goes_on_at_any_moment(tmp_path: Path) -> None:
    tracks = Tracks(tmp_path / "film.mkv", kinds="v")
    tracks.pictures(every(0, 0.2), lambda at: 40 + round(at * 25) * 40)
    source = FileSource(tracks.write(), loop=True)
    source.check()
    units = list(source.encode_at(BIT_RATES[0], 1.04, "VP8"))
    assert sum(unit.duration for unit in units) == round((4 - 1.04) * 90000)
    lights = [int(plane[-4, -4]) for _, plane in shown(units, "VP8")]
    assert lights == [pytest.approx(40 + (at + 1) % 5 * 40, abs=7) for at in range(74)]


def test_a_limit_is_kept_to_by_what_follows_in_a_list(run: Run, tmp_path: Path) -> None:
    short, film = (replace(FILM, name=f"{n}.webm", seconds=n) for n in (3, 12))
    path = film.write(tmp_path)
    source = Playlist((FileSource(short.write(tmp_path)), FileSource(path)))
    file = parts(path)

    async def main() -> None:
        playback = Playback("video", source)
        playback.prepare("VP8")
        await read(playback, 1)
        playback.limit(50_000)
        units = await read(playback, 30 + 60)
        assert playback.position == pytest.approx(6, abs=0.11), "of the second one"
        assert not any(is_of(unit, "VP8", file) for unit in units[-20:])
        playback.stop()

    run(main)


def test_an_estimate_that_is_never_still_changes_nothing(run: Run) -> None:
    async def main() -> None:
        playback = Playback("video", ClockPattern(fps=10))
        playback.prepare("VP8")
        for number in range(20):
            playback.limit(600_000 + (-1) ** number * 90_000)
            await read(playback, 10)
        assert opened("VP8") == {600_000}
        playback.stop()

    run(main)


def test_legs_that_need_the_same_share_it(run: Run, tmp_path: Path) -> None:
    source = FileSource(FILM.write(tmp_path))

    async def main() -> None:
        legs = [Playback("video", source) for _ in range(3)]
        seen: list[list[Unit]] = []
        for leg in legs:
            leg.prepare("VP8")
            leg.limit(50_000)
            seen.append(await read(leg, 60))
            assert len(Clips.running()._clips) == 2
        assert seen[0][-20:] == seen[1][-20:] == seen[2][-20:]
        for leg in legs:
            leg.stop()

    run(main)


def test_what_is_sought_goes_out_as_it_is_from_the_last_key_frame(run: Run, tmp_path: Path) -> None:
    path = FILM.write(tmp_path)
    file = parts(path)

    async def main() -> None:
        playback = Playback("video", FileSource(path))
        playback.prepare("VP8")
        for at in (8.55, 2.55):
            playback.seek(at)
            units = await read(playback, 20)
            assert playback.position == pytest.approx(int(at) + 2, abs=0.01)
            assert all(is_of(unit, "VP8", file) for unit in units)
            assert units[0].keyframe
            steady(units, "VP8", int(at))
        playback.seek(40)
        assert await read(playback, 5) == []
        assert (playback.is_over, playback.failure) == (True, None)

    run(main)


def test_a_later_leg_goes_on_in_mid_group(run: Run, tmp_path: Path) -> None:
    source = FileSource(FILM.write(tmp_path))

    async def main() -> None:
        for count in (3, 25, 1000):
            playback = Playback("video", source)
            playback.prepare("VP8")
            units = await read(playback, count)
            playback.stop()
            await asyncio.sleep(0)
        assert len(units) == 120
        steady(units, "VP8")

    run(main)
