"""What a bot plays, as options and calls name it in words."""

from pathlib import Path

from ..media import Echo, FileSource, Silence, Source, TestPattern, Tone

#: A source, its name in words, or None for nothing.
Playable = Source | str | Path | None


class SourceError(ValueError):
    """A name that is no source; the message says which there are."""


def source(playable: Playable, folder: Path) -> Source | None:
    """Return the source that a name stands for.

    It looks at the file where the name is one, and so may block: call it off the loop.

    Args:
        playable: ``silence``, ``tone``, ``tone:FREQUENCY`` in hertz, ``pattern`` (a moving clock),
            ``echo``, a file's path, a source, or None or ``none`` for nothing.
        folder: where a relative path begins.

    Raises:
        SourceError: the frequency is no number, or there is no such file.
    """
    if playable is None or isinstance(playable, Source):
        return playable
    name, _, argument = str(playable).partition(":")
    match name:
        case "none":
            return None
        case "silence":
            return Silence()
        case "pattern":
            return TestPattern()
        case "echo":
            return Echo()
        case "tone":
            try:
                return Tone(int(argument)) if argument else Tone()
            except ValueError as error:
                raise SourceError(f"{playable!r}: write tone:440 for 440 Hz ({error})") from None
    try:
        return FileSource(folder / playable)
    except OSError:
        raise SourceError(
            f"{str(playable)!r} is no file in {folder}, and none of silence, tone, tone:FREQUENCY, "
            "pattern, echo"
        ) from None
