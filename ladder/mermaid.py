"""A ladder as a Mermaid sequence diagram, for pages and issues that draw those."""

from collections.abc import Iterator

from .ladder import Ladder, Rung
from .text import when

#: What has a meaning of its own in a line of Mermaid, or in the HTML that is made of it. The code
#: is Mermaid's own way to write a character.
_ESCAPES = {ord(c): f"#{ord(c)};" for c in '#;"<>&`\\{}%'}


def mermaid(ladder: Ladder) -> Iterator[str]:
    """Draw a ladder, a line at a time.

    Args:
        ladder: what to draw.
    """
    yield "sequenceDiagram"
    yield f"    participant us as {_words(ladder.account)}"
    yield f"    participant peer as {_words(ladder.peer)}"
    yield f"    Note over us,peer: Call {_words(f'{ladder.id}: {ladder.state}, {when(ladder)}')}"
    for number, rung in enumerate(ladder.rungs):
        if ladder.left_out and number == ladder.gap:
            yield f"    Note over us,peer: {ladder.left_out} more were not kept"
        yield f"    {_line(rung)}"
    yield f"    Note over us,peer: {_words(ladder.cause or 'The call goes on.')}"


def _line(rung: Rung) -> str:
    times = f" x {rung.times}" if rung.times > 1 else ""
    words = _words(f"{rung.at:.3f} s  {rung.text}{times}")
    if not rung.way:
        return f"Note over us: {words}"
    answers = rung.text.startswith(("result", "error"))
    arrow = "-->>" if answers else "->>"
    first, second = ("us", "peer") if rung.way == "out" else ("peer", "us")
    return f"{first}{arrow}{second}: {words}"


def _words(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text).translate(_ESCAPES)
