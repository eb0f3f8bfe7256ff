"""What is told of a load run, as tables: while it is seen, and by ``callboard status``."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from ...config.duration import in_words
from ...control.models.load import LoadError, LoadRate, LoadTime
from .printable import printable

#: What the times are called.
TIMES = {
    "login": "login",
    "call.setup": "call setup",
    "call.media": "first media",
    "message.delivery": "message delivery",
    "message.receipt": "message receipt",
    "presence.returned": "presence",
    "generator.lag": "generator lag",
}
NAME_WIDTH = max(map(len, TIMES.values()))


def rate_table(rates: Iterable[LoadRate]) -> Table:
    """Return a table of how often things were done.

    Args:
        rates: how often each.
    """
    table = _table("", "now /s", "started", "ok", "failed", "dropped")
    for one in rates:
        table.add_row(
            one.name,
            f"{one.per_second:.1f}",
            f"{one.started:,}",
            f"{one.ok:,}",
            Text(f"{one.failed:,}", "red" if one.failed else "dim"),
            Text(f"{one.dropped:,}", "red" if one.dropped else "dim"),
        )
    return table


def time_table(times: Iterable[LoadTime]) -> Table:
    """Return a table of how long things took.

    Args:
        times: how long each.
    """
    table = _table("", "95 % now", "median", "95 %", "99 %", "slowest")
    for one in times:
        latest = "" if one.now is None else in_words(one.now)
        values = (one.p50, one.p95, one.p99, one.max)
        table.add_row(TIMES[one.name], latest, *(in_words(value) for value in values))
    return table


def _table(*names: str) -> Table:
    """Return a table of numbers, each with its name at the left."""
    table = Table(*names, box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.columns[0].min_width = NAME_WIDTH
    for column in table.columns[1:]:
        column.justify = "right"
        column.min_width = 8
    return table


def error_table(errors: Iterable[LoadError]) -> Table:
    """Return a table of what went wrong.

    Args:
        errors: what, and how often.
    """
    table = Table("times", "what", "why", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for one in errors:
        table.add_row(f"{one.count:,}", one.what, Text(printable(one.why), "red"))
    return table
