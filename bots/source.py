"""What a bot plays, as options and calls name it in words."""

from functools import partial
from pathlib import Path

from ..media import (
    READERS,
    ClockPattern,
    Echo,
    FileSource,
    Kind,
    Silence,
    Source,
    SourceError,
    Tone,
)

#: A source, its name in words, or None for nothing.
Playable = Source | str | Path | None


def source(playable: Playable, folder: Path) -> Source | None:
    """Return the source that a name stands for, once it is known that it can be played.

    It reads the file where the name is one, and so may block: see `find_source`.

    Args:
        playable: ``silence``, ``tone``, ``tone:FREQUENCY`` in hertz, ``pattern`` (a moving clock),
            ``echo``, a file's path, a source, or None or ``none`` for nothing.
        folder: where a relative path begins.

    Raises:
        SourceError: the frequency is no number, or there is no such file, or it can't be played.
        TypeError: it is none of these.
    """
    found = _named(playable, folder)
    if found is not None:
        found.check()
    return found


def _named(playable: Playable, folder: Path) -> Source | None:
    if playable is None or isinstance(playable, Source):
        return playable
    if not isinstance(playable, str | Path):
        raise TypeError(  # what a type checker would say
            f"{type(playable).__name__} can't be played: give a source, its name, or a file's path"
        )
    name, _, argument = str(playable).partition(":")
    match name:
        case "none":
            return None
        case "silence":
            return Silence()
        case "pattern":
            return ClockPattern()
        case "echo":
            return Echo()
        case "tone":
            try:
                return Tone(int(argument)) if argument else Tone()
            except ValueError as error:
                raise SourceError(f"{playable!r}: write tone:440 for 440 Hz ({error})") from None
    path = folder / playable
    if not _is_file(path):
        raise SourceError(
            f"{str(playable)!r} is not a file in {folder}, nor one of silence, tone, "
            "tone:FREQUENCY, pattern, echo"
        )
    return FileSource(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a NUL in it
        return False


async def find_source(playable: Playable, folder: Path, kind: Kind) -> Source | None:
    """Return the source that a name stands for, without blocking the loop.

    Args:
        playable: see `source`.
        folder: where a relative path begins.
        kind: what it has to give: "audio" or "video".

    Raises:
        SourceError: there is none, or it has none of this kind.
        TypeError: it is nothing that can be played.
    """
    found = await READERS.run(partial(source, playable, folder))
    if found is not None and kind not in found.kinds:
        raise SourceError(f"{playable} has no {kind}: play something with {kind}")
    return found
