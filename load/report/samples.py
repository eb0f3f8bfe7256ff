"""``samples.csv``: one row for each interval, for spreadsheets and notebooks."""

import csv
import io
from collections.abc import Iterable
from dataclasses import fields

from ..measure.measurements import Point
from ..measure.totals import Spread

SPREAD = tuple(one.name for one in fields(Spread))


def samples(points: Iterable[Point]) -> str:
    """Write points as CSV (RFC 4180).

    Args:
        points: of the whole run.

    Returns:
        A header and one row for each: ``seconds`` since the run began, ``interval`` in seconds, how
        much each counter grew, each gauge, and of each distribution ``.count``, ``.p50`` and so on.
    """
    rows = list(points)
    counters = sorted({name for row in rows for name in row.counters})
    gauges = sorted({name for row in rows for name in row.gauges})
    spreads = sorted({name for row in rows for name in row.spreads})
    text = io.StringIO()
    writer = csv.writer(text)
    columns = [f"{name}.{part}" for name in spreads for part in SPREAD]
    writer.writerow(["seconds", "interval", *counters, *gauges, *columns])
    for row in rows:
        values = []
        for name in spreads:
            found = row.spreads.get(name)
            values += ["" if found is None else _number(getattr(found, part)) for part in SPREAD]
        writer.writerow(
            [
                _number(row.at),
                _number(row.seconds),
                *(row.counters.get(name, 0) for name in counters),
                *(_number(row.gauges.get(name, 0.0)) for name in gauges),
                *values,
            ]
        )
    return text.getvalue()


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
