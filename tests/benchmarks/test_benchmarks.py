"""Every benchmark runs and gives figures; how large they are is no test's business."""

import asyncio
import sys
from pathlib import Path

import pytest
from callboard.benchmarks import floor, leg
from callboard.benchmarks.partner import partner
from callboard.benchmarks.played import make_file
from callboard.benchmarks.report import BENCHMARKS, machine, page
from callboard.benchmarks.result import Figure, Result, number, percentile
from callboard.benchmarks.trial import trial
from callboard.tests.conftest import Run

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.timeout(400)  # there are many, one after the other
def test_every_benchmark_gives_figures(run: Run) -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(FOLDER / "report.py"), "--quick"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        tables = out.decode().split("## ")[1:]
        assert len(tables) == len(BENCHMARKS)
        for table in tables:
            head, rule, *rows = [line for line in table.splitlines() if line.startswith("| ")]
            assert head.startswith("| what | ours |")
            assert set(rule) <= set("|- ")
            assert rows
            assert all(len(row.split("|")) == len(head.split("|")) for row in rows)

    run(main)


def test_trials_and_partners_that_count_are_processes_of_their_own(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        file = tmp_path / "played.ogg"
        await asyncio.to_thread(make_file, file, 1)
        async with partner(leg.peer, file=str(file)) as ask:
            first, second = [await ask({}) for _ in range(2)]
            assert first["count"] == []
            assert second["cpu"] > first["cpu"] > 0
        assert (await trial(floor.packets, times=10)).keys()

    run(main)


def test_all_benchmarks_are_known_to_the_report() -> None:
    assert all((FOLDER / f"{name}.py").exists() for name in BENCHMARKS)
    assert any("cores" in line for line in machine())
    text = page(["Machine: one"], [str(Result("Title", "How."))])
    assert text.startswith("# Speed and memory")
    assert "- Machine: one" in text
    assert "## Title" in text


@pytest.mark.parametrize(("better", "ratio"), [("low", 4.0), ("high", 0.25)])
def test_a_ratio_says_how_many_times_better_ours_is(better: str, ratio: float) -> None:
    figure = Figure("speed", 2.0, {"others": 8.0}, better=better)
    assert figure.ratios() == {"others": ratio}
    assert Figure("speed", None, {"others": 8.0}).ratios() == {}


def test_numbers_have_three_digits_that_count() -> None:
    assert [number(value) for value in (0.01234, 1.234, 99.96, 1234.5)] == [
        *("0.0123", "1.23", "100", "1,234")
    ]


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (1.0, 100)])
def test_percentiles_are_by_nearest_rank(share: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value
