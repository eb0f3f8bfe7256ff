"""Recordings of one direction alone, and where recordings go."""

import asyncio
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from callboard.media import (
    BOTH,
    Direction,
    FinishedRecording,
    Recording,
    Writer,
    expected_suffix,
    inspect,
    recover_recordings,
)
from callboard.tests.media.calls import CLOCK, Timed, audio, both, feed, in_order, pitch, samples

SENT, RECEIVED = Direction
TONES = {SENT: 440, RECEIVED: 1000}


@cache
def sound(codec: str = "opus") -> list[Timed]:
    """A call's sound, made when it is needed."""
    return in_order(audio(SENT, 440, codec=codec), audio(RECEIVED, 1000, codec=codec))


@pytest.fixture(scope="module", autouse=True)
def _made() -> None:
    """Encode before a loop would have to wait for it."""
    sound()


async def recorded(
    writer: Writer, folder: Path, frames: list[Timed], directions: tuple[Direction, ...], kind: str
) -> FinishedRecording:
    """Record some directions of a call to the end of the frames."""
    recording = Recording(
        writer.place(folder, "call"),
        directions=directions,
        video=kind == ".mkv",
        format="wav" if kind == ".wav" else "auto",
        writer=writer,
        started=CLOCK,
    )
    feed(recording, frames)
    finished = await recording.close()
    assert recording.failure is None
    assert finished is not None
    return finished


@pytest.mark.parametrize(
    ("kind", "frames"),
    [(".ogg", sound), (".wav", sound), (".mka", lambda: sound("PCMU")), (".mkv", both)],
)
@pytest.mark.parametrize("direction", Direction)
def test_it_holds_that_direction_and_nothing_of_the_other(
    tmp_path: Path, kind: str, frames: Callable[[], list[Timed]], direction: Direction
) -> None:
    made = frames()

    async def main() -> FinishedRecording:
        with Writer() as writer:
            return await recorded(writer, tmp_path, made, (direction,), kind)

    finished = asyncio.run(main())
    assert finished.path.suffix == kind
    assert finished.seconds == pytest.approx(5, abs=0.1)
    found = inspect(finished.path)
    assert {track.directions for track in found.tracks} == {(direction,)}
    for ear in samples(finished.path):  # be there one or two: nobody hears it with one ear
        assert pitch(ear) == pytest.approx(TONES[direction], abs=2)
        assert np.abs(ear).max() > 0.2


def test_one_of_each_and_one_of_both_at_the_same_time_are_the_same_sound(tmp_path: Path) -> None:
    async def main() -> list[FinishedRecording]:
        with Writer() as writer:
            takes = (BOTH, (SENT,), (RECEIVED,))
            return [await recorded(writer, tmp_path, sound(), each, ".wav") for each in takes]

    whole, ours, theirs = (samples(finished.path) for finished in asyncio.run(main()))
    np.testing.assert_array_equal(whole, np.concatenate((ours, theirs)))


@pytest.mark.parametrize("kind", [".ogg", ".wav"])
@pytest.mark.parametrize("directions", [BOTH, (SENT,), (RECEIVED,)])
def test_what_a_kill_leaves_of_it_is_finished(
    tmp_path: Path, kind: str, directions: tuple[Direction, ...]
) -> None:
    async def main() -> FinishedRecording:
        with Writer() as writer:
            return await recorded(writer, tmp_path, sound(), directions, kind)

    finished = asyncio.run(main())
    torn = finished.path.read_bytes()[: finished.bytes * 3 // 5]
    finished.path.unlink()
    finished.path.with_name(finished.path.name + ".part").write_bytes(torn)
    (again,) = recover_recordings(tmp_path)
    assert again.path == finished.path
    assert again.seconds == pytest.approx(3, abs=1)
    assert inspect(again.path).tracks[0].directions == directions


def test_a_place_is_given_once_and_before_there_is_a_file(tmp_path: Path) -> None:
    writer = Writer()
    places = [writer.place(tmp_path, name) for name in ["a b"] * 5 + ["a b 2"] * 5]
    assert len(set(places)) == 10
    for place in places:
        assert place.parent == tmp_path
        assert re.fullmatch(r"\d{8}t\d{6}z-a-b(-2)?(-\d)?", place.name)
    assert not list(tmp_path.iterdir())


def test_a_recording_goes_where_it_was_placed(tmp_path: Path) -> None:
    async def main() -> None:
        with Writer() as writer:
            places = [writer.place(tmp_path, "call") for _ in range(3)]
            recordings = [
                Recording(place, video=False, writer=writer, started=CLOCK) for place in places
            ]
            for recording in reversed(recordings):
                feed(recording, sound()[:50])
                await recording.close()
            found = [each.files[0].path for each in recordings]
            assert found == [place.with_suffix(".ogg") for place in places]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("codecs", "form", "suffix"),
    [
        ({}, "auto", ""),
        ({"audio": "opus"}, "auto", ".ogg"),
        ({"audio": "PCMA"}, "auto", ".mka"),
        ({"audio": "opus", "video": "VP8"}, "auto", ".mkv"),
        ({}, "wav", ".wav"),
        ({"audio": "opus", "video": "VP8"}, "wav", ".wav"),
    ],
)
def test_the_suffix_is_expected_from_the_codecs(
    codecs: dict[Literal["audio", "video"], str], form: Literal["auto", "wav"], suffix: str
) -> None:
    assert expected_suffix(codecs, form) == suffix
