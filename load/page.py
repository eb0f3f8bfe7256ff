"""``report.html``: one page that needs nothing else, the verdict first."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

from plotly.offline import get_plotlyjs  # type: ignore[import-untyped] # it ships no types

from . import chart
from .measurements import Measurements
from .metric import METRICS
from .run import Run
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
PACKETS = ("sent", "received", "lost", "reordered")
FAIR = 3.6
"""The score below which some users are dissatisfied (ITU-T G.107 annex B)."""
MAX_CAUSES = 50
"""Causes of errors in the report; ``summary.json`` has all."""


def page(name: str, run: Run, verdict: Verdict) -> str:
    """Write the report. It takes a moment: call it in an executor.

    Args:
        name: of the plan.
        run: what was run.
        verdict: how it ended.
    """
    drawn = _Charts()
    body = "\n".join(
        [
            _head(name, run, verdict),
            _thresholds(verdict),
            _over_time(run, drawn),
            _setup(run, drawn),
            _quality(run, drawn),
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
    """Collects charts and gives each its place on the page."""

    def __init__(self) -> None:
        self.charts: dict[str, chart.Chart] = {}

    def draw(self, title: str, words: str, drawn: chart.Chart | None) -> str:
        """Return a figure; nothing for a chart that has nothing to show."""
        if drawn is None or not drawn["data"]:
            return ""
        number = f"chart{len(self.charts)}"
        self.charts[number] = drawn
        return (
            f'<figure><h3>{escape(title)}</h3><p class="soft">{escape(words)}</p>'
            f'<div class="chart" id="{number}"></div></figure>'
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
        f'<header class="verdict {mood}"><h1>{escape(verdict.sentence)}</h1>'
        f"<p>{escape(facts)}</p></header>{warnings}{_tiles(run.measurements)}"
    )


@dataclass(frozen=True, slots=True)
class _Tile:
    """One number that says much."""

    value: str
    words: str
    bad: bool = False

    def __str__(self) -> str:
        kind = "tile bad" if self.bad else "tile"
        words = f"<b>{escape(self.value)}</b><span>{escape(self.words)}</span>"
        return f'<div class="{kind}">{words}</div>'


def _tiles(measured: Measurements) -> str:
    tiles = [
        *_outcomes(measured),
        *_times(measured),
        *_packets(measured),
    ]
    dropped = measured.counters["iteration.dropped"]
    if dropped:
        tiles.append(_Tile(f"{dropped:,}", "iterations could not start (dropped)", bad=True))
    return f'<div class="tiles">{"".join(map(str, tiles))}</div>'


def _outcomes(measured: Measurements) -> Iterator[_Tile]:
    counters = measured.counters
    for activity, words, good in (
        ("login", "accounts logged in", "login.ok"),
        ("call", "calls succeeded", "call.ok"),
        ("message", "messages arrived", "message.received"),
    ):
        started = counters[f"{activity}.started"]
        if started:
            bad = bool(counters[f"{activity}.failed"] or counters[f"{activity}.lost"])
            yield _Tile(f"{counters[good]:,}", f"of {started:,} {words}", bad)
    most = max((point.gauges.get("calls.active", 0) for point in measured.points), default=0)
    if most:
        yield _Tile(f"{most:,.0f}", "calls at once, at the most")


def _times(measured: Measurements) -> Iterator[_Tile]:
    for metric, words in (
        ("login", "login: 95 % within"),
        ("call.setup", "call setup: 95 % within"),
        ("message.delivery", "message delivery: 95 % within"),
    ):
        spread = measured.spread(metric)
        if spread is not None:
            yield _Tile(shown(spread.p95, "s"), words)


def _packets(measured: Measurements) -> Iterator[_Tile]:
    score = measured.spread("audio.mos")
    if score is not None:
        words = "audio score: 95 % at least (MOS, of 4.5)"
        yield _Tile(shown(score.p05, "MOS"), words, bad=score.p05 < FAIR)
    for kind in ("audio", "video"):
        sent, lost = measured.counters[f"{kind}.sent"], measured.counters[f"{kind}.lost"]
        if sent:
            yield _Tile(f"{lost:,}", f"of {sent:,} {kind} packets lost", bad=bool(lost))


def _thresholds(verdict: Verdict) -> str:
    if not verdict.checks:
        return ""
    ordered = sorted(verdict.checks, key=lambda check: check.held)
    rows = [
        (
            ("good", "✓ holds") if check.held else ("bad", "✗ does not hold"),
            ("", f"<code>{escape(check.text)}</code>"),
            ("number", escape(shown(check.value, check.unit))),
        )
        for check in ordered
    ]
    head = (("", ""), ("", "threshold"), ("number", "measured"))
    return _section("Thresholds", f'<div class="thresholds">{_table(head, rows)}</div>')


def _over_time(run: Run, drawn: _Charts) -> str:
    points = run.measurements.points
    return _section(
        "Over time",
        '<p class="soft">Drag over a chart to look closer, double-click to see all again; click a '
        "name to hide its line.</p>",
        _grid(
            drawn.draw(
                "Accounts and calls",
                "How many were online and in calls at each moment; phases are shaded.",
                chart.online(points, run.phases),
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
    words = "The median of each step, one after another; the whisker reaches its 95th percentile."
    return _section(
        "Where the time goes",
        _grid(
            drawn.draw("A call, step by step", words, chart.waterfall(measured, "call")),
            drawn.draw("A login, step by step", words, chart.waterfall(measured, "login")),
            drawn.draw(
                "Percentiles",
                "How long the fastest, the median and so on up to the slowest of each took.",
                chart.percentiles(measured, TIMES),
            ),
        ),
    )


def _quality(run: Run, drawn: _Charts) -> str:
    names = [f"{kind}.{one}" for kind in ("audio", "video")
             for one in ("mos", "loss", "jitter", "rtt", "rate")]  # fmt: skip
    table = _distributions(run.measurements, [name for name in names if name in METRICS])
    if not table:
        return ""
    points = run.measurements.points
    figures = [
        drawn.draw(title, words, chart.spread_over_time(points, name))
        for name, title, words in (
            ("audio.jitter", "Audio jitter", "Of the legs that ended at each moment."),
            ("video.jitter", "Video jitter", "Of the legs that ended at each moment."),
        )
        if run.measurements.distribution(name) is not None
    ]
    counters = run.measurements.counters
    rows = [
        [("", kind), *(("number", f"{counters[f'{kind}.{one}']:,}") for one in PACKETS)]
        for kind in ("audio", "video")
        if counters[f"{kind}.sent"]
    ]
    packets = _table((("", "packets"), *(("number", one) for one in PACKETS)), rows)
    words = '<p class="soft">One value for each leg: each side of each call, as it received.</p>'
    return _section("Quality of media", words, table, "<br>", packets, "<br>", _grid(*figures))


def _errors(run: Run, drawn: _Charts) -> str:
    causes = run.measurements.causes.most_common(MAX_CAUSES)
    if not causes:
        return _section("Errors", '<p class="soft">There were none.</p>')
    rows = [
        (("number", f"{count:,}"), ("", escape(what)), ("", escape(why)))
        for (what, why), count in causes
    ]
    head = (("number", "times"), ("", "what"), ("", "why"))
    figure = drawn.draw(
        "When", "Failures, dropped iterations and late starts.",
        chart.failures(run.measurements.points),
    )  # fmt: skip
    return _section("Errors", _table(head, rows), _grid(figure))


def _generator(run: Run, drawn: _Charts) -> str:
    points = run.measurements.points
    rows = [
        (
            ("number", f"{one.number}"),
            ("", escape(one.host or "never ready")),
            ("number", f"{one.pid or ''}"),
            ("bad" if one.lost else "good", escape(f"lost: {one.lost}" if one.lost else "whole")),
        )
        for one in run.shards
    ]
    head = (("number", "shard"), ("", "machine"), ("number", "process"), ("", ""))
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
        _table(head, rows),
    )


def _everything(measured: Measurements) -> str:
    names = [name for name, metric in METRICS.items() if metric.kind == "distribution"]
    counters = [
        (("", f"<code>{name}</code>"), ("number", f"{measured.counters[name]:,}"),
         ("", escape(metric.meaning)))
        for name, metric in METRICS.items()
        if metric.kind == "counter" and measured.counters[name]
    ]  # fmt: skip
    head = (("", "counter"), ("number", "value"), ("", "what it is"))
    return (
        "<details><summary>Everything that was measured</summary>"
        f"{_distributions(measured, names)}<br>{_table(head, counters)}</details>"
    )


def _distributions(measured: Measurements, names: Iterable[str]) -> str:
    parts = ("min", "p05", "p50", "p95", "p99", "max")
    rows = []
    for name in names:
        if not measured.value(name, "count"):
            continue
        unit = METRICS[name].unit
        cells = [("number", escape(shown(measured.value(name, part), unit))) for part in parts]
        count = int(measured.value(name, "count") or 0)
        rows.append((("", f"<code>{name}</code>"), ("number", f"{count:,}"), *cells))
    if not rows:
        return ""
    head = (("", "metric"), ("number", "values"), *(("number", part) for part in parts))
    return _table(head, rows)


def _table(head: Sequence[tuple[str, str]], rows: Iterable[Sequence[tuple[str, str]]]) -> str:
    """Return a table; each cell is a class and its HTML."""

    def cells(tag: str, row: Sequence[tuple[str, str]]) -> str:
        return "".join(
            f'<{tag} class="{kind}">{text}</{tag}>' if kind else f"<{tag}>{text}</{tag}>"
            for kind, text in row
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table><thead><tr>{cells("th", head)}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
