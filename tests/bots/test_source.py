"""Words, paths and sources that name what is played."""

import asyncio
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callboard.bots import (
    ClockPattern,
    Drawing,
    Echo,
    Feed,
    FileSource,
    Silence,
    Source,
    SourceError,
    SpokenText,
    Tone,
    VideoFeed,
)
from callboard.bots.source import find_source, names, source
from callboard.media import Kind, Playlist
from callboard.media.sources.forwarded import Forwarded
from callboard.tests.conftest import Run
from callboard.tests.media.espeak import needs_espeak
from callboard.tests.media.wav import write_wav


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_wav(tmp_path / "hello.wav")
    return tmp_path


@pytest.mark.parametrize(
    ("named", "found"),
    [
        (None, None),
        ("none", None),
        ("silence", Silence()),
        ("tone", Tone()),
        ("tone:300", Tone(300)),
        ("tone:300:500ms", Tone(300, seconds=0.5)),
        ("tone::2s", Tone(seconds=2)),
        ("tone:300:1", Tone(300, seconds=1)),
        pytest.param("say:Hello", SpokenText("Hello"), marks=needs_espeak),
        pytest.param("say: Hello: you ", SpokenText("Hello: you"), marks=needs_espeak),
        ("pattern", ClockPattern()),
        ("echo", Echo()),
        (Tone(300), Tone(300)),
    ],
)
def test_a_word_names_a_source(folder: Path, named: Any, found: Source | None) -> None:
    kind: Kind = "video" if named == "pattern" else "audio"
    assert source(named, folder, kind) == found


@pytest.mark.parametrize(
    ("named", "times", "has_end"),
    [
        ("silence", 1, False),
        ("tone", 1, False),
        ("tone:300:500ms", 1, True),
        ("tone:300:500ms", None, False),
        ("tone:300:500ms", 3, True),
        ("pattern", 1, False),
        ("echo", 1, False),
        (["echo"], 1, False),
        ("hello.wav", 1, True),
        ("hello.wav", None, False),
        ("loop:hello.wav", 1, False),
        (["hello.wav", "tone"], 1, False),
        (["tone:300:500ms", "hello.wav"], 2, True),
        pytest.param("say:Hello", 1, True, marks=needs_espeak),
        (Feed(), 1, True),
        (Forwarded(), 1, False),
    ],
)
def test_what_is_played_has_an_end_or_none(
    folder: Path, named: Any, times: int | None, has_end: bool
) -> None:
    kind: Kind = "video" if named == "pattern" else "audio"
    found = source(named, folder, kind, times)
    assert found is not None
    assert found.has_end is has_end


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_begins_beside_the_file(folder: Path, absolute: bool, kind: type) -> None:
    named = kind(folder / "hello.wav" if absolute else "hello.wav")
    found = source(named, folder, "audio")
    assert isinstance(found, FileSource)
    assert Path(found.path) == folder / "hello.wav"


def test_a_file_is_played_in_a_loop(folder: Path) -> None:
    assert source("hello.wav", folder, "audio", None) == source("loop:hello.wav", folder, "audio")
    assert source("loop:hello.wav", folder, "audio") == FileSource(folder / "hello.wav", loop=True)
    (folder / "loop:x.wav").write_bytes((folder / "hello.wav").read_bytes())
    assert source("loop:x.wav", folder, "audio") == FileSource(folder / "loop:x.wav")


@pytest.mark.parametrize(
    "named",
    [
        *("", ".", "nowhere.ogg", "tone:", "TONE", "tone:x", "tone:0", "a\0b", "x" * 5000),
        *("say:", "say: ", "loop:", "loop:nowhere.ogg", "loop:tone"),
        *("tone:440:0", "tone:440:2h", "tone:440:soon", "tone:440:1s:2", "tone:440:nan"),
    ],
)
def test_what_can_not_be_played_says_what_can(folder: Path, named: str) -> None:
    if named == "tone:":
        assert source(named, folder, "audio") == Tone()
        return
    with pytest.raises(
        SourceError, match=r"N, echo, say:TEXT, none|like tone:440|something to say"
    ) as raised:
        source(named, folder, "audio")
    assert "pattern" not in str(raised.value)
    assert len(str(raised.value)) < 350


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize("word", ["silence", "tone", "tone:300", "pattern", "echo"])
def test_what_is_offered_for_a_kind_is_what_gives_it(folder: Path, kind: Kind, word: str) -> None:
    name = word.partition(":")[0]
    offered = [one.partition(":")[0] for one in names(kind)]
    if name in offered:
        found = source(word, folder, kind)
        assert found is not None
        assert kind in found.kinds
        return
    with pytest.raises(SourceError, match=f"^'{word}' has no {kind}: give ") as raised:
        source(word, folder, kind)
    assert name not in str(raised.value).partition(": give ")[2]


@pytest.mark.parametrize("frequency", [20, 3400])
def test_the_limits_of_a_tone_are_those_that_are_named(folder: Path, frequency: int) -> None:
    assert source(f"tone:{frequency}", folder, "audio") == Tone(frequency)
    beyond = 19 if frequency == 20 else 3401
    with pytest.raises(SourceError, match="from 20 to 3400, like tone:440"):
        source(f"tone:{beyond}", folder, "audio")


