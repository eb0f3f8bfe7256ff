"""What people see while a load test runs: a live view on a terminal, lines elsewhere."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TextIO

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...control.load_run.summary import MOST_ERRORS, summary
from ...load.measure.measurements import Point
from ...load.run.progress import PhaseRun
from ...load.run.run import Run
from ...load.run.verdict import Verdict, shown
from .load_tables import TIMES, error_table, rate_table, time_table
from .printable import printable
from .terminal import Terminal

ENDING = "stopping in order; press Ctrl-C again to stop at once"
REFRESH = 4
"""Times a second that the live view is drawn."""
FEWEST_PHASES = 3
"""Phases that are shown on a low terminal, too."""


class LoadView(Protocol):
    """Shows a run as it goes."""

    def see(self, point: Point) -> None:
        """Take what was measured in an interval."""

    async def draw(self, run: Run) -> None:
        """Draw again and again, until cancelled."""

    def say(self, words: str) -> None:
        """Tell something that has nothing to do with the run's course."""

    def ending(self) -> None:
        """Note that somebody has asked for the end."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


def make_load_view(name: str, stream: TextIO | None = None) -> LoadView:
    """Return the view that fits: live on a terminal, else lines.

    Args:
        name: of the plan.
        stream: where it goes; standard output if not given.
    """
    out = sys.stdout if stream is None else stream
    return LiveLoadView(name, out) if out.isatty() else LineLoadView(name, out)


class LineLoadView:
    """A line now and then, for pipes and logs.

    Args:
        name: of the plan.
        stream: where the lines go.
    """

    EVERY = 5

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._seen = 0
        self._told = False

    def see(self, point: Point) -> None:
        """Print every fifth point."""
        self._seen += 1
        if self._seen % self.EVERY:
            return
        words = [f"{point.gauges.get('accounts.online', 0):,.0f} online"]
        words.append(f"{point.gauges.get('calls.active', 0):,.0f} calls")
        words += [
            f"{TIMES[name]} p95 {shown(point.spreads[name].p95, 's')}"
            for name in ("login", "call.setup", "message.delivery")
            if name in point.spreads
        ]
        print(f"{point.at:6.0f} s  {', '.join(words)}", file=self._stream, flush=True)

    async def draw(self, run: Run) -> None:
        """Print where the embedded server listens, and when a phase begins."""

        async def told(one: PhaseRun) -> None:
            await one.begun()
            if run.port and not self._told:
                self._told = True
                place = f"the embedded server listens on 127.0.0.1:{run.port}"
                print(f"{one.began:6.0f} s  {place}", file=self._stream, flush=True)
            words = f"{one.began:6.0f} s  {printable(one.title)} begins"
            print(words, file=self._stream, flush=True)

        async with asyncio.TaskGroup() as phases:
            for one in run.phases:
                phases.create_task(told(one))

    def say(self, words: str) -> None:
        """Print it."""
        print(words, file=self._stream, flush=True)

    def ending(self) -> None:
        """Print that the end was asked for."""
        print(f"          {ENDING}", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is left open."""


class LiveLoadView:
    """Progress of the phases, rates, percentiles, errors; drawn anew.

    Args:
        name: of the plan.
        stream: the terminal.
    """

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._point: Point | None = None
        self._console = Terminal(stream)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def see(self, point: Point) -> None:
        """Take what was measured in an interval."""
        self._point = point

    async def draw(self, run: Run) -> None:
        """Draw again and again, until cancelled."""
        while True:
            self._live.update(self.picture(run), refresh=True)
            await asyncio.sleep(1 / REFRESH)

    def say(self, words: str) -> None:
        """Print it above the picture; links stay whole."""
        self._console.print(Text(words), soft_wrap=True)

    def ending(self) -> None:
        """Nothing: the picture says so."""

    def close(self) -> None:
        """Take the picture off the terminal."""
        self._live.stop()

    def picture(self, run: Run) -> Group:
        """Return the picture as it is now."""
        told = summary(run)
        tables = [] if self._point is None else [rate_table(told.rates), time_table(told.times)]
        if told.errors:
            tables.append(error_table(told.errors))
        # Each table has a row of names above it; what is left is the phases'.
        used = 1 + sum(1 + table.row_count for table in tables if table.row_count)
        phases = _phases(run, max(FEWEST_PHASES, self._console.height - 1 - used))
        return Group(
            _title(self._name, run, self._point),
            phases,
            *(table for table in tables if table.row_count),
        )


def _title(name: str, run: Run, point: Point | None) -> Text:
    gauges = {} if point is None else point.gauges
    lost = sum(bool(one.lost) for one in run.shards)
    words = (
        f"{name}  {_clock(run.elapsed)}  {gauges.get('accounts.online', 0):,.0f} of "
        f"{len(run.plan.accounts):,} accounts online, {gauges.get('calls.active', 0):,.0f} calls, "
        f"{len(run.shards)} shards"
    )
    if run.port:
        words += f", server on 127.0.0.1:{run.port}"
    title = Text(printable(words), "bold")
    if run.is_ending:
        title.append(f"  {ENDING}", "yellow")
    if lost:
        title.append(f", {lost} lost", "bold red")
    return title


def _window(phases: Sequence[PhaseRun], size: int) -> Sequence[PhaseRun]:
    """Return as many phases as there is room for: what goes on, and what is next to it."""
    going = [place for place, one in enumerate(phases) if one.began is not None and not one.ended]
    first = min([*going, sum(one.began is not None for one in phases)])
    first = max(0, min(first - 1, len(phases) - size))
    return phases[first : first + size]


def _phases(run: Run, size: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for one in _window(run.phases, size):
        if one.began is None:
            style, words, done = "dim", "did not begin" if run.is_ending else "", 0.0
        elif one.ended is not None:
            style, words, done = "green", _clock(one.ended - one.began), 1.0
        else:
            going = run.elapsed - one.began
            style, words = "cyan", _clock(going)
            done = min(0.99, going / max(0.1, run.planned_seconds(one.phase)))
        bar = ProgressBar(total=1.0, completed=done, width=30, complete_style=style)
        table.add_row(Text(printable(one.title), style), bar, Text(words, "dim"))
    return table


def print_verdict(run: Run, verdict: Verdict, written: Sequence[Path]) -> None:
    """Say how a run ended.

    Args:
        run: what was run.
        verdict: how it ended.
        written: the files of the report.
    """
    console = Terminal()
    good = not verdict.status
    mark = "✓" if good else "✗"
    words = f"{mark} {printable(verdict.sentence)}"
    console.print(Text(words, "bold green" if good else "bold red"), soft_wrap=True)
    for check in verdict.checks:
        measured = f"{printable(check.text)}   measured: {shown(check.value, check.unit)}"
        style = "green" if check.held else "red"
        line = Text.assemble("  ", ("✓ " if check.held else "✗ ", style), measured)
        console.print(line, soft_wrap=True)
    for warning in verdict.warnings:
        line = Text.assemble("  ", ("! ", "yellow"), printable(warning))
        console.print(line, soft_wrap=True)
    for (what, why), count in run.measurements.causes.most_common(MOST_ERRORS):
        console.print(f"  {what}: {why} ({count:,})", soft_wrap=True)
    report = next((path for path in written if path.suffix == ".html"), None)
    if report is not None:
        console.print(f"Report: {report}", soft_wrap=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
