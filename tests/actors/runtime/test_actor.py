"""AsyncioActor beyond Pykka's contract: loops, hooks, order, and the ways to end."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from callboard.actors.runtime.actor import AsyncioActor
from callboard.actors.runtime.future import AsyncioFuture
from callboard.actors.runtime.threading_actor import ThreadingActor
from pykka import ActorDeadError, ActorRegistry

OnEachLoop = Callable[[Callable[[], Any]], None]


@pytest.fixture(autouse=True)
def no_actor_is_left() -> Iterator[None]:
    yield
    assert ActorRegistry.get_all() == []


class Recorder(AsyncioActor):
    """Does what it is told, a callable or coroutine function, and keeps a diary."""

    def __init__(self, diary: list[Any] | None = None) -> None:
        super().__init__()
        self.diary: list[Any] = [] if diary is None else diary
        self.future: AsyncioFuture[int] = AsyncioFuture()

    def on_start(self) -> None:
        self.diary.append("start")

    async def on_stop(self) -> None:
        self.diary.append("stopping")
        await asyncio.sleep(0)
        self.diary.append("stopped")

    async def on_failure(self, kind: Any, error: Any, traceback: Any, /) -> None:
        await asyncio.sleep(0)
        self.diary.append(error)

    def on_receive(self, message: Any) -> Any:
        return message() if callable(message) else self.diary.append(message)

    async def slowly(self, value: Any) -> Any:
        await asyncio.sleep(0)
        self.diary.append(value)
        return value


def test_hooks_and_handlers_may_be_async(on_each_loop: OnEachLoop) -> None:
    diary: list[Any] = []

    async def main() -> None:
        ref = Recorder.start(diary)
        await ref.started
        assert await ref.proxy().slowly(7) == 7
        assert await ref.ask(lambda: 8, block=False) == 8
        assert await ref.stop(block=False) is True
        assert await ref.ended is None
        assert diary == ["start", 7, "stopping", "stopped"]
        assert await ref.stop(block=False) is False
        diary.clear()

    on_each_loop(main)


def test_one_message_at_a_time_in_order(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        proxy = ref.proxy()
        for number in range(200):
            if number % 2:
                ref.tell(number)
            else:
                proxy.slowly.defer(number)
        await ref.stop(block=False)
        assert diary == ["start", *range(200), "stopping", "stopped"]

    on_each_loop(main)


def test_start_needs_a_loop_and_registers_nothing_without() -> None:
    with pytest.raises(RuntimeError, match="needs a running event loop"):
        Recorder.start()


def test_starts_on_the_class_loop_from_any_thread(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        class Elsewhere(Recorder):
            loop = asyncio.get_running_loop()

        def work() -> Any:
            ref = Elsewhere.start()
            ref.tell(7)
            ref.started.get(timeout=10)
            assert ref.proxy().diary.get(timeout=10) == ["start", 7]
            assert ref.ask(asyncio.get_running_loop, timeout=10) is Elsewhere.loop
            assert ref.stop(timeout=10) is True
            assert ref.ended.get(timeout=10) is None

        await asyncio.to_thread(work)

    on_each_loop(main)


def test_started_raises_what_on_start_raised(on_each_loop: OnEachLoop) -> None:
    class Broken(Recorder):
        async def on_start(self) -> None:  # type: ignore[override] # plain in Recorder
            await asyncio.sleep(0)
            raise KeyError("start")

    async def main() -> None:
        diary: list[Any] = []
        ref = Broken.start(diary)
        asked = ref.ask("hello", block=False)
        with pytest.raises(KeyError, match="start"):
            await ref.started
        with pytest.raises(ActorDeadError):
            await asked
        assert isinstance(await ref.ended, KeyError)
        assert diary == []
        with pytest.raises(ActorDeadError):
            ref.tell("hello")

    on_each_loop(main)


def test_failure_of_an_ask_is_the_askers_and_of_a_tell_the_actors(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        for work in (lambda: 1 / 0, fail):
            with pytest.raises(ZeroDivisionError):
                await ref.ask(work, block=False)
        assert ref.is_alive()
        ref.tell(fail)
        asked = ref.ask("hello", block=False)
        error = await ref.ended
        assert isinstance(error, ZeroDivisionError)
        assert diary == ["start", error]
        with pytest.raises(ActorDeadError):
            await asked

    on_each_loop(main)


async def fail() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, BaseException])
def test_base_exception_stops_one_actor(
    on_each_loop: OnEachLoop, kind: type[BaseException]
) -> None:
    def leave() -> None:
        raise kind

    async def main() -> None:
        other = Recorder.start()
        for use in ("ask", "tell"):
            diary: list[Any] = []
            ref = Recorder.start(diary)
            if use == "tell":
                ref.tell(leave)
            else:
                with pytest.raises(ActorDeadError):
                    await ref.ask(leave, block=False)
            assert isinstance(await ref.ended, kind)
            assert diary == ["start", "stopping", "stopped"]
        assert await other.ask(lambda: 7, block=False) == 7
        await other.stop(block=False)

    on_each_loop(main)


def test_base_exception_in_a_hook_stops_one_actor(on_each_loop: OnEachLoop) -> None:
    class Broken(AsyncioActor):
        def on_start(self) -> None:
            raise SystemExit

    async def main() -> None:
        ref = Broken.start()
        with pytest.raises(ActorDeadError):
            await ref.started
        assert isinstance(await ref.ended, SystemExit)

    on_each_loop(main)


def test_stop_queues_behind_and_refuses_what_comes_after(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        gate = asyncio.Event()
        ref.tell(gate.wait)
        before = ref.ask(lambda: 7, block=False)
        stopping = [ref.stop(block=False) for _ in range(2)]
        after = ref.ask("hello", block=False)
        ref.tell("hello")
        gate.set()
        assert await before == 7
        assert [await each for each in stopping] == [True, True]
        with pytest.raises(ActorDeadError):
            await after
        assert "hello" not in diary

    on_each_loop(main)


def test_kill_cancels_at_once(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        asked = [ref.ask(work, block=False) for work in (asyncio.Event().wait, "hello")]
        await ref.started
        ref.kill()
        for each in asked:
            with pytest.raises(ActorDeadError):
                await each
        assert isinstance(await ref.ended, asyncio.CancelledError)
        assert diary == ["start", "stopping", "stopped"]
        ref.kill()

    on_each_loop(main)


def test_kill_from_a_thread_and_of_an_idle_actor(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ref = Recorder.start()
        await ref.started
        await asyncio.to_thread(ref.kill)
        assert isinstance(await ref.ended, asyncio.CancelledError)

    on_each_loop(main)


def test_kill_before_the_start_runs_no_hook(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        asked = ref.ask("hello", block=False)
        ref.kill()
        with pytest.raises(ActorDeadError):
            await ref.started
        with pytest.raises(ActorDeadError):
            await asked
        assert diary == []

    on_each_loop(main)


def test_kill_ends_a_handler_that_ignores_its_cancellation(on_each_loop: OnEachLoop) -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "still here"
        raise AssertionError

    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        asked = ref.ask(stubborn, block=False)
        ref.tell("hello")
        await ref.started
        await asyncio.sleep(0)
        ref.kill()
        assert await asked == "still here"
        await ref.ended
        assert diary == ["start", "stopping", "stopped"]

    on_each_loop(main)


def test_second_kill_cancels_on_stop(on_each_loop: OnEachLoop) -> None:
    class Slow(AsyncioActor):
        async def on_stop(self) -> None:
            await asyncio.Event().wait()

    async def main() -> None:
        ref = Slow.start()
        await ref.started
        stopping = ref.stop(block=False)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not ref.is_alive()
        assert not stopping.done()
        ref.kill()
        await ref.ended
        assert await stopping is True

    on_each_loop(main)


def test_cancellation_met_in_a_handler_is_a_failure(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()

        async def meet() -> None:
            await gone

        ref = Recorder.start()
        with pytest.raises(ActorDeadError):
            await ref.ask(meet, block=False)
        assert isinstance(await ref.ended, asyncio.CancelledError)

    on_each_loop(main)


def test_end_of_the_loop_ends_its_actors() -> None:
    diary: list[Any] = []
    refs = []

    async def main() -> None:
        refs.append(Recorder.start(diary))
        refs.append(Recorder.start(diary))
        refs.append(Recorder.start(diary))
        await refs[0].started

    with asyncio.Runner() as runner:
        runner.get_loop().run_until_complete(main())
    for ref in refs:
        assert isinstance(ref.ended.get(timeout=0), asyncio.CancelledError)
        with pytest.raises(ActorDeadError):
            ref.ask("hello")
    assert diary.count("start") == diary.count("stopped") == 3


def test_task_cancelled_before_its_first_step_is_an_end_too(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        asked = ref.ask("hello", block=False)
        for task in asyncio.all_tasks():
            if str(ref) in task.get_name():
                task.cancel()
        assert isinstance(await ref.ended, asyncio.CancelledError)
        with pytest.raises(ActorDeadError):
            await ref.started
        with pytest.raises(ActorDeadError):
            await asked
        assert diary == []

    on_each_loop(main)


def test_message_that_crosses_the_end_is_refused(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ref = Recorder.start()
        is_handling, is_sent = threading.Event(), threading.Event()

        def handle() -> None:
            is_handling.set()
            is_sent.wait()

        def cross() -> AsyncioFuture[Any]:
            is_handling.wait()
            asked = ref.ask("hello", block=False)
            is_sent.set()
            return asked

        ref.tell(handle)
        stopping = ref.stop(block=False)
        crossing = await asyncio.to_thread(cross)
        assert await stopping is True
        with pytest.raises(ActorDeadError):
            await crossing

    on_each_loop(main)


def test_actor_of_a_closed_loop_is_dead() -> None:
    loop = asyncio.SelectorEventLoop()
    ref = loop.run_until_complete(started())
    task = asyncio.all_tasks(loop).pop()
    loop.close()
    with pytest.raises(ActorDeadError):
        ref.tell("hello")
    with pytest.raises(ActorDeadError):
        ref.ask("hello")
    with pytest.raises(RuntimeError, match="closed"):
        task.cancel()
    ActorRegistry.unregister(ref)
    task.get_coro().close()


async def started() -> Any:
    ref = Recorder.start()
    await ref.started
    return ref


def test_own_future_as_attribute_is_not_awaited(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ref = Recorder.start()
        future = await ref.proxy().future
        assert isinstance(future, AsyncioFuture)
        ref.tell(lambda: future.set(7))
        assert await future == 7
        await ref.stop(block=False)

    on_each_loop(main)


def test_burst_lets_the_loop_have_a_turn(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        for number in range(1000):
            ref.tell(number)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert 0 < len(diary) < 200
        await ref.stop(block=False)
        assert len(diary) == 1003

    on_each_loop(main)


def test_blocking_ask_and_stop_are_refused_on_a_loop(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        diary: list[Any] = []
        ref = Recorder.start(diary)
        with pytest.raises(RuntimeError, match="freeze"):
            ref.ask("hello", timeout=1)
        with pytest.raises(RuntimeError, match="freeze"):
            ref.stop()
        await ref.started
        assert ref.is_alive()
        await ref.stop(block=False)
        assert "hello" not in diary

    on_each_loop(main)


def test_request_has_a_timeout(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ref = Recorder.start()
        assert await ref.request(lambda: 7, timeout=10) == 7
        with pytest.raises(ZeroDivisionError):
            await ref.request(fail, timeout=10)
        with pytest.raises(TimeoutError, match="did not answer"):
            await ref.request(asyncio.Event().wait, timeout=0)
        ref.kill()
        await ref.ended
        with pytest.raises(ActorDeadError):
            await ref.request("hello", timeout=10)

    on_each_loop(main)


def test_answers_of_a_threading_actor_are_awaited_natively(on_each_loop: OnEachLoop) -> None:
    class Worker(ThreadingActor):
        def on_receive(self, message: Any) -> Any:
            return message()

    async def main() -> None:
        release = threading.Event()
        ref = Worker.start()
        asked = ref.ask(release.wait, block=False)
        await asyncio.sleep(0)
        release.set()
        assert await asked is True
        assert await ref.request(threading.get_ident, timeout=10) != threading.get_ident()
        with pytest.raises(RuntimeError, match="freeze"):
            ref.stop()
        assert await ref.stop(block=False) is True
        assert await ref.stop(block=False) is False

    on_each_loop(main)


def test_failures_are_logged_with_the_actor(
    on_each_loop: OnEachLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        ref = Recorder.start()
        ref.tell(fail)
        await ref.ended
        assert [f"Unhandled exception in {ref}:"] == [
            record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR
        ]

    on_each_loop(main)
