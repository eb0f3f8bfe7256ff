"""Tables of the report, as HTML."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from .metric import METRICS
from .totals import Totals
from .verdict import shown

PARTS = ("min", "p05", "p50", "p95", "p99", "max")


class Cell(NamedTuple):
    """A cell: its HTML, and its class (``number``, ``good``, ``bad``, ``soft`` or none)."""

    html: str
    kind: str = ""


def words(text: str, kind: str = "") -> Cell:
    """Return a cell with text."""
    return Cell(escape(text), kind)


def code(text: str) -> Cell:
    """Return a cell with a name of the field."""
    return Cell(f"<code>{escape(text)}</code>")


def number(value: float | None, unit: str = "") -> Cell:
    """Return a cell with a number; an empty one where there is none."""
    return Cell("" if value is None else escape(shown(value, unit)), "number")


def table(title: str, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table; nothing if it has no rows.

    Args:
        title: what it shows, for those who do not see it.
        head: the names of its columns.
        rows: its cells.
    """
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    if not body:
        return ""
    # What scrolls sideways must be reached by keyboard too.
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(title)}"><table>'
        f"<thead><tr>{_cells('th', head)}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def distributions(title: str, measured: Totals, names: Iterable[str]) -> str:
    """Return a table with a row for each of these metrics that was measured."""
    rows = []
    for name in names:
        count = measured.value(name, "count")
        if count:
            unit = METRICS[name].unit
            cells = (number(measured.value(name, part), unit) for part in PARTS)
            rows.append((code(name), number(count), *cells, words(METRICS[name].meaning)))
    columns = (Cell(part, "number") for part in ("values", *PARTS))
    return table(title, (Cell("metric"), *columns, Cell("what it is")), rows)


def counters(title: str, measured: Totals) -> str:
    """Return a table with a row for each counter that is not 0."""
    rows = (
        (code(name), number(measured.counters[name]), words(metric.meaning))
        for name, metric in METRICS.items()
        if metric.kind == "counter" and measured.counters[name]
    )
    return table(title, (Cell("counter"), Cell("value", "number"), Cell("what it is")), rows)


def _cells(tag: str, row: Sequence[Cell]) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return "".join(
        f'<{tag}{scope} class="{cell.kind}">{cell.html}</{tag}>'
        if cell.kind
        else f"<{tag}{scope}>{cell.html}</{tag}>"
        for cell in row
    )
