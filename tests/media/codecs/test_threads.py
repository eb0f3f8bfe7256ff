"""Where live streams are encoded and decoded."""

import asyncio
import threading

import pytest
from callboard.media.codecs.threads import CodecThreads, Lane
from callboard.tests.conftest import Run


async def result(lane: Lane, job: object) -> object:
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    def done(value: object, error: Exception | None) -> None:
        future.set_result(value) if error is None else future.set_exception(error)

    lane.run(job, done)  # type: ignore[arg-type]
    return await future


def test_a_lane_keeps_its_order_away_from_the_loop(run: Run) -> None:
    seen: dict[int, list[tuple[int, int]]] = {number: [] for number in range(9)}

    async def main() -> None:
        threads = CodecThreads.running()
        assert CodecThreads.running() is threads
        lanes = {number: threads.lane() for number in seen}
        ended = []
        for at in range(50):
            for number, lane in lanes.items():

                def job(number: int = number, at: int = at) -> None:
                    seen[number].append((at, threading.get_ident()))

                ended.append(asyncio.ensure_future(result(lane, job)))
            await asyncio.sleep(0)
        await asyncio.gather(*ended)

    run(main)
    for jobs in seen.values():
        assert [at for at, _ in jobs] == list(range(50))
        assert len({thread for _, thread in jobs}) == 1
        assert threading.get_ident() not in {thread for _, thread in jobs}


def test_what_is_handed_over_in_one_turn_comes_back_in_one(run: Run) -> None:
    turns: list[int] = []

    async def main() -> None:
        turn = 0
        lane = CodecThreads.running().lane()
        everything: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(number: int | None, error: Exception | None) -> None:
            assert error is None
            turns.append(turn)
            if number == 19:
                everything.set_result(None)

        for number in range(20):
            lane.run(lambda number=number: number, done)  # type: ignore[misc]
        while not everything.done():
            await asyncio.sleep(0)
            turn += 1

    run(main)
    assert len(turns) == 20
    assert len(set(turns)) == 1


def test_a_job_that_fails_tells_why_and_harms_no_other(run: Run) -> None:
    async def main() -> None:
        lane = CodecThreads.running().lane()
        jobs = [lambda: 1, lambda: 1 // 0, lambda: 3]
        results = await asyncio.gather(*(result(lane, job) for job in jobs), return_exceptions=True)
        assert results[::2] == [1, 3]
        assert isinstance(results[1], ZeroDivisionError)

    run(main)


def test_who_fails_to_use_a_result_is_told_and_harms_no_other(run: Run) -> None:
    async def main() -> None:
        told: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
        lane = CodecThreads.running().lane()
        lane.run(lambda: 1, lambda *_: 1 // 0)  # type: ignore[arg-type]
        assert await result(lane, lambda: 2) == 2
        assert [type(each) for each in told] == [ZeroDivisionError]

    run(main)


@pytest.mark.parametrize("running", [False, True])
def test_a_closed_lane_hears_of_nothing(run: Run, running: bool) -> None:
    async def main() -> None:
        gate, began = threading.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        threads = CodecThreads.running()
        lane = threads.lane()
        heard: list[object] = []

        def job() -> None:
            loop.call_soon_threadsafe(began.set)
            gate.wait()

        lane.run(job, lambda *each: heard.append(each))
        if running:
            await began.wait()
        lane.close()
        lane.run(lambda: 1, lambda *each: heard.append(each))
        gate.set()
        for other in [threads.lane() for _ in range(CodecThreads.MOST)]:
            await result(other, lambda: 1)
        assert not heard

    run(main)
