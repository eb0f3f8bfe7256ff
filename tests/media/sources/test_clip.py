"""Sources in their encoded form, shared."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest
from callboard.media import Kind, Silence, Source, Tone
from callboard.media.sources.clip import Clip, ClipReader, Clips
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run


@dataclass(frozen=True)
class Numbers(Source):
    """Frames that are their own number."""

    count: int
    size: int = 1
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        for number in range(self.count):
            yield Unit(bytes([number % 256]) * self.size, 960)


async def drain(reader: ClipReader, count: int | None = None) -> list[Unit]:
    units: list[Unit] = []
    while (count is None or len(units) < count) and not reader.ended:
        unit = reader.read()
        if unit is None:
            job = reader.clip._job
            assert job is not None
            await asyncio.wait([job])
            await asyncio.sleep(0)
        else:
            units.append(unit)
    return units


def test_equal_sources_share_one_clip_and_read_it_whole(run: Run) -> None:
    async def main() -> None:
        clips = Clips.running()
        first = await drain(clips.open(Numbers(60), "audio", "opus"))
        second = await drain(clips.open(Numbers(60), "audio", "opus"))
        assert [unit.data[0] for unit in first] == list(range(60))
        assert all(a is b for a, b in zip(first, second, strict=True))
        assert clips.open(Numbers(61), "audio", "opus").clip.get(0) is None

    run(main)


def test_only_what_is_needed_soon_is_encoded(run: Run) -> None:
    async def main() -> None:
        reader = Clips.running().open(Numbers(10_000), "audio", "opus")
        await drain(reader, 10)
        await drain(reader, 1)
        assert len(reader.clip._units) <= 100

    run(main)


@pytest.mark.parametrize(
    ("kind", "codec", "expected"),
    [("audio", "opus", [100, 400, *4 * [1000]]), ("video", "VP8", [8, 32, *8 * [120]])],
)
def test_what_comes_fast_is_encoded_the_further_ahead_the_more_there_is(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: Kind, codec: str, expected: list[int]
) -> None:
    count, batch = sum(expected), expected[0]
    moments = iter(range(10**9))

    async def main() -> None:
        reader = Clips.running().open(Numbers(count), kind, codec)
        steps: list[int] = []
        while not reader.ended:
            units = reader.clip._units
            if len(units) > sum(steps):
                steps.append(len(units) - sum(steps))
            await drain(reader, 1)
            await drain(reader, len(reader.following(10_000)))
        assert steps == expected
        assert len(reader.clip._units) == count

    monkeypatch.setattr("callboard.media.sources.clip.perf_counter", lambda: 0.0)
    run(main)

    async def slowly() -> None:
        reader = Clips.running().open(Numbers(count), kind, codec)
        await drain(reader, 19 * batch)
        assert 19 * batch <= len(reader.clip._units) <= 20 * batch

    monkeypatch.setattr("callboard.media.sources.clip.perf_counter", lambda: next(moments))
    run(slowly)


def test_a_large_clip_forgets_what_was_played(run: Run) -> None:
    async def main() -> None:
        clips = Clips.running()
        source = Numbers(400, size=Clip.LIMIT // 150)
        reader = clips.open(source, "audio", "opus")
        units = await drain(reader, 380)
        assert units[250].data[0] == 250
        assert len(reader.clip._units) <= 210
        assert clips.open(source, "audio", "opus").clip is not reader.clip

    run(main)


def test_clips_are_bounded(run: Run) -> None:
    async def main() -> None:
        clips = Clips.running()
        for count in range(Clips.LIMIT * 2):
            await drain(clips.open(Numbers(count), "audio", "opus"))
        assert len(clips._clips) == Clips.LIMIT

    run(main)


def test_nothing_in_it_is_a_failure(run: Run) -> None:
    async def main() -> None:
        reader = Clips.running().open(Numbers(0), "audio", "opus")
        assert await drain(reader) == []
        assert reader.clip.failure is not None

    run(main)


def test_what_cannot_be_opened(run: Run) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="no video"):
            Clips.running().open(Tone(), "video", "VP8")
        with pytest.raises(ValueError, match="can't be encoded"):
            Clips.running().open(Tone(), "audio", "G722")

    run(main)


@pytest.mark.parametrize(("codec", "duration"), [("opus", 960), ("PCMU", 160), ("PCMA", 160)])
def test_audio_comes_in_frames_of_20_ms(codec: str, duration: int) -> None:
    units = list(Tone(440).encode("audio", codec))
    assert len(units) == 250
    assert {unit.duration for unit in units} == {duration}
    assert {unit.duration for unit in Silence().encode("audio", codec)} == {duration}
