"""AsyncioFuture beyond Pykka's contract: on a loop, and between loops and threads."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

import pykka
import pytest
from callboard.actors.runtime.future import AsyncioFuture
from callboard.tests.conftest import Run

OnEachLoop = Callable[[Callable[[], Any]], None]


async def awaited(future: AsyncioFuture[Any]) -> Any:
    return await future


def test_waits_without_blocking_the_loop(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        waiting = [asyncio.create_task(awaited(future)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not future.done()
        future.set(7)
        assert await asyncio.gather(*waiting) == [7, 7, 7]
        assert await future == future.get() == 7

    on_each_loop(main)


def test_is_set_from_a_thread(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        waiting = asyncio.create_task(awaited(future))
        await asyncio.sleep(0)
        await asyncio.to_thread(future.set, 7)
        assert await waiting == 7

    on_each_loop(main)


def test_is_got_in_a_thread_while_the_loop_goes_on(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        getting = asyncio.create_task(asyncio.to_thread(lambda: future.get(timeout=10)))
        await asyncio.sleep(0)
        future.set(7)
        assert await getting == 7

    on_each_loop(main)


def test_get_on_a_loop_raises_at_once_unless_the_value_is_here(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        for wants in (future, future.map(str), future.join(future)):
            with pytest.raises(RuntimeError, match="await the future instead"):
                wants.get()
            with pytest.raises(RuntimeError, match="await the future instead"):
                wants.get(timeout=10)
            with pytest.raises(pykka.Timeout):
                wants.get(timeout=0)
        future.set(7)
        assert future.get() == 7
        assert future.map(str).get() == "7"

    on_each_loop(main)


def test_two_loops_await_one_future(run: Run) -> None:
    future: AsyncioFuture[int] = AsyncioFuture()
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(awaited(future))))

    async def main() -> None:
        thread.start()
        waiting = asyncio.create_task(awaited(future))
        await asyncio.sleep(0)
        future.set(7)
        results.append(await waiting)
        await asyncio.to_thread(thread.join)

    run(main)
    assert results == [7, 7]


def test_exception_is_raised_at_everyone_with_its_traceback(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        waiting = [asyncio.create_task(awaited(future)) for _ in range(2)]
        await asyncio.sleep(0)
        try:
            raise KeyError("the origin")
        except KeyError:
            future.set_exception()
        for task in waiting:
            with pytest.raises(KeyError) as info:
                await task
            assert "the origin" in str(info.traceback[-1].statement)

    on_each_loop(main)


def test_a_failed_future_raises_the_error_from_here(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        try:
            raise KeyError("the origin")
        except KeyError as error:
            future.fail(error)
        for _ in range(2):
            with pytest.raises(KeyError, match="the origin") as info:
                await future
            assert not any("raise KeyError" in str(one.statement) for one in info.traceback)
        with pytest.raises(queue.Full):
            future.fail(KeyError("one more"))

    on_each_loop(main)


def test_exception_must_be_one() -> None:
    future: AsyncioFuture[int] = AsyncioFuture()
    with pytest.raises(ValueError, match="needs an exception"):
        future.set_exception()
    future.set_exception((KeyError, None, None))
    with pytest.raises(KeyError):
        future.get()
    with pytest.raises(queue.Full):
        future.set(1)


def test_derived_futures_are_awaited_natively(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[Any] = AsyncioFuture()
        other: AsyncioFuture[int] = AsyncioFuture()
        derived: list[AsyncioFuture[Any]] = [
            future.filter(lambda item: item > 1),
            future.map(len),
            future.reduce(lambda a, b: a + b, 10),
            future.map(len).map(str),
            future.join(other),
        ]
        waiting = [asyncio.create_task(awaited(each)) for each in derived]
        await asyncio.sleep(0)
        other.set(0)
        future.set([1, 2, 3])
        assert await asyncio.gather(*waiting) == [[2, 3], 3, 16, "3", [[1, 2, 3], 0]]

    on_each_loop(main)


def test_derived_future_computes_when_wanted_and_once(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        calls: list[int] = []
        mapped = future.map(calls.append)
        future.set(7)
        assert calls == []
        await asyncio.gather(awaited(mapped), awaited(mapped), asyncio.to_thread(mapped.get))
        assert calls == [7]

    on_each_loop(main)


def test_derived_future_raises_what_its_source_raised(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        mapped = future.map(str)
        future.set_exception((KeyError, KeyError("x"), None))
        for _ in range(2):
            with pytest.raises(KeyError):
                await mapped

    on_each_loop(main)


def test_join_awaits_futures_of_threads(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ours: AsyncioFuture[int] = AsyncioFuture()
        theirs: pykka.ThreadingFuture[int] = pykka.ThreadingFuture()
        failed: pykka.ThreadingFuture[int] = pykka.ThreadingFuture()
        waiting = asyncio.create_task(awaited(ours.join(theirs)))
        failing = asyncio.create_task(awaited(ours.join(failed)))
        await asyncio.sleep(0)
        ours.set(1)
        theirs.set(2)
        failed.set_exception((KeyError, KeyError("x"), None))
        assert await waiting == [1, 2]
        with pytest.raises(KeyError):
            await failing

    on_each_loop(main)


def test_get_hook_runs_beside_the_loop(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        release = threading.Event()
        hooked: AsyncioFuture[bool] = AsyncioFuture()
        hooked.set_get_hook(release.wait)
        waiting = asyncio.create_task(awaited(hooked))
        await asyncio.sleep(0)
        release.set()
        assert await waiting is True

        broken: AsyncioFuture[float] = AsyncioFuture()
        broken.set_get_hook(lambda timeout: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await broken

    on_each_loop(main)


def test_awaiting_can_be_cancelled(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        future: AsyncioFuture[int] = AsyncioFuture()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await future
        future.set(7)
        assert await future == 7

    on_each_loop(main)


def test_waiter_whose_loop_has_closed_holds_nobody_up() -> None:
    future: AsyncioFuture[int] = AsyncioFuture()
    waiting = awaited(future)
    loop = asyncio.SelectorEventLoop()

    async def begin() -> None:
        waiting.send(None)

    loop.run_until_complete(begin())
    loop.close()
    future.set(7)
    assert future.get() == 7
    waiting.close()


def test_done_callback_is_called_once_it_is_set_or_at_once() -> None:
    future: AsyncioFuture[int] = AsyncioFuture()
    seen: list[int] = []
    future.add_done_callback(lambda done: seen.append(done.get()))
    assert seen == []
    future.set(7)
    future.add_done_callback(lambda done: seen.append(done.get() + 1))
    assert seen == [7, 8]
