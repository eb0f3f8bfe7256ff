"""``report.html``: one page that needs nothing else, the verdict first.

What it says stands in ``page.html`` (Jinja2, which escapes everything that is put in), how it is
drawn in ``plots.js``. The plots are made by uPlot, of which a copy lies in ``vendor/``.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from ...ladder.cause import duration
from ...ladder.ladder import Ladder
from ...ladder.svg import STYLE, svg
from ..measure.call_side import TO_CALLEE, TO_CALLER
from ..measure.ended_calls import ReceivedMedia
from ..measure.measurements import Measurements
from ..measure.metric import METRICS
from ..run.progress import PhaseRun, ShardRun
from ..run.run import Run
from ..run.verdict import Verdict, shown
from . import chart
from .chart import Bar, Chart
from .headline import headlines
from .table import Cell, Table, counters, distributions, number

TIMES = {
    "login": chart.BLUE,
    "call.setup": chart.GREEN,
    "call.media": chart.PURPLE,
    "message.delivery": chart.ORANGE,
    "message.receipt": chart.RED,
    "presence.returned": chart.SKY,
}
"""The times whose whole distribution is drawn."""
MAIN = {
    "login": "login",
    "call": "call.setup",
    "message": "message.delivery",
    "presence": "presence.returned",
    "logout": "logout",
}
"""The time of each kind of phase that says most."""
OK = {"message": "message.received"}
"""What counts as done of a kind of phase, where that is not called ``ok``."""
SPREADS = {
    "login": "Login",
    "call.setup": "Call setup",
    "message.delivery": "Message delivery",
    "message.receipt": "Message receipt",
    "presence.returned": "Presence",
}
"""The times that are drawn over the run."""
QUALITY = (
    ("audio.now.mos", "Sound quality", "Opinion score (MOS): 4.4 is best, under 3.6 poor."),
    ("audio.now.loss", "Audio packets lost", "Share of each second's packets, by leg."),
    ("audio.now.jitter", "Audio jitter", "How unevenly packets came (RFC 3550)."),
    ("audio.now.rtt", "Audio round trip", "There and back, as the peers' RTCP has it."),
    ("video.now.loss", "Video packets lost", "Share of each second's packets, by leg."),
    ("video.now.jitter", "Video jitter", "How unevenly packets came (RFC 3550)."),
    ("video.now.rate", "Video packets", "Received a second, by leg."),
)
"""What is drawn of the media while calls go on: metric, title, meaning."""
SHARD = (
    ("generator.lag", "p99"),
    ("generator.cpu", "p50"),
    ("generator.cpu", "max"),
    ("generator.memory", "max"),
)
"""What is told of each shard."""
DIRECTIONS = {TO_CALLER: "to the caller", TO_CALLEE: "to the callee"}
MAX_CAUSES = 50
"""Causes of errors in the report; ``summary.json`` has all."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its words: either lines, which the script draws, or bars, which are HTML.

    Attributes:
        title: its name.
        meaning: what it shows, in a sentence.
        lines: what the script draws; None for bars.
        bars: what the page itself shows.
    """

    title: str
    meaning: str
    lines: Chart | None = None
    bars: Sequence[Bar] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not (self.bars or (self.lines is not None and self.lines.lines))


def page(name: str, run: Run, verdict: Verdict) -> str:
    """Write the report. It takes a moment: call it in an executor.

    Args:
        name: of the plan.
        run: what was run.
        verdict: how it ended.
    """
    measured = run.measurements
    legs = measured.calls.worst()
    figures = {
        "over_time": _over_time(run),
        "setup": _setup(run),
        "quality": _quality(measured),
        "errors": [
            Figure("When", "Failures, dropped iterations and late starts.",
                   chart.failures(measured.points)),
        ],
        "generator": _generator(measured),
    }  # fmt: skip
    drawn = {part: [one for one in found if not one.is_empty] for part, found in figures.items()}
    charts = [one.lines for found in drawn.values() for one in found if one.lines is not None]
    names = [name for name, metric in METRICS.items() if metric.kind == "distribution"]
    return _template().render(
        name=name,
        run=run,
        verdict=verdict,
        server=run.plan.server.host or "found by DNS",
        headlines=headlines(measured),
        thresholds=_thresholds(verdict),
        phases=_phases(run),
        figures=drawn,
        place_of=charts.index,
        plots=[one.to_json(round(run.elapsed, 1)) for one in charts],
        directions=_directions(measured),
        worst=_worst(run, legs),
        errors=_errors(run),
        failed_ladders=_ladders(measured.ladders.failed),
        slow_ladders=_ladders(measured.ladders.slowest),
        shards=_shards(run),
        distributions=distributions("All distributions", measured, names),
        counters=counters("All counters", measured),
    )


def _template() -> Template:
    """Read the template, and what the page carries along: script, style, and uPlot's of both."""
    folder = files(__package__)
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

    def read(*name: str) -> str:
        return folder.joinpath(*name).read_text(encoding="utf-8")

    # They are ours, not data: the template marks them as safe.
    environment.globals |= {
        "uplot_script": read("vendor", "uPlot.iife.min.js"),
        "uplot_style": read("vendor", "uPlot.min.css"),
        "plots_script": read("plots.js"),
        "ladder_style": STYLE,
    }
    return environment.from_string(read("page.html"))


