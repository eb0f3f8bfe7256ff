"""The charts of the report, as plotly.js takes them: plain mappings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .measurements import Measurements, Point
from .metric import CALL_STEPS, LOGIN_STEPS, METRICS
from .phase import Once, Repeated
from .progress import PhaseRun
from .totals import Spread

Chart = dict[str, Any]

# Okabe and Ito's colours, which colour-blind people tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#888888",
)  # fmt: skip
ACTIVITIES: Mapping[str, str] = {
    "login": BLUE, "call": GREEN, "message": ORANGE, "presence": PURPLE, "logout": GREY,
}  # fmt: skip
MAX_POINTS = 1500
"""Points of a line at the most; an hour's seconds are thinned out to this."""
CURVE = (0, 25, 50, 75, 90, 95, 99, 99.9, 100)
"""The percentiles of a curve."""


def online(points: Sequence[Point]) -> Chart:
    """Draw accounts online and calls over time."""
    rows = _thinned(points)
    at = [_s(row.at) for row in rows]
    accounts = [row.gauges.get("accounts.online", 0) for row in rows]
    calls = [row.gauges.get("calls.active", 0) for row in rows]
    data = [_line(at, accounts, "accounts online", BLUE)]
    if any(calls):
        data.append({**_line(at, calls, "calls", GREEN), "yaxis": "y2"})
    chart = _over_time(data, "accounts")
    chart["layout"]["yaxis2"] = {
        "title": {"text": "calls"}, "overlaying": "y", "side": "right", "rangemode": "tozero",
        "showgrid": False, "tickmode": "auto",
    }  # fmt: skip
    return chart


def timeline(phases: Iterable[PhaseRun]) -> Chart:
    """Draw when each phase began and how long it took."""
    names, bases, widths, colours, labels = [], [], [], [], []
    for one in phases:
        if one.began is None or one.ended is None:
            continue
        names.append(f"{one.title} ")
        bases.append(_s(one.began))
        widths.append(_s(one.ended - one.began))
        colours.append(ACTIVITIES.get(one.phase.kind, SKY))
        labels.append(f"{one.title}: {one.began:.1f} s to {one.ended:.1f} s")
    bar = {
        "type": "bar", "orientation": "h", "y": names, "x": widths, "base": bases,
        "marker": {"color": colours}, "hovertext": labels, "hoverinfo": "text",
    }  # fmt: skip
    layout = {
        "yaxis": {"autorange": "reversed", "automargin": True},
        "xaxis": {"ticksuffix": " s", "rangemode": "tozero"},
        "showlegend": False, "hovermode": "closest", "whole": True,
    }  # fmt: skip
    return {"data": [bar] if names else [], "layout": layout}


def rates(points: Sequence[Point], phases: Iterable[PhaseRun]) -> Chart:
    """Draw what started each second, and what the plan wanted."""
    rows = _thinned(points)
    at = [_s(row.at) for row in rows]
    data = []
    for activity, colour in ACTIVITIES.items():
        done = [row.counters.get(f"{activity}.started", 0) / row.seconds for row in rows]
        if any(done):
            name = "presence changes" if activity == "presence" else f"{activity}s"
            data.append(_line(at, [round(one, 2) for one in done], f"{name} started", colour))
    for one in phases:
        if one.began is None or not isinstance(one.phase.activity, Once | Repeated):
            continue
        end = one.ended if one.ended is not None else points[-1].at
        arrivals = one.phase.activity.arrivals
        times = [row.at for row in rows if one.began <= row.at <= end]
        wanted = [round(arrivals.rate_at(time - one.began), 2) for time in times]
        colour = ACTIVITIES.get(one.phase.kind, GREY)
        line = _line([_s(time) for time in times], wanted, f"{one.title}: wanted", colour)
        data.append(
            {**line, "line": {"color": colour, "dash": "dot", "width": 1}, "showlegend": False}
        )
    return _over_time(data, "a second")


def spread_over_time(points: Sequence[Point], name: str) -> Chart:
    """Draw the median, the 95th and the 99th percentile of a metric over time."""
    factor, unit = _unit(name)
    rows = [row for row in _thinned(points) if name in row.spreads]
    at = [_s(row.at) for row in rows]

    def of(part: Callable[[Spread], float]) -> list[float]:
        return [round(part(row.spreads[name]) * factor, 3) for row in rows]

    data = [
        _line(at, of(lambda one: one.p99), "99 %", RED),
        _line(at, of(lambda one: one.p95), "95 %", ORANGE),
        _line(at, of(lambda one: one.p50), "median", BLUE),
    ]
    for line in data:
        line["mode"] = "lines+markers" if len(rows) < 60 else "lines"
    return _over_time(data, unit)


def quality_over_time(points: Sequence[Point], name: str) -> Chart:
    """Draw the median and the bad end of a metric of quality over time."""
    if METRICS[name].unit not in ("MOS", "/s"):
        return spread_over_time(points, name)
    rows = [row for row in _thinned(points) if name in row.spreads]
    at = [_s(row.at) for row in rows]
    data = [
        _line(at, [round(row.spreads[name].p50, 3) for row in rows], "median", BLUE),
        _line(at, [round(row.spreads[name].p05, 3) for row in rows], "worst 5 %", RED),
    ]
    found = _over_time(data, METRICS[name].unit)
    if METRICS[name].unit == "MOS":
        found["layout"]["yaxis"] |= {"range": [1, 4.6], "rangemode": "normal"}
    return found


