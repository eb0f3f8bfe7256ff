"""An open arrival rate: late starts are counted, impossible ones dropped, none is skipped."""

import asyncio
from itertools import count

import pytest
from callboard.load.measure.tally import Tally
from callboard.load.plan.arrival import Arrivals, Segment
from callboard.load.run.pace import TOO_LATE, pace
from callboard.tests.conftest import Run
from callboard.tests.harness.virtual_time import VirtualTimeLoop


def test_slow_iterations_do_not_hold_up_others(run: Run) -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        started: list[float] = []

        async def start(_: int) -> None:
            started.append(loop.time())
            await asyncio.sleep(3600)

        tally = Tally()
        await pace("call", count(), Arrivals([Segment(10, 2, 2)]), start, tally)
        assert "iteration.late" not in tally.take().counters
        return started

    assert run(main, loop="virtual") == pytest.approx([index / 2 for index in range(20)])


def test_a_generator_that_can_not_keep_up_says_so(run: Run) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        started: list[int] = []

        async def start(index: int) -> None:
            started.append(index)
            if index == 0:
                loop.now += TOO_LATE + 1.1  # as if something had kept the loop for so long

        tally = Tally()
        await pace("call", count(), Arrivals([Segment(8, 1, 1)]), start, tally)
        counters = tally.take().counters
        assert counters["call.dropped"] == 1
        assert counters["iteration.late"] == 5
        assert started == [0, 2, 3, 4, 5, 6, 7]

    run(main, loop="virtual")
