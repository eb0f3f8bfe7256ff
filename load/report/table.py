"""Tables of the report."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..measure.metric import METRICS
from ..measure.totals import Totals
from ..run.verdict import shown

PARTS = ("min", "p05", "p50", "p95", "p99", "max")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; the page's template escapes what is in it.

    Attributes:
        text: what stands in it.
        kind: its class in CSS: ``number``, ``good``, ``bad`` or none; several with spaces between.
        code: whether the text is a name of the field.
        note: what follows in smaller letters.
    """

    text: str
    kind: str = ""
    code: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        title: what it shows, for those who do not see it.
        head: the names of its columns.
        rows: its cells.
    """

    title: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


def number(value: float | None, unit: str = "") -> Cell:
    """Return a cell with a number; an empty one where there is none."""
    return Cell("" if value is None else shown(value, unit), "number")


def distributions(title: str, measured: Totals, names: Iterable[str]) -> Table:
    """Return a table with a row for each of these metrics that was measured."""
    rows = []
    for name in names:
        count = measured.value(name, "count")
        if count:
            unit = METRICS[name].unit
            cells = (number(measured.value(name, part), unit) for part in PARTS)
            meaning = Cell(METRICS[name].meaning)
            rows.append((Cell(name, code=True), number(count), *cells, meaning))
    columns = (Cell(part, "number") for part in ("values", *PARTS))
    return Table(title, (Cell("metric"), *columns, Cell("what it is")), rows)


def counters(title: str, measured: Totals) -> Table:
    """Return a table with a row for each counter that is not 0."""
    rows = [
        (Cell(name, code=True), number(measured.counters[name]), Cell(metric.meaning))
        for name, metric in METRICS.items()
        if metric.kind == "counter" and measured.counters[name]
    ]
    return Table(title, (Cell("counter"), Cell("value", "number"), Cell("what it is")), rows)