def waterfall(measured: Measurements, activity: str) -> Chart | None:
    """Draw the median of each step where the one before ends, with a whisker up to its p95."""
    steps = LOGIN_STEPS if activity == "login" else CALL_STEPS
    names, bases, widths, whiskers, labels = [], [], [], [], []
    base = 0.0
    for step, meaning in steps.items():
        spread = measured.spread(f"{activity}.{step}")
        if spread is None:
            continue
        median, late = spread.p50 * 1000, spread.p95 * 1000
        names.append(f"{step}  {median:.{1 if median < 10 else 0}f} ms ")
        bases.append(round(base, 3))
        widths.append(round(median, 3))
        whiskers.append(round(late - median, 3))
        labels.append(f"{meaning}<br>median {median:.1f} ms, p95 {late:.1f} ms")
        base += median
    if not names:
        return None
    bar = {
        "type": "bar", "orientation": "h", "y": names, "x": widths, "base": bases,
        "marker": {"color": BLUE if activity == "login" else GREEN},
        "error_x": {"type": "data", "symmetric": False, "array": whiskers, "color": GREY},
        "hovertext": labels, "hoverinfo": "text",
    }  # fmt: skip
    layout = {
        "yaxis": {"autorange": "reversed", "automargin": True},
        "xaxis": {"ticksuffix": " ms", "rangemode": "tozero"},
        "showlegend": False, "hovermode": "closest",
    }  # fmt: skip
    return {"data": [bar], "layout": layout}


def percentiles(measured: Measurements, names: Mapping[str, str]) -> Chart | None:
    """Draw the whole distribution of several times.

    Args:
        measured: what was measured.
        names: metric → colour.
    """
    data = []
    for name, colour in names.items():
        found = measured.distribution(name)
        if found is None or not found.count:
            continue
        values = [round(value * 1000, 3) for value in found.percentiles(CURVE)]
        line = _line([_label(one) for one in CURVE], values, name, colour)
        data.append({**line, "mode": "lines+markers"})
    if not data:
        return None
    return {
        "data": data,
        "layout": {
            "xaxis": {"type": "category", "tickangle": 0},
            "yaxis": {
                "title": {"text": "ms (logarithmic)"}, "type": "log", "exponentformat": "none",
            },
        },
    }  # fmt: skip


def failures(points: Sequence[Point]) -> Chart | None:
    """Draw what failed, was dropped or came late over time."""
    rows = _thinned(points)
    at = [_s(row.at) for row in rows]
    data = []
    counted = [f"{one}.failed" for one in ("login", "call", "logout", "bot")]
    counted += ["account.lost", "iteration.dropped", "iteration.late"]
    colours = (RED, PURPLE, GREY, BLUE, ORANGE, SKY, GREEN)
    for name, colour in zip(counted, colours, strict=True):
        values = [row.counters.get(name, 0) for row in rows]
        if any(values):
            data.append({"type": "bar", "x": at, "y": values, "name": METRICS[name].meaning,
                         "marker": {"color": colour}})  # fmt: skip
    if not data:
        return None
    chart = _over_time(data, "in the interval")
    chart["layout"]["barmode"] = "stack"
    return chart


def processes(points: Sequence[Point]) -> Chart:
    """Draw the CPU of generator, machine and server over time."""
    shown = {
        "generator.cpu": ("busiest shard, of one core", BLUE),
        "server.cpu": ("server, of one core", ORANGE),
        "machine.cpu": ("machine, of all cores", GREY),
    }
    return _over_time(_maxima(points, shown), "%")


def memory(points: Sequence[Point]) -> Chart:
    """Draw the memory of generator and server over time."""
    shown = {
        "generator.memory": ("largest shard", BLUE),
        "server.memory": ("server", ORANGE),
    }
    return _over_time(_maxima(points, shown), "MiB")


def _maxima(points: Sequence[Point], shown: Mapping[str, tuple[str, str]]) -> list[Chart]:
    data = []
    for name, (title, colour) in shown.items():
        rows = [row for row in _thinned(points) if name in row.spreads]
        if rows:
            values = [round(row.spreads[name].max, 1) for row in rows]
            data.append(_line([_s(row.at) for row in rows], values, title, colour))
    return data


def _line(x: Sequence[Any], y: Sequence[float], name: str, colour: str) -> Chart:
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name,
            "line": {"color": colour, "width": 2}}  # fmt: skip


def _over_time(data: list[Chart], unit: str) -> Chart:
    return {
        "data": data,
        "layout": {
            "xaxis": {"ticksuffix": " s", "rangemode": "tozero"},
            "yaxis": {"title": {"text": unit}, "rangemode": "tozero"},
            "whole": True,
        },
    }


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    step = -(-len(points) // MAX_POINTS) or 1
    return points[::step]


def _unit(name: str) -> tuple[float, str]:
    unit = METRICS[name].unit
    return (1000.0, "ms") if unit == "s" else (1.0, unit)


def _label(percentile: float) -> str:
    names: Mapping[float, str] = {0: "min", 100: "max"}
    return names.get(percentile, f"{percentile:g}")


def _s(seconds: float) -> float:
    return round(seconds, 2)
