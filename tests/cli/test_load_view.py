"""What people see while a load test runs."""

import asyncio
import io
from pathlib import Path

import pytest
from callboard.cli.views.load_view import ENDING, LineLoadView, LiveLoadView, make_load_view
from callboard.load import load_plan
from callboard.load.measure.tally import Tally
from callboard.load.run.run import Run
from callboard.tests.conftest import Run as RunFixture
from rich.console import Console

PLAN = """\
accounts: [{jid: "a-{1..4}@localhost"}]
phases:
  - login: {}
  - {name: warm up, idle: {duration: 5s}}
  - call: {rate: 1/s, duration: 10s}
  - {message: {rate: 1/s, duration: 10s}, start: with}
  - {name: more, call: {rate: 1/s, duration: 10s}}
  - {name: again, call: {rate: 1/s, duration: 10s}}
  - {name: once more, call: {rate: 1/s, duration: 10s}}
  - logout: {}
"""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def half_way(tmp_path: Path) -> Run:
    """A run in its calls."""
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    found = Run(load_plan(tmp_path / "plan.yaml"), tmp_path, shards=2)
    for place, one in enumerate(found.phases[:4]):
        one.begin([0], float(place))
    for one in found.phases[:2]:
        one.end(0, 2.0)
    tally = Tally()
    tally.gauge("accounts.online", 4)
    tally.gauge("calls.active", 2)
    tally.of(0).count("login.started", 4)
    tally.of(0).count("login.ok", 4)
    tally.of(0).record("login", 0.025)
    tally.of(2).count("call.started", 3)
    tally.of(2).record("call.setup", 0.25)
    tally.of(2).fail("call", "failed: connectivity-error")
    found.measurements.merge(0, tally.take())
    return found


def drawn(run: Run, width: int, height: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", str(height))
    monkeypatch.setenv("TERM", "xterm")
    view = make_load_view("plan.yaml", Terminal())
    assert isinstance(view, LiveLoadView)
    try:
        view.see(run.measurements.close(3.0))
        console = Console(width=width, file=io.StringIO(), record=True)
        console.print(view.picture(run))
        return console.export_text().splitlines()
    finally:
        view.close()


def test_it_shows_phases_rates_percentiles_and_errors(
    half_way: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = drawn(half_way, 100, 40, monkeypatch)
    text = "\n".join(lines)
    assert "4 of 4 accounts online, 2 calls, 2 shards" in lines[0]
    assert [name in text for name in ("warm up", "once more", "logout")] == [True] * 3
    login = next(line.split() for line in lines if line.startswith("login ") and "━" not in line)
    assert login[1:] == ["1.3", "4", "4", "0", "0"]
    (setup,) = (line for line in lines if line.startswith("call setup"))
    assert setup.count("250 ms") == 5
    assert "failed: connectivity-error" in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 18), (60, 24)])
def test_a_low_terminal_has_the_phase_that_goes_on_and_all_the_rest(
    half_way: Run, monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    lines = drawn(half_way, width, height, monkeypatch)
    assert len(lines) < height
    text = "\n".join(lines)
    assert all(words in text for words in ("call ", "message", "call setup", "connectivity-error"))


def test_elsewhere_lines_say_what_begins_and_how_it_goes(half_way: Run, run: RunFixture) -> None:
    stream = io.StringIO()
    view = make_load_view("plan.yaml", stream)
    assert isinstance(view, LineLoadView)

    async def main() -> None:
        drawing = asyncio.create_task(view.draw(half_way))
        for one in half_way.phases[4:]:
            one.begin([0], 4.0)
        await drawing  # it has nothing more to say when all have begun

    run(main)
    for at in range(5):
        view.see(half_way.measurements.close(float(at + 3)))
    view.ending()
    lines = stream.getvalue().splitlines()
    assert "     1 s  warm up begins" in lines
    assert "     7 s  4 online, 2 calls" in lines
    assert lines[-1].strip() == ENDING