def _thresholds(verdict: Verdict) -> Table:
    ordered = sorted(verdict.checks, key=lambda check: check.held)
    rows = [
        (
            Cell("✓ holds", "good") if check.held else Cell("✗ broken", "bad"),
            Cell(check.text, code=True),
            Cell(shown(check.value, check.unit), "number"),
        )
        for check in ordered
    ]
    head = (Cell("verdict"), Cell("threshold"), Cell("measured", "number"))
    return Table("Thresholds", head, rows)


def _phases(run: Run) -> Table:
    columns = ("began at", "took", "started", "a second", "ok", "failed", "dropped")
    times = ("median", "95 %", "99 %", "slowest")
    head = (
        Cell("phase"), *(Cell(one, "number") for one in columns), Cell("timed"),
        *(Cell(one, "number") for one in times),
    )  # fmt: skip
    return Table("Phases", head, [_phase(run, one) for one in run.phases])


def _phase(run: Run, one: PhaseRun) -> list[Cell]:
    kind, measured = one.phase.kind, run.measurements.phases[one.title]
    notes = [] if kind in one.title else [f"({kind})"]
    if one.began is None:
        notes.append("did not begin")
    took = None
    if one.began is not None:
        took = (run.elapsed if one.ended is None else one.ended) - one.began
    cells = [Cell(one.title, note=" ".join(notes)), number(one.began, "s"), number(took, "s")]
    if kind not in MAIN:
        return [*cells, *(number(None) for _ in range(5)), Cell(""), *(number(None),) * 4]
    tried = measured.counters
    cells += [number(tried[f"{kind}.started"]), number(run.rate_of(one), "/s")]
    cells.append(number(tried[OK.get(kind, f"{kind}.ok")]))
    failed = tried[f"{kind}.failed"] + tried[f"{kind}.lost"]
    for count in (failed, tried[f"{kind}.dropped"]):
        cells.append(Cell(f"{count:,}", "number bad" if count else "number"))
    cells.append(Cell(MAIN[kind], code=True))
    return cells + [number(measured.value(MAIN[kind], part), "s")
                    for part in ("p50", "p95", "p99", "max")]  # fmt: skip


def _over_time(run: Run) -> list[Figure]:
    points = run.measurements.points
    return [
        Figure(
            "Accounts and calls",
            "How many were online and in calls at each moment.",
            chart.online(points),
        ),
        Figure(
            "Phases",
            "When each began and how long it took.",
            bars=chart.timeline(run.phases, run.elapsed),
        ),
        Figure(
            "Starts a second",
            "Solid: what started. Dotted: what the plan asked for, however the target copes.",
            chart.rates(points, run.phases),
        ),
        *(
            Figure(title, METRICS[name].meaning, chart.spread_over_time(points, name))
            for name, title in SPREADS.items()
            if run.measurements.distribution(name) is not None
        ),
    ]


def _setup(run: Run) -> list[Figure]:
    measured = run.measurements
    steps = "The median of each step, one after another. The thin line ends at the 95th percentile."
    return [
        Figure("A call, step by step", steps, bars=chart.waterfall(measured, "call")),
        Figure("A login, step by step", steps, bars=chart.waterfall(measured, "login")),
        Figure(
            "Percentiles",
            "From left to right: how long the fastest took, then how long the fastest 25 % took at "
            "most, the fastest 50 % (the median), and so on up to the slowest of all.",
            chart.percentiles(measured, TIMES),
        ),
    ]


def _quality(measured: Measurements) -> list[Figure]:
    return [
        Figure(title, meaning, chart.quality_over_time(measured.points, name))
        for name, title, meaning in QUALITY
        if measured.distribution(name) is not None
    ]


def _directions(measured: Measurements) -> Table:
    plain = ("legs", "sent", "received", "lost", "out of order")
    spread = (
        "jitter, 95 %",
        "round trip, 95 %",
        "loss, worst",
        "score, median",
        "score, 5 %",
        "frozen, 95 %",
    )
    head = (Cell("media"), Cell("direction"), *(Cell(one, "number") for one in (*plain, *spread)))
    rows = [row for kind in ("audio", "video") for row in _direction(measured, kind)]
    return Table("Quality by direction", head, rows)


