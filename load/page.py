"""``report.html``: one page that needs nothing else, the verdict first."""

import json
from collections import Counter
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template

from plotly.offline import get_plotlyjs  # type: ignore[import-untyped] # it ships no types

from . import chart
from .call_log import Leg
from .measurements import Measurements
from .metric import METRICS
from .progress import PhaseRun, ShardRun
from .run import Run
from .side import TO_CALLEE, TO_CALLER
from .table import Cell, code, counters, distributions, number, table, words
from .tile import tiles
from .verdict import Verdict, shown

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


def page(name: str, run: Run, verdict: Verdict) -> str:
    """Write the report. It takes a moment: call it in an executor.

    Args:
        name: of the plan.
        run: what was run.
        verdict: how it ended.
    """
    drawn = _Charts(run.elapsed)
    body = "\n".join(
        [
            _head(name, run, verdict),
            _thresholds(verdict),
            _phases(run),
            _over_time(run, drawn),
            _setup(run, drawn),
            _quality(run, drawn),
            _worst(run),
            _errors(run, drawn),
            _generator(run, drawn),
            _everything(run.measurements),
        ]
    )
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    # Nothing in the data may end the script.
    data = json.dumps(drawn.charts, ensure_ascii=False).replace("</", "<\\/")
    return template.substitute(
        title=escape(f"{name}: {verdict.sentence}"), body=body, plotly=get_plotlyjs(), charts=data
    )


class _Charts:
    """Collects charts and gives each its place on the page.

    Args:
        seconds: how long the run took, and how far charts over time reach.
    """

    def __init__(self, seconds: float) -> None:
        self.charts: dict[str, chart.Chart] = {}
        self._seconds = seconds

    def draw(self, title: str, meaning: str, drawn: chart.Chart | None) -> str:
        """Return a figure; nothing for a chart that has nothing to show."""
        if drawn is None or not drawn["data"]:
            return ""
        if drawn["layout"].pop("whole", False):
            drawn["layout"]["xaxis"]["range"] = [0, round(self._seconds, 1)]
        place = f"chart{len(self.charts)}"
        self.charts[place] = drawn
        return (
            f'<figure><h3>{escape(title)}</h3><p class="soft">{escape(meaning)}</p>'
            f'<div class="chart" id="{place}" role="img" aria-label="{escape(title)}: '
            f'{escape(meaning)}"></div></figure>'
        )


def _section(title: str, *parts: str) -> str:
    content = "".join(parts)
    return f"<h2>{escape(title)}</h2>{content}" if content else ""


def _grid(*figures: str) -> str:
    content = "".join(figures)
    return f'<div class="charts">{content}</div>' if content else ""


def _head(name: str, run: Run, verdict: Verdict) -> str:
    mood = "bad" if verdict.status else "good"
    server = run.plan.server.host or "found by DNS"
    facts = (
        f"{name} · {run.started:%Y-%m-%d %H:%M} UTC · {run.elapsed:.0f} s · "
        f"{len(run.plan.accounts):,} accounts in {len(run.shards)} "
        f"shard{'s' * (len(run.shards) != 1)} · server {server}"
    )
    warnings = "".join(f'<p class="warning">{escape(one)}</p>' for one in verdict.warnings)
    return (
        f'<header class="verdict {mood}"><p class="word">{verdict.status.word}</p>'
        f"<h1>{escape(verdict.sentence)}</h1>"
        f"<p>{escape(facts)}</p></header>{warnings}{tiles(run.measurements)}"
    )


def _thresholds(verdict: Verdict) -> str:
    if not verdict.checks:
        return ""
    ordered = sorted(verdict.checks, key=lambda check: check.held)
    rows = [
        (
            Cell("✓ holds", "good") if check.held else Cell("✗ broken", "bad"),
            code(check.text),
            words(shown(check.value, check.unit), "number"),
        )
        for check in ordered
    ]
    head = (Cell("verdict"), Cell("threshold"), Cell("measured", "number"))
    content = table("Thresholds", head, rows)
    return _section("Thresholds", f'<div class="thresholds">{content}</div>')


