"""What options and arguments may be, said in our own words if they are something else."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

N = TypeVar("N", int, float)


def whole(least: int | None = None, most: int | None = None) -> Callable[[object], int]:
    """Return what reads a whole number.

    Args:
        least: the smallest that may be given.
        most: the largest.
    """

    def read(value: object) -> int:
        text = str(value)
        try:
            found = int(text, 10)
        except ValueError:  # no number, or one of thousands of digits
            raise typer.BadParameter(_wrong(text, "a whole number", least, most)) from None
        return _within(found, text, "a whole number", least, most)

    return read


def number(least: float | None = None, most: float | None = None) -> Callable[[object], float]:
    """Return what reads a number, such as one of seconds.

    Args:
        least: the smallest that may be given.
        most: the largest.
    """

    def read(value: object) -> float:
        text = str(value)
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise typer.BadParameter(_wrong(text, "a number", least, most))
        return _within(found, text, "a number", least, most)

    return read


def one_of(*choices: str) -> Callable[[object], str]:
    """Return what reads one of a few words.

    Args:
        choices: the words.
    """

    def read(value: object) -> str:
        text = str(value)
        if text not in choices:
            words = f"{', '.join(choices[:-1])} or {choices[-1]}"
            raise typer.BadParameter(f"{_shown(text)}: give {words}")
        return text

    return read


def text(value: object) -> str:
    """Read the text of an option, which must not be empty."""
    return _filled(value, "give something, or leave it out")


def needed(value: object) -> str:
    """Read the text of an argument, which must be there and not be empty."""
    return _filled(value, "give something")


def _filled(value: object, instead: str) -> str:
    found = str(value)
    if not found:
        raise typer.BadParameter(f"it is empty: {instead}")
    return found


def is_file(name: str) -> bool:
    """Tell whether there is a file of a name; of one that no file can have, there is none."""
    try:
        return Path(name).is_file()
    except OSError:  # it is too long
        return False


def _within(found: N, text: str, what: str, least: float | None, most: float | None) -> N:
    if (least is not None and found < least) or (most is not None and found > most):
        raise typer.BadParameter(_wrong(text, what, least, most))
    return found


def _wrong(text: str, what: str, least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        what += f" from {least:,} to {most:,}"
    elif least is not None:
        what += f" of at least {least:,}"
    return f"{_shown(text)}: give {what}"


def _shown(text: str) -> str:
    return "it is empty" if not text else repr(text if len(text) <= 60 else f"{text[:59]}…")
