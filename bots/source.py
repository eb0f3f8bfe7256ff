"""What a bot plays, as options and calls name it in words."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

from .. import media
from ..config.duration import parse_duration
from ..config.error_sentence import describe
from ..media import READERS, Kind, LiveSource, Source, SourceError, is_async, shown

#: A source, its name in words, several of these in a list, or None for nothing.
Playable = Source | str | Path | Sequence[Source | str | Path] | None

#: What has a name of its own; each is loaded when it is first wanted.
_NAMES: Mapping[str, Callable[[], type[Source]]] = {
    "silence": lambda: media.Silence,
    "tone": lambda: media.Tone,
    "pattern": lambda: media.ClockPattern,
    "echo": lambda: media.Echo,
}
_AT_HAND = frozenset({"none", "silence", "tone", "echo"})
_SPELLINGS = {
    "tone": ("tone", "tone:FREQUENCY", "tone:FREQUENCY:DURATION"),
    "say": ("say:TEXT",),
}


def names(kind: Kind) -> list[str]:
    """Return the names of what gives a kind of media, as people write them.

    Args:
        kind: "audio" or "video".
    """
    sources = {name: found() for name, found in _NAMES.items()} | {"say": media.SpokenText}
    fitting = (name for name, found in sources.items() if kind in found.kinds)
    return [spelling for name in fitting for spelling in _SPELLINGS.get(name, (name,))]


def has_name(text: str) -> bool:
    """Return whether a text names a source of its own, and no file.

    Args:
        text: as people write it.
    """
    return _by_name(text) is not None


def source(playable: Playable, folder: Path, kind: Kind, times: int | None = 1) -> Source | None:
    """Return the source that a name stands for, once it is known that it can be played.

    It reads the file where the name is one, and so may block: see `find_source`.

    Args:
        playable: ``silence``, ``tone``, ``tone:FREQUENCY`` in hertz, ``tone:FREQUENCY:DURATION``
            like ``tone:440:500ms``, ``say:TEXT``, ``pattern`` (a moving clock), ``echo``, a file's
            path, ``loop:PATH``, a source, a list of these, or None or ``none`` for nothing.
        folder: where a relative path begins.
        kind: what it has to give: "audio" or "video".
        times: how often it is played; None: for ever.

    Raises:
        SourceError: there is none, it can't be played, or it has none of this kind. The sentence
            says what can be given instead.
        TypeError: it is none of these.
    """
    found = _found(playable, folder, kind)
    if found is None:
        return None
    if times is None and isinstance(found, media.FileSource):
        found = replace(found, loop=True)  # which does more than to begin again
    if times != 1 and not (found.repeats and not isinstance(found, LiveSource)):
        listed = found.sources if isinstance(found, media.Playlist) else (found,)
        found = media.Playlist(listed, times)
    found.check()
    if kind not in found.kinds:
        raise SourceError(f"{_shown(playable)} has no {kind}: give {_choice(kind)}")
    return found


def _found(playable: Playable, folder: Path, kind: Kind) -> Source | None:
    if not isinstance(playable, list | tuple):
        return _named(playable, folder, kind)
    return media.Playlist(tuple(_listed(each, folder, kind) for each in playable))


def _listed(playable: object, folder: Path, kind: Kind) -> Source:
    if isinstance(playable, list | tuple):
        raise TypeError("there is a list in the list: give its items one after the other")
    found = _named(playable, folder, kind)
    if found is None:
        raise SourceError(
            f"there is {playable!r} in the list, which plays nothing: leave it out, or give "
            "silence in its place"
        )
    return found


def _named(playable: object, folder: Path, kind: Kind) -> Source | None:
    if playable is None:
        return None
    if isinstance(playable, Source):
        _check_class(playable)
        return playable
    if isinstance(playable, type) and issubclass(playable, Source):
        name = playable.__name__
        raise TypeError(f"{name} is a class, which can't be played: make one, like {name}(…)")
    if not isinstance(playable, str | Path):
        raise TypeError(  # what a type checker would say
            f"{type(playable).__name__} can't be played: give a source, its name, or a file's path"
        )
    if (make := _by_name(str(playable))) is not None:
        return make()
    path, loop = folder / playable, False
    name, colon, rest = str(playable).partition(":")
    if colon and name == "loop" and not _is_file(path):
        path, loop = folder / rest, True
    if not _is_file(path):
        raise SourceError(f"{_shown(playable)} is not a file in {folder}: give {_choice(kind)}")
    return media.FileSource(path, loop)


def _by_name(text: str) -> Callable[[], Source | None] | None:
    """Find what makes the source that a name stands for; None: it is no name, but a path."""
    if text == "none":
        return lambda: None
    if text in _NAMES:
        return partial(_make, text)
    name, colon, rest = text.partition(":")
    return partial(_READ[name], rest) if colon and name in _READ else None


def _make(name: str) -> Source:
    return _NAMES[name]()()


def _check_class(found: Source) -> None:
    """See that a source of a bot author's own can be asked what it has, and be shared."""
    name = type(found).__name__
    kinds = inspect.getattr_static(found, "kinds", None)
    is_set = isinstance(kinds, AbstractSet) and bool(kinds) and kinds <= set(get_args(Kind))
    if not is_set and not inspect.isdatadescriptor(kinds):
        is_now = "" if kinds is None else f" (it is {shown(kinds)})"
        raise TypeError(
            f"{name}.kinds says what it has: set kinds = frozenset({{'audio'}}) in the class, or "
            f"'video', or both{is_now}"
        )
    repeats = inspect.getattr_static(found, "repeats")
    if not isinstance(repeats, bool) and not inspect.isdatadescriptor(repeats):
        raise TypeError(
            f"{name}.repeats says whether it starts again at its end: set True or False in the "
            f"class (it is {shown(repeats)})"
        )
    for method in ("encode", "encode_from", "check", "open", "open_at"):
        if is_async(getattr(found, method)):
            raise TypeError(f"{name}.{method} is async, so it would never run: begin it with 'def'")
    try:
        hash(found)
    except Exception:
        raise TypeError(
            f"{name} can't be hashed, but equal sources share one encoding: make it a frozen "
            "dataclass of what decides what it gives, in tuples in the place of lists"
        ) from None