def _phases(run: Run) -> str:
    columns = ("began at", "took", "started", "a second", "ok", "failed", "dropped")
    times = ("median", "95 %", "99 %", "slowest")
    head = (
        Cell("phase"), *(Cell(one, "number") for one in columns), Cell("timed"),
        *(Cell(one, "number") for one in times),
    )  # fmt: skip
    return _section(
        "Phases",
        '<p class="soft">Each phase by itself, also where several run at the same time: what it '
        "started, what became of that, and how long half, 95 %, 99 % and all of it took.</p>",
        table("Phases", head, (_phase(run, one) for one in run.phases)),
    )


def _phase(run: Run, one: PhaseRun) -> list[Cell]:
    kind, measured = one.phase.kind, run.measurements.phases[one.title]
    title = escape(one.title)
    if kind not in one.title:
        title += f' <span class="soft">({kind})</span>'
    took = None
    if one.began is not None:
        took = (run.elapsed if one.ended is None else one.ended) - one.began
    cells = [Cell(title), number(one.began, "s"), number(took, "s")]
    if kind not in MAIN:
        return [*cells, *(number(None) for _ in range(5)), Cell(""), *(number(None),) * 4]
    tried = measured.counters
    cells += [number(tried[f"{kind}.started"]), number(run.rate_of(one), "/s")]
    cells.append(number(tried[OK.get(kind, f"{kind}.ok")]))
    failed = tried[f"{kind}.failed"] + tried[f"{kind}.lost"]
    for count in (failed, tried[f"{kind}.dropped"]):
        cells.append(Cell(f"{count:,}", "number bad" if count else "number"))
    cells.append(code(MAIN[kind]))
    return cells + [number(measured.value(MAIN[kind], part), "s")
                    for part in ("p50", "p95", "p99", "max")]  # fmt: skip


def _over_time(run: Run, drawn: _Charts) -> str:
    points = run.measurements.points
    return _section(
        "Over time",
        '<p class="soft">Drag over a chart to look closer, double-click to see all again; click a '
        "name to hide its line.</p>",
        _grid(
            drawn.draw(
                "Accounts and calls",
                "How many were online and in calls at each moment.",
                chart.online(points),
            ),
            drawn.draw(
                "Phases", "When each began and how long it took.", chart.timeline(run.phases)
            ),
            drawn.draw(
                "Starts a second",
                "What started, and dotted what the plan wanted: an open rate, whatever the target "
                "does.",
                chart.rates(points, run.phases),
            ),
            *(
                drawn.draw(title, METRICS[name].meaning, chart.spread_over_time(points, name))
                for name, title in (
                    ("login", "Login"),
                    ("call.setup", "Call setup"),
                    ("message.delivery", "Message delivery"),
                    ("message.receipt", "Message receipt"),
                    ("presence.returned", "Presence"),
                )
                if run.measurements.distribution(name) is not None
            ),
        ),
    )


def _setup(run: Run, drawn: _Charts) -> str:
    measured = run.measurements
    steps = "The median of each step, one after another; the whisker reaches its 95th percentile."
    return _section(
        "Where the time goes",
        _grid(
            drawn.draw("A call, step by step", steps, chart.waterfall(measured, "call")),
            drawn.draw("A login, step by step", steps, chart.waterfall(measured, "login")),
            drawn.draw(
                "Percentiles",
                "From left to right, how long the fastest took, the fastest 25 % at most, the "
                "fastest 50 % (the median), and so on up to the slowest of all.",
                chart.percentiles(measured, TIMES),
            ),
        ),
    )


def _quality(run: Run, drawn: _Charts) -> str:
    measured = run.measurements
    rows = [row for kind in ("audio", "video") for row in _directions(measured, kind)]
    if not rows:
        return ""
    figures = [
        drawn.draw(title, meaning, chart.quality_over_time(measured.points, name))
        for name, title, meaning in (
            ("audio.now.mos", "Sound quality", "Opinion score (MOS): 4.4 is best, under 3.6 poor."),
            ("audio.now.loss", "Audio packets lost", "Share of each second's packets, by leg."),
            ("audio.now.jitter", "Audio jitter", "How unevenly packets came (RFC 3550)."),
            ("audio.now.rtt", "Audio round trip", "There and back, as the peers' RTCP has it."),
            ("video.now.loss", "Video packets lost", "Share of each second's packets, by leg."),
            ("video.now.jitter", "Video jitter", "How unevenly packets came (RFC 3550)."),
            ("video.now.rate", "Video packets", "Received a second, by leg."),
        )
        if measured.distribution(name) is not None
    ]
    legs = (
        '<p class="soft">A leg is one side of a call, with what it heard or saw: the table has '
        "each leg as a whole, the charts each leg in each second, while the calls went on. The "
        "score is the E-model's (ITU-T G.107), from packets lost, jitter and round trip. Each side "
        "counts until it hangs up, so what was sent and received may differ by a few packets.</p>"
    )
    plain = ("legs", "sent", "received", "lost", "out of order")
    spread = ("jitter, 95 %", "round trip, 95 %", "loss, worst", "score, median", "score, 5 %")
    head = (Cell("media"), Cell("direction"), *(Cell(one, "number") for one in (*plain, *spread)))
    return _section(
        "Quality of media", legs, table("Quality by direction", head, rows), "<br>", _grid(*figures)
    )