@pytest.mark.parametrize("named", [5, 5.5, b"tone", True, object()])
def test_what_names_nothing_is_of_the_wrong_type(folder: Path, named: Any) -> None:
    with pytest.raises(TypeError, match="can't be played: give a source, its name, or a file"):
        source(named, folder, "audio")


#: What is wrong in a list, and the words for it.
NOT_IN_A_LIST: list[tuple[Any, type[Exception], str]] = [
    (None, SourceError, "there is None in the list, which plays nothing"),
    ("none", SourceError, "there is 'none' in the list, which plays nothing"),
    (["tone"], TypeError, "there is a list in the list"),
    (("tone:90:1s", "tone"), TypeError, "there is a list in the list"),
    (5, TypeError, "int can't be played"),
    (Tone, TypeError, "Tone is a class, which can't be played: make one, like Tone(…)"),
]


@pytest.mark.parametrize(("wrong", "kind", "words"), NOT_IN_A_LIST)
@pytest.mark.parametrize("before", [[], ["tone:90:1s"]])
def test_what_plays_nothing_has_no_place_in_a_list(
    folder: Path, wrong: Any, kind: type[Exception], words: str, before: list[Any]
) -> None:
    with pytest.raises(kind, match=re.escape(words)):
        source([*before, wrong], folder, "audio")


def test_a_class_is_no_source(folder: Path) -> None:
    with pytest.raises(TypeError, match="ClockPattern is a class"):
        source(ClockPattern, folder, "video")  # type: ignore[arg-type]


PEOPLE: list[Source] = [
    *(Silence(), Tone(), ClockPattern(), Echo(), Feed(), VideoFeed()),
    Drawing(lambda _: np.zeros((16, 16, 3), np.uint8), 16, 16),
]


@pytest.mark.parametrize("shown", PEOPLE, ids=str)
def test_a_sentence_for_people_names_a_source_and_not_its_fields(
    folder: Path, shown: Source
) -> None:
    kind: Kind = "video" if "audio" in shown.kinds else "audio"
    name = type(shown).__name__
    assert str(shown) == name
    assert str(Playlist((shown,))) == name
    if kind not in shown.kinds:
        with pytest.raises(SourceError, match=f"^{name} has no {kind}: give "):
            source(shown, folder, kind)


class Own(Source):
    """A source of a bot author's that is right."""

    kinds = frozenset({"audio"})
    repeats = False

    def encode(self, kind: Kind, codec: str) -> Any:
        return iter(())


async def never(*_: Any) -> None:
    """Would have to be awaited."""


NOT_RIGHT: dict[str, tuple[dict[str, Any], str]] = {
    "no kinds": ({"kinds": None}, "kinds = frozenset"),
    "kinds of another type": ({"kinds": ["audio"]}, r"kinds = frozenset.*it is \['audio'\]"),
    "a word": ({"kinds": "audio"}, "kinds = frozenset"),
    "none at all": ({"kinds": frozenset()}, "kinds = frozenset"),
    "unknown kinds": ({"kinds": {"smell"}}, "kinds = frozenset"),
    "repeats": ({"repeats": "no"}, "set True or False in the class"),
    "unhashable": ({"__eq__": lambda *_: True, "__hash__": None}, "make it a frozen dataclass"),
    "can't be hashed": ({"__hash__": lambda _: 1 // 0}, "make it a frozen dataclass"),
    "encode": ({"encode": never}, "encode is async, so it would never run"),
    "check": ({"check": never}, "check is async, so it would never run"),
}


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("wrong", NOT_RIGHT)
def test_a_source_of_an_authors_own_is_looked_at_where_it_is_named(
    folder: Path, wrong: str, listed: bool
) -> None:
    members, words = NOT_RIGHT[wrong]
    found: Any = type("Level", (Own,), members)()
    if wrong == "no kinds":
        found = type("Level", (Source,), {"encode": Own.encode})()
    with pytest.raises(TypeError, match=f"^Level.*{words}"):
        source([found] if listed else found, folder, "audio")


def test_what_is_right_of_an_authors_own_is_taken(folder: Path) -> None:
    later = type("Later", (Own,), {"kinds": property(lambda _: frozenset({"audio"}))})
    own: list[Any] = [Own(), later()]
    for right in own:
        assert source(right, folder, "audio") == right
        assert source((right, Tone()), folder, "audio") is not None


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
        with pytest.raises(SourceError, match=f"^'{named}' has no {kind}: give "):
            await find_source(named, folder, kind)

    run(main)


@pytest.mark.parametrize("named", [None, "none", "silence", "tone", "tone:440", "echo"])
def test_what_reads_nothing_needs_no_thread(folder: Path, named: str | None) -> None:
    """A call is answered the sooner."""
    finding = find_source(named, folder, "audio")
    with pytest.raises(StopIteration) as done:
        finding.send(None)
    assert done.value.value == source(named, folder, "audio")


@pytest.mark.parametrize("named", ["hello.wav", "loop:hello.wav", "say:hello", "tones"])
def test_what_may_block_is_found_in_a_thread(run: Run, folder: Path, named: str) -> None:
    async def main() -> None:
        finding = asyncio.ensure_future(find_source(named, folder, "audio"))
        await asyncio.sleep(0)
        assert not finding.done()
        await asyncio.wait({finding})
        finding.exception()

    run(main)