def _direction(measured: Measurements, kind: str) -> Iterator[list[Cell]]:
    """Give a row for each direction of a kind of media."""
    for direction, meaning in DIRECTIONS.items():
        name = f"{kind}.{direction}"
        if not measured.counters[f"{name}.sent"] and not measured.counters[f"{name}.received"]:
            continue
        cells = [Cell(kind), Cell(meaning), number(measured.value(f"{name}.loss", "count"))]
        for part in ("sent", "received", "lost", "reordered"):
            count = measured.counters[f"{name}.{part}"]
            is_bad = bool(count) and part in ("lost", "reordered")
            cells.append(Cell(f"{count:,}", "number bad" if is_bad else "number"))
        for metric, part in (("jitter", "p95"), ("rtt", "p95"), ("loss", "max")):
            cells.append(
                number(measured.value(f"{name}.{metric}", part), METRICS[f"{name}.{metric}"].unit)
            )
        for part in ("p50", "p05"):
            score = measured.value(f"{name}.mos", part) if kind == "audio" else None
            cells.append(number(score, "MOS"))
        frozen = measured.value(f"{name}.frozen", "p95") if kind == "video" else None
        cells.append(number(frozen, "%"))
        yield cells


def _worst(run: Run, legs: Sequence[ReceivedMedia]) -> Table:
    """Return the legs that came through worst."""
    names = (
        "began at",
        "held",
        "lost",
        "loss",
        "out of order",
        "jitter",
        "round trip",
        "score or frozen",
    )
    head = (
        *(Cell(one) for one in ("who received", "from", "media", "phase")),
        *(Cell(one, "number") for one in names),
    )
    return Table("The worst legs", head, [_leg(run, leg) for leg in legs])


def _leg(run: Run, leg: ReceivedMedia) -> list[Cell]:
    side, media = leg.side, leg.media
    rtt = None if media.rtt_ms is None else media.rtt_ms / 1000
    return [
        Cell(f"{side.account} ({side.role})"),
        Cell(side.peer.partition("/")[0]),
        Cell(media.kind),
        Cell("" if side.phase is None else run.phases[side.phase].title),
        number(max(0.0, side.started - run.started.timestamp()), "s"),
        number(side.seconds, "s"),
        number(media.lost),
        number(leg.loss, "%"),
        number(media.reordered),
        number(media.jitter_ms / 1000, "s"),
        number(rtt, "s"),
        number(media.mos, "MOS") if media.kind == "audio" else _frozen(leg),
    ]


def _frozen(leg: ReceivedMedia) -> Cell:
    """Return for how long the picture stood still, in the place of a score."""
    return number(leg.media.frozen_ms / 1000, "s")


def _errors(run: Run) -> Table:
    rows = [
        (number(count), Cell(title), Cell(what), Cell(why))
        for (title, what, why), count in _causes(run).most_common(MAX_CAUSES)
    ]
    head = (Cell("times", "number"), Cell("phase"), Cell("what"), Cell("why"))
    return Table("Errors", head, rows)


def _ladders(ladders: Sequence[Ladder]) -> list[tuple[str, str]]:
    """Return the title of each ladder, and its picture: our own markup, with all words escaped."""
    return [(_title(one), svg(one, style=False)) for one in ladders]


def _title(ladder: Ladder) -> str:
    setup = "" if ladder.connected is None else f", connected after {duration(ladder.connected)}"
    return f"{ladder.account} to {ladder.peer.partition('/')[0]}{setup}: {ladder.cause}"


def _causes(run: Run) -> Counter[tuple[str, str, str]]:
    """Count causes of errors by phase; what belongs to none is the run's."""
    left = Counter(run.measurements.causes)
    found: Counter[tuple[str, str, str]] = Counter()
    for one in run.phases:
        causes = run.measurements.phases[one.title].causes
        left.subtract(causes)
        found.update({(one.title, *cause): count for cause, count in causes.items()})
    found.update({("the run", *cause): count for cause, count in left.items() if count > 0})
    return found


def _generator(measured: Measurements) -> list[Figure]:
    points = measured.points
    return [
        Figure(
            "Lag of the event loops",
            "If an event loop wakes late, the times measured here are too long, whatever the "
            "target does.",
            chart.spread_over_time(points, "generator.lag"),
        ),
        Figure("CPU", "Near 100 %, the generator is the limit.", chart.processes(points)),
        Figure("Memory", "Resident, of one process.", chart.memory(points)),
    ]


def _shards(run: Run) -> Table:
    rows = [
        (
            number(one.number),
            Cell(one.host or "never ready"),
            Cell(str(one.pid or ""), "number"),
            *(
                number(run.measurements.shards[one.number].value(name, part), METRICS[name].unit)
                for name, part in SHARD
            ),
            _state(one),
        )
        for one in run.shards
    ]
    columns = ("lag, 99 %", "CPU, median", "CPU, most", "memory, most")
    head = (
        Cell("shard", "number"),
        Cell("machine"),
        *(Cell(one, "number") for one in ("process", *columns)),
        Cell("state"),
    )
    return Table("Shards", head, rows)


def _state(shard: ShardRun) -> Cell:
    if not shard.lost:
        return Cell("whole", "good")
    return Cell(
        f"lost with {shard.online:,} accounts online and {shard.calls:,} calls: {shard.lost}", "bad"
    )