def _directions(measured: Measurements, kind: str) -> Iterator[list[Cell]]:
    """Give a row for each direction of a kind of media."""
    for direction, meaning in DIRECTIONS.items():
        name = f"{kind}.{direction}"
        if not measured.counters[f"{name}.sent"] and not measured.counters[f"{name}.received"]:
            continue
        cells = [words(kind), words(meaning), number(measured.value(f"{name}.loss", "count"))]
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
        yield cells


def _worst(run: Run) -> str:
    """Return the legs that came through worst."""
    legs = run.measurements.calls.worst()
    names = ("began at", "held", "lost", "loss", "out of order", "jitter", "round trip", "score")
    head = (
        *(Cell(one) for one in ("who received", "from", "media", "phase")),
        *(Cell(one, "number") for one in names),
    )
    content = table("The worst legs", head, (_leg(run, leg) for leg in legs))
    if not content:
        return ""
    note = (
        f'<p class="soft">The {len(legs)} that came through worst; <code>calls.csv</code> has all '
        "calls.</p>"
    )
    return f"<details><summary>The worst legs</summary>{note}{content}</details>"


def _leg(run: Run, leg: Leg) -> list[Cell]:
    side, media = leg.side, leg.media
    rtt = None if media.rtt_ms is None else media.rtt_ms / 1000
    return [
        words(f"{side.account} ({side.role})"),
        words(side.peer.partition("/")[0]),
        words(media.kind),
        words("" if side.phase is None else run.phases[side.phase].title),
        number(max(0.0, side.started - run.started.timestamp()), "s"),
        number(side.seconds, "s"),
        number(media.lost),
        number(leg.loss, "%"),
        number(media.reordered),
        number(media.jitter_ms / 1000, "s"),
        number(rtt, "s"),
        number(media.mos, "MOS"),
    ]


def _errors(run: Run, drawn: _Charts) -> str:
    rows = [
        (number(count), words(title), words(what), words(why))
        for (title, what, why), count in _causes(run).most_common(MAX_CAUSES)
    ]
    if not rows:
        return _section("Errors", '<p class="soft">There were none.</p>')
    head = (Cell("times", "number"), Cell("phase"), Cell("what"), Cell("why"))
    figure = drawn.draw(
        "When", "Failures, dropped iterations and late starts.",
        chart.failures(run.measurements.points),
    )  # fmt: skip
    return _section("Errors", table("Errors", head, rows), _grid(figure))


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


def _generator(run: Run, drawn: _Charts) -> str:
    points = run.measurements.points
    rows = [
        (
            number(one.number),
            words(one.host or "never ready"),
            words(str(one.pid or ""), "number"),
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
    return _section(
        "The generator itself",
        _grid(
            drawn.draw(
                "Lag of the event loops",
                "If it wakes late, times measured here are too long, whatever the target does.",
                chart.spread_over_time(points, "generator.lag"),
            ),
            drawn.draw("CPU", "Near 100 % the generator is the limit.", chart.processes(points)),
            drawn.draw("Memory", "Resident, of one process.", chart.memory(points)),
        ),
        "<br>",
        table("Shards", head, rows),
    )


def _state(shard: ShardRun) -> Cell:
    if not shard.lost:
        return words("whole", "good")
    return words(
        f"lost with {shard.online:,} accounts online and {shard.calls:,} calls: {shard.lost}", "bad"
    )


def _everything(measured: Measurements) -> str:
    names = [name for name, metric in METRICS.items() if metric.kind == "distribution"]
    return (
        "<details><summary>Everything that was measured</summary>"
        f"{distributions('All distributions', measured, names)}<br>"
        f"{counters('All counters', measured)}</details>"
    )
