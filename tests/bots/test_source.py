"""Words, paths and sources that name what is played."""

import wave
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import ClockPattern, Echo, FileSource, Silence, Source, SourceError, Tone
from callboard.bots.source import find_source, source
from callboard.media import Kind
from callboard.tests.conftest import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with wave.open(str(tmp_path / "hello.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1600))
    return tmp_path


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (None, None),
        ("none", None),
        ("silence", Silence()),
        ("tone", Tone()),
        ("tone:300", Tone(300)),
        ("pattern", ClockPattern()),
        ("echo", Echo()),
        (Tone(300), Tone(300)),
    ],
)
def test_a_word_names_a_source(folder: Path, named: Any, found: Source | None) -> None:
    assert source(named, folder) == found


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_begins_beside_the_file(folder: Path, absolute: bool, kind: type) -> None:
    named = kind(folder / "hello.wav" if absolute else "hello.wav")
    found = source(named, folder)
    assert isinstance(found, FileSource)
    assert Path(found.path) == folder / "hello.wav"


@pytest.mark.parametrize(
    "named", ["", ".", "nowhere.ogg", "tone:", "TONE", "tone:x", "tone:0", "a\0b", "x" * 5000]
)
def test_what_can_not_be_played_says_what_can(folder: Path, named: str) -> None:
    if named == "tone:":
        assert source(named, folder) == Tone()
        return
    with pytest.raises(SourceError, match=r"tone:FREQUENCY, pattern, echo|tone:440"):
        source(named, folder)


@pytest.mark.parametrize("named", [5, 5.5, b"tone", ["tone"], True])
def test_what_names_nothing_is_of_the_wrong_type(folder: Path, named: Any) -> None:
    with pytest.raises(TypeError, match="can't be played: give a source, its name, or a file"):
        source(named, folder)


@pytest.mark.parametrize(
    ("named", "kind", "fits"),
    [
        ("tone", "audio", True),
        ("tone", "video", False),
        ("pattern", "audio", False),
        ("echo", "audio", True),
        ("echo", "video", True),
        ("none", "video", True),
        ("hello.wav", "audio", True),
        ("hello.wav", "video", False),
    ],
)
def test_a_source_must_have_the_kind(
    run: Run, folder: Path, named: str, kind: Kind, fits: bool
) -> None:
    async def main() -> None:
        if fits:
            await find_source(named, folder, kind)
            return
        with pytest.raises(
            SourceError, match=f"^{named} has no {kind}: play something with {kind}"
        ):
            await find_source(named, folder, kind)

    run(main)