def _tone(text: str) -> "media.Tone":
    frequency, _, duration = text.partition(":")
    try:
        hertz = int(frequency) if frequency else media.Tone.frequency
        return media.Tone(hertz, seconds=parse_duration(duration) if duration else None)
    except ValueError:
        raise SourceError(
            f"{describe(f'tone:{text}')} is no tone: give a whole number of hertz from 20 to 3400, "
            "like tone:440, and if it has an end a duration from 20ms to 1h, like tone:440:500ms"
        ) from None


def _spoken(text: str) -> "media.SpokenText":
    try:
        return media.SpokenText(text.strip())
    except ValueError as error:
        raise SourceError(f"{describe(f'say:{text}')} can't be said: {error}") from None


#: What begins with a name and a colon.
_READ: Mapping[str, Callable[[str], Source]] = {"tone": _tone, "say": _spoken}


def _choice(kind: Kind) -> str:
    return f"{', '.join(names(kind))}, none, the path of a file with {kind}, or loop:PATH"


def _shown(playable: object) -> str:
    return str(playable) if isinstance(playable, Source) else describe(str(playable))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a NUL in it
        return False


async def find_source(
    playable: Playable, folder: Path, kind: Kind, times: int | None = 1
) -> Source | None:
    """Return the source that a name stands for, without blocking the loop.

    Args:
        playable: see `source`.
        folder: where a relative path begins.
        kind: what it has to give: "audio" or "video".
        times: how often it is played; None: for ever.

    Raises:
        SourceError: see `source`.
        TypeError: it is nothing that can be played.
    """
    if _is_at_hand(playable):
        return source(playable, folder, kind, times)
    return await READERS.run(partial(source, playable, folder, kind, times))


def _is_at_hand(playable: Playable) -> bool:
    """Tell whether nothing is read or asked to make a source, which then needs no thread."""
    if not isinstance(playable, str):
        return playable is None
    return playable in _AT_HAND or playable.startswith("tone:")


async def find_music(playable: Playable, folder: Path) -> Source | None:
    """Return what is played again and again to who is on hold, without blocking the loop.

    Args:
        playable: see `source`.
        folder: where a relative path begins.

    Raises:
        SourceError: see `source`.
        TypeError: it is nothing that can be played.
    """
    found = await find_source(playable, folder, "audio")
    if found is None or found.repeats or isinstance(found, LiveSource):
        return found
    return media.Playlist(found.sources if isinstance(found, media.Playlist) else (found,), None)
