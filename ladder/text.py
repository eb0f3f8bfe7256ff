"""A ladder as text, 80 columns wide."""

import textwrap
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, repeat

from .cause import duration
from .ladder import Kind, Ladder, Rung

WIDTH = 80
#: Columns of the time before the first line of life.
_TIME = 9
#: Columns between the two lines of life.
_INSIDE = WIDTH - _TIME - 3

#: How each kind is coloured on a terminal (ECMA-48 §8.3.117).
_COLOURS: dict[Kind, str] = {
    "stanza": "",
    "ice": "36",
    "dtls": "34",
    "media": "32",
    "keyframe": "35",
    "quality": "33",
    "stream": "33",
    "state": "1",
}
_BAD = "31"
_SOFT = "2"
#: What stands for the signs above where they can't be shown.
ASCII = str.maketrans("│─═▶◀↔→←⋮…•", "|-=><-><:.*")


def text(ladder: Ladder, *, colours: bool = False) -> Iterator[str]:
    """Draw a ladder, a line at a time.

    Args:
        ladder: what to draw.
        colours: whether a terminal shows it.
    """
    painted = _Painter(colours)
    yield from _head(ladder, painted)
    for number, rung in enumerate(ladder.rungs):
        if ladder.left_out and number == ladder.gap:
            yield painted(gap_words(ladder), _SOFT)
        yield from _rung(rung, painted)
    yield ""
    cause = _wrapped(_printable(ladder.cause) or "the call goes on", WIDTH - 5)
    yield from (f"{before}{line}" for before, line in zip(_before("Why: "), cause, strict=False))


def gap_words(ladder: Ladder) -> str:
    """Return what stands where rungs are left out."""
    what = "thing that happened" if ladder.left_out == 1 else "things that happened"
    return f"{'⋮':>{_TIME + 1}} {ladder.left_out} {what} here were not kept"


def when(ladder: Ladder) -> str:
    """Return when the call was, and for how long."""
    began = datetime.fromtimestamp(ladder.began, UTC).isoformat(" ", "milliseconds")
    length = duration(ladder.seconds)
    return f"{began.replace('+00:00', '')} UTC, {length}"


def stamp(rung: Rung) -> str:
    """Return when a rung was, in seconds, with as many digits as a column has room for."""
    return f"{rung.at:.3f}" if rung.at < 10_000 else f"{rung.at:.0f}"


class _Painter:
    def __init__(self, colours: bool) -> None:
        self._colours = colours

    def __call__(self, words: str, colour: str) -> str:
        return f"\x1b[{colour}m{words}\x1b[0m" if self._colours and colour and words else words


def _head(ladder: Ladder, painted: _Painter) -> Iterator[str]:
    yield _fitting(f"Call {_printable(ladder.id)}: {_printable(ladder.state)}", WIDTH)
    yield _fitting(f"{when(ladder)}, record {_printable(ladder.uuid)}", WIDTH)
    yield ""
    half = _INSIDE // 2
    own, peer = _printable(ladder.account), _printable(ladder.peer)
    own = _fitting(own, half)
    peer = _fitting(peer, _INSIDE - _cells(own))
    space = " " * (_INSIDE + 2 - _cells(own) - _cells(peer))
    yield painted(f"{'s':>{_TIME - 1}} {own}{space}{peer}", "1")


def _rung(rung: Rung, painted: _Painter) -> Iterator[str]:
    words = _printable(rung.text) + (f" x {rung.times}" if rung.times > 1 else "")
    colour = _colour(rung)
    lines = _wrapped(words if rung.way else f"• {words}", _INSIDE - 6)
    if rung.way:
        drawn = [*(f"   {line}" for line in lines[:-1]), _arrow(rung, lines[-1])]
    else:
        drawn = [f"   {'  ' if number else ''}{line}" for number, line in enumerate(lines)]
    for before, line in zip(_before(f"{stamp(rung):>{_TIME - 1}} "), drawn, strict=False):
        yield f"{before}│{painted(line + ' ' * (_INSIDE - _cells(line)), colour)}│"


def _arrow(rung: Rung, words: str) -> str:
    line = ("─" if rung.kind == "stanza" else "═") * (_INSIDE - _cells(words) - 4)
    return f" {words} {line}▶ " if rung.way == "out" else f" ◀{line} {words} "


def _before(first: str) -> Iterator[str]:
    """Give what stands before each line of several, the first of which has something."""
    return chain([first], repeat(" " * len(first)))


def _wrapped(words: str, columns: int) -> list[str]:
    """Return words on as many lines as they need; at least one, be it empty."""
    if _cells(words) > len(words):  # some take two columns, which textwrap does not know
        columns //= 2
    return textwrap.wrap(words, columns) or [""]


def _colour(rung: Rung) -> str:
    if rung.text.startswith(("error", "failed", "no answer")):
        return _BAD
    if rung.kind == "stanza" and rung.text.startswith("result"):
        return _SOFT
    return _COLOURS[rung.kind]


def _printable(words: str) -> str:
    """Return words without what would act on a terminal."""
    return words if words.isprintable() else "".join(c if c.isprintable() else "?" for c in words)


def _cells(words: str) -> int:
    """Return how many columns words take."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in words)


def _fitting(words: str, columns: int) -> str:
    if _cells(words) <= columns:
        return words
    while _cells(words) > columns - 1:
        words = words[:-1]
    return f"{words}…"
