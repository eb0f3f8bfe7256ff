"""The charts of the report: lines, which a script draws, and bars, which are plain HTML."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..measure.measurements import Measurements, Point
from ..measure.metric import METRICS
from ..measure.steps import CALL_STEPS, LOGIN_STEPS
from ..measure.totals import Spread
from ..plan.phase import Once, Repeated
from ..run.progress import PhaseRun

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
LEAST = 0.001
"""The least that a logarithmic scale shows, in its unit."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart.

    Attributes:
        name: what it shows.
        colour: as CSS has it.
        at: where on the x axis its values stand, in rising order.
        values: one for each place.
        dotted: whether it shows what was wanted, not what was.
        right: whether it has the scale on the right.
    """

    name: str
    colour: str
    at: Sequence[float]
    values: Sequence[float]
    dotted: bool = False
    right: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time, or over percentiles.

    Attributes:
        lines: what is drawn.
        unit: of the scale on the left.
        right: the unit of the scale on the right, if a line has it.
        places: names of the places 0, 1, 2… on the x axis; none: it is seconds.
        logarithmic: whether the scale on the left is.
        least, most: ends of the scale on the left; None: the values decide.
    """

    lines: Sequence[Line]
    unit: str
    right: str = ""
    places: Sequence[str] = ()
    logarithmic: bool = False
    least: float | None = 0
    most: float | None = None

    def to_json(self, seconds: float) -> dict[str, Any]:
        """Return what the page's script takes: all lines over the same places.

        Args:
            seconds: how long the run took, and how far a chart over time reaches.
        """
        places = sorted({at for line in self.lines for at in line.at})
        drawn = []
        for line in self.lines:
            values = dict(zip(line.at, line.values, strict=True))
            drawn.append({
                "name": line.name, "colour": line.colour, "dotted": line.dotted,
                "right": line.right, "values": [values.get(at) for at in places],
            })  # fmt: skip
        own = asdict(replace(self, lines=()))
        del own["lines"]
        return {**own, "x": places, "end": None if self.places else seconds, "lines": drawn}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: all lengths are shares of the chart's width, in percent.

    Attributes:
        name: what it stands for.
        value: its length, as people read it.
        meaning: more of it, in a sentence.
        colour: as CSS has it.
        begin, length: where it is.
        whisker: how far a thin line goes on behind it.
    """

    name: str
    value: str
    meaning: str
    colour: str
    begin: float
    length: float
    whisker: float = 0


def online(points: Sequence[Point]) -> Chart:
    """Draw accounts online and calls over time."""
    rows = thinned(points)
    at = [_s(row.at) for row in rows]
    accounts = [row.gauges.get("accounts.online", 0) for row in rows]
    calls = [row.gauges.get("calls.active", 0) for row in rows]
    lines = [Line("accounts online", BLUE, at, accounts)]
    if not any(calls):
        return Chart(lines, "accounts")
    return Chart([*lines, Line("calls", GREEN, at, calls, right=True)], "accounts", "calls")


def timeline(phases: Iterable[PhaseRun], seconds: float) -> list[Bar]:
    """Draw when each phase began and how long it took.

    Args:
        phases: those of the run.
        seconds: how long the run took.
    """
    bars = []
    for one in phases:
        if one.began is None or one.ended is None:
            continue
        took = one.ended - one.began
        meaning = f"{one.began:.1f} s to {one.ended:.1f} s"
        colour = ACTIVITIES.get(one.phase.kind, SKY)
        begin, length = _share(one.began, seconds), _share(took, seconds)
        bars.append(Bar(one.title, f"{took:.1f} s", meaning, colour, begin, length))
    return bars


def rates(points: Sequence[Point], phases: Iterable[PhaseRun]) -> Chart:
    """Draw what started each second, and what the plan wanted."""
    rows = thinned(points)
    at = [_s(row.at) for row in rows]
    lines = []
    for activity, colour in ACTIVITIES.items():
        done = [row.counters.get(f"{activity}.started", 0) / row.seconds for row in rows]
        if any(done):
            name = "presence changes" if activity == "presence" else f"{activity}s"
            rounded = [round(one, 2) for one in done]
            lines.append(Line(f"{name} started", colour, at, rounded))
    for one in phases:
        if one.began is None or not isinstance(one.phase.activity, Once | Repeated):
            continue
        end = one.ended if one.ended is not None else points[-1].at
        arrivals = one.phase.activity.arrivals
        times = [row.at for row in rows if one.began <= row.at <= end]
        wanted = [round(arrivals.rate_at(time - one.began), 2) for time in times]
        colour = ACTIVITIES.get(one.phase.kind, GREY)
        name = f"{one.title}: wanted"
        lines.append(Line(name, colour, [_s(time) for time in times], wanted, dotted=True))
    return Chart(lines, "a second")


def spread_over_time(points: Sequence[Point], name: str) -> Chart:
    """Draw the median, the 95th and the 99th percentile of a metric over time."""
    factor, unit = _unit(name)
    rows = [row for row in thinned(points) if name in row.spreads]
    at = [_s(row.at) for row in rows]

    def of(part: Callable[[Spread], float]) -> list[float]:
        return [round(part(row.spreads[name]) * factor, 3) for row in rows]

    lines = [
        Line("99 %", RED, at, of(lambda one: one.p99)),
        Line("95 %", ORANGE, at, of(lambda one: one.p95)),
        Line("median", BLUE, at, of(lambda one: one.p50)),
    ]
    return Chart(lines, unit)


def quality_over_time(points: Sequence[Point], name: str) -> Chart:
    """Draw the median and the bad end of a metric of quality over time."""
    unit = METRICS[name].unit
    if unit not in ("MOS", "/s"):
        return spread_over_time(points, name)
    rows = [row for row in thinned(points) if name in row.spreads]
    at = [_s(row.at) for row in rows]
    lines = [
        Line("median", BLUE, at, [round(row.spreads[name].p50, 3) for row in rows]),
        Line("worst 5 %", RED, at, [round(row.spreads[name].p05, 3) for row in rows]),
    ]
    return Chart(lines, unit, least=1, most=4.6) if unit == "MOS" else Chart(lines, unit)


def waterfall(measured: Measurements, activity: str) -> list[Bar]:
    """Draw the median of each step where the one before ends, with a whisker up to its p95."""
    steps = LOGIN_STEPS if activity == "login" else CALL_STEPS
    found = [
        (step, meaning, spread)
        for step, meaning in steps.items()
        if (spread := measured.spread(f"{activity}.{step}")) is not None
    ]
    begins, end, furthest = [], 0.0, 0.0
    for _, _, spread in found:
        begins.append(end)
        furthest = max(furthest, end + max(spread.p50, spread.p95))
        end += spread.p50
    return [
        Bar(
            step,
            _ms(spread.p50),
            f"{meaning}: median {_ms(spread.p50)}, 95th percentile {_ms(spread.p95)}",
            BLUE if activity == "login" else GREEN,
            _share(begin, furthest),
            _share(spread.p50, furthest),
            _share(max(0.0, spread.p95 - spread.p50), furthest),
        )
        for (step, meaning, spread), begin in zip(found, begins, strict=True)
    ]


def percentiles(measured: Measurements, names: Mapping[str, str]) -> Chart:
    """Draw the whole distribution of several times.

    Args:
        measured: what was measured.
        names: metric → colour.
    """
    lines = []
    for name, colour in names.items():
        found = measured.distribution(name)
        if found is None or not found.count:
            continue
        values = [max(LEAST, round(value * 1000, 3)) for value in found.percentiles(CURVE)]
        lines.append(Line(name, colour, range(len(CURVE)), values))
    places = [_label(one) for one in CURVE]
    return Chart(lines, "ms", places=places, logarithmic=True, least=None)


def failures(points: Sequence[Point]) -> Chart:
    """Draw what failed, was dropped or came late over time."""
    rows = thinned(points)
    at = [_s(row.at) for row in rows]
    lines = []
    counted = [f"{one}.failed" for one in ("login", "call", "logout", "bot")]
    counted += ["account.lost", "iteration.dropped", "iteration.late"]
    colours = (RED, PURPLE, GREY, BLUE, ORANGE, SKY, GREEN)
    for name, colour in zip(counted, colours, strict=True):
        values = [row.counters.get(name, 0) for row in rows]
        if any(values):
            lines.append(Line(METRICS[name].meaning, colour, at, values))
    return Chart(lines, "in the interval")


def processes(points: Sequence[Point]) -> Chart:
    """Draw the CPU of generator, machine and server over time."""
    shown = {
        "generator.cpu": ("busiest shard, of one core", BLUE),
        "server.cpu": ("server, of one core", ORANGE),
        "machine.cpu": ("machine, of all cores", GREY),
    }
    return Chart(_maxima(points, shown), "%")


def memory(points: Sequence[Point]) -> Chart:
    """Draw the memory of generator and server over time."""
    shown = {
        "generator.memory": ("largest shard", BLUE),
        "server.memory": ("server", ORANGE),
    }
    return Chart(_maxima(points, shown), "MiB")


def _maxima(points: Sequence[Point], shown: Mapping[str, tuple[str, str]]) -> list[Line]:
    lines = []
    for name, (title, colour) in shown.items():
        rows = [row for row in thinned(points) if name in row.spreads]
        if rows:
            values = [round(row.spreads[name].max, 1) for row in rows]
            lines.append(Line(title, colour, [_s(row.at) for row in rows], values))
    return lines


def thinned(points: Sequence[Point], most: int = MAX_POINTS) -> Sequence[Point]:
    """Leave out points between others, evenly; the last one stays.

    Args:
        points: of a run.
        most: how many may be left.
    """
    step = -(-len(points) // most) or 1
    return points[::-1][::step][::-1]


def _unit(name: str) -> tuple[float, str]:
    unit = METRICS[name].unit
    return (1000.0, "ms") if unit == "s" else (1.0, unit)


def _label(percentile: float) -> str:
    names: Mapping[float, str] = {0: "min", 100: "max"}
    return names.get(percentile, f"{percentile:g}")


def _share(part: float, whole: float) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def _ms(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.{1 if value < 10 else 0}f} ms"


def _s(seconds: float) -> float:
    return round(seconds, 2)
