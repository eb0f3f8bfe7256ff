"""A ladder as a picture (SVG), for light and dark pages."""

import textwrap
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from .ladder import Ladder, Rung
from .text import stamp, when

#: Pixels: the whole picture, its lines of life, and one row.
WIDTH = 880
_OWN, _PEER = 90, 850
_ROW = 26
_TOP = 92
#: Pixels that a character of 13 px takes in the fonts below, and of 12 px.
_CHARACTER, _SMALL = 7.85, 7.25
_MIDDLE = (_OWN + _PEER) / 2
#: Characters of a line between the two lines of life, and under the ladder.
_INSIDE = int((_PEER - _OWN - 60) / _CHARACTER)
_FOOT = int((WIDTH - 40) / _CHARACTER)

#: The colours and fonts of the picture.
STYLE = """
.ladder { color-scheme: light dark;
  --ground: #fff; --text: #1b1f24; --soft: #5b6470; --rule: #c9d0d8;
  --stanza: #1b1f24; --ice: #0b7285; --dtls: #3b5bdb; --media: #0b7a3e; --keyframe: #862e9c;
  --quality: #8a5a00; --stream: #8a5a00; --state: #1b1f24; --bad: #b3261e; --good: #0b7a3e; }
@media (prefers-color-scheme: dark) { .ladder { --ground: #14171a; --text: #e8eaed; --soft: #a2abb5;
  --rule: #434b54; --stanza: #e8eaed; --ice: #66d9e8; --dtls: #91a7ff; --media: #6ed69a;
  --keyframe: #e599f7; --quality: #f3c26b; --stream: #f3c26b; --state: #e8eaed; --bad: #ff8f86;
  --good: #6ed69a; } }
.ladder text { font: 13px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--text); }
.ladder .ground { fill: var(--ground); }
.ladder .head { font-weight: 700; }
.ladder .soft, .ladder .at { fill: var(--soft); font-size: 12px; }
.ladder .at { text-anchor: end; }
.ladder .end { text-anchor: end; }
.ladder .middle { text-anchor: middle; }
.ladder .life { stroke: var(--rule); stroke-width: 2; }
.ladder line.arrow { stroke: var(--ink); stroke-width: 1.5; }
.ladder .flow line.arrow { stroke-width: 3.5; }
.ladder .tip, .ladder .dot { fill: var(--ink); }
.ladder g text.words { fill: var(--ink); }
.ladder .halo { fill: var(--ground); }
"""


def svg(ladder: Ladder, *, style: bool = True) -> str:
    """Draw a ladder.

    Pointing at a stanza shows its XML. The picture takes the colours that its reader prefers.

    Args:
        ladder: what to draw.
        style: whether the picture has `STYLE` in it; a page with several has it once.

    Returns:
        An SVG document.
    """
    parts: list[str] = []
    at = float(_TOP)
    for number, rung in enumerate(ladder.rungs):
        if ladder.left_out and number == ladder.gap:
            words = f"⋮ {ladder.left_out} more were not kept ⋮"
            parts.append(_text(_MIDDLE, at + 4, words, "soft middle"))
            at += _ROW
        drawn, height = _rung(rung, at)
        parts.append(drawn)
        at += height
    lives = "".join(
        f'<line class="life" x1="{x}" y1="{_TOP - 22}" x2="{x}" y2="{at - 8}"/>'
        for x in (_OWN, _PEER)
    )
    cause = textwrap.wrap(ladder.cause or "The call goes on.", _FOOT)
    at += 22
    foot = "".join(
        _text(20, at + 20 * number, line, "head words") for number, line in enumerate(cause)
    )
    height = at + 20 * len(cause)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ladder" width="{WIDTH}" '
        f'height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
        f"aria-label={quoteattr(_clean(f'Ladder of call {ladder.id}: {ladder.cause}'))}>"
    )
    return "\n".join(
        (
            opening,
            f"<style>{STYLE}</style>" if style else "",
            f'<rect class="ground" width="{WIDTH}" height="{height}" rx="10"/>',
            *_head(ladder),
            lives,
            *parts,
            f'<g style="--ink: var(--{_mood(ladder)})">{foot}</g>',
            "</svg>",
            "",
        )
    )


def _mood(ladder: Ladder) -> str:
    return {"completed": "good", "running": "text"}.get(ladder.state, "bad")


def _head(ladder: Ladder) -> Iterator[str]:
    room = int(_FOOT * _CHARACTER / _SMALL)
    yield _text(20, 28, _cut(f"Call {ladder.id}: {ladder.state}", _FOOT), "head")
    yield _text(20, 47, _cut(f"{when(ladder)}, record {ladder.uuid}", room), "soft")
    half = int((WIDTH - 40) / _CHARACTER / 2) - 1
    yield _text(20, 66, _cut(ladder.account, half), "head")
    yield _text(WIDTH - 20, 66, _cut(ladder.peer, half), "head end")


def _rung(rung: Rung, at: float) -> tuple[str, float]:
    """Draw a rung; return it with its height."""
    words = rung.text + (f" x {rung.times}" if rung.times > 1 else "")
    bad = rung.text.startswith(("error", "failed", "no answer"))
    answer = rung.text.startswith("result")
    ink = "bad" if bad else "soft" if answer else rung.kind
    flow = ' class="flow"' if rung.way and rung.kind != "stanza" else ""
    title = f"<title>{escape(_clean(rung.xml))}</title>" if rung.xml else ""
    time = _text(_OWN - 14, at + 4, f"{stamp(rung)} s", "at")
    if rung.way:
        lines = [_cut(words, _INSIDE)]
        drawn = _arrow(rung.way, at) + _on_line(rung.way, lines[0], at)
    else:
        lines = textwrap.wrap(words, _INSIDE - 2) or [""]
        drawn = f'<circle class="dot" cx="{_OWN}" cy="{at}" r="4"/>' + "".join(
            _text(_OWN + 16, at + 4 + 18 * number, line, "words")
            for number, line in enumerate(lines)
        )
    group = f'<g{flow} style="--ink: var(--{ink})">{title}{drawn}</g>'
    return time + group, _ROW + 18 * (len(lines) - 1)


def _arrow(way: str, at: float) -> str:
    tip = _PEER - 2 if way == "out" else _OWN + 2
    back = -9 if way == "out" else 9
    return (
        f'<line class="arrow" x1="{_OWN + 4}" y1="{at}" x2="{_PEER - 4}" y2="{at}"/>'
        f'<path class="tip" d="M{tip} {at} l{back} -5.5 v11 z"/>'
    )


def _on_line(way: str, words: str, at: float) -> str:
    """Put words on an arrow, where it begins."""
    width = len(words) * _CHARACTER + 12
    left = _OWN + 14 if way == "out" else _PEER - 14 - width
    return (
        f'<rect class="halo" x="{left:.1f}" y="{at - 9}" width="{width:.1f}" height="18"/>'
        + _text(left + width / 2, at + 4, words, "words middle")
    )


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(_clean(words))}</text>'


def _clean(words: str) -> str:
    """Return words without what XML can't have in it (XML 1.0 §2.2), or nobody sees."""
    return words if words.isprintable() else "".join(c if c.isprintable() else "?" for c in words)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
