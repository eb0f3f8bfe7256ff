"""What an actor runs beside its messages: spawn, pipe, after; and which method handles what."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from callboard.actors.runtime.actor import AsyncioActor, handles
from callboard.actors.runtime.tasks import Timer
from callboard.tests.conftest import Run
from pykka import ActorDeadError

OnEachLoop = Callable[[Callable[[], Any]], None]


@dataclass(frozen=True, slots=True)
class Do:
    """Give the answer of a function that is called with the actor."""

    work: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Note:
    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    error: Exception


class Worker(AsyncioActor):
    def __init__(self) -> None:
        super().__init__()
        self.diary: list[Any] = []
        self.changed = asyncio.Event()

    @handles(Do)
    def do(self, message: Do) -> Any:
        return message.work(self)

    @handles(Note, Failed)
    def note(self, message: Note | Failed) -> None:
        self.diary.append(message)
        self.changed.set()

    def on_stop(self) -> None:
        self.diary.append("stopped")


async def seven() -> int:
    await asyncio.sleep(0)
    return 7


async def fail() -> int:
    await asyncio.sleep(0)
    raise KeyError("x")


def piped(work: Callable[[], Any], actor: Worker) -> Any:
    return actor.pipe(work(), Note, Failed)


async def hang(diary: list[Any]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        diary.append("cleaned")


def test_pipe_tells_the_result_or_the_failure(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ref = Worker.start()
        changed = await ref.ask(Do(lambda actor: actor.changed), block=False)
        diary = await ref.ask(Do(lambda actor: actor.diary), block=False)
        for work, expected in ((seven, "Note(value=7)"), (fail, "Failed(error=KeyError('x'))")):
            ref.tell(Do(partial(piped, work)))
            await changed.wait()
            changed.clear()
            assert repr(diary.pop()) == expected
        await ref.stop(block=False)

    on_each_loop(main)


@pytest.mark.parametrize(
    "start",
    [lambda actor: actor.pipe(fail(), Note), lambda actor: actor.spawn(fail())],
    ids=["pipe", "spawn"],
)
def test_unexpected_failure_of_a_task_fails_the_actor(
    on_each_loop: OnEachLoop, start: Callable[[Any], Any]
) -> None:
    async def main() -> None:
        ref = Worker.start()
        ref.tell(Do(start))
        assert isinstance(await ref.ended, KeyError)

    on_each_loop(main)


def test_base_exception_of_a_task_fails_its_actor_alone(on_each_loop: OnEachLoop) -> None:
    async def end() -> None:
        raise asyncio.CancelledError

    async def main() -> None:
        ref = Worker.start()
        changed = await ref.ask(Do(lambda actor: actor.changed), block=False)
        diary = await ref.ask(Do(lambda actor: actor.diary), block=False)
        ref.tell(Do(lambda actor: actor.pipe(end(), Note, Failed)))
        await changed.wait()
        assert isinstance(diary[0].error, RuntimeError)
        await ref.stop(block=False)

    on_each_loop(main)


def test_cancelled_pipe_tells_nothing(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ref = Worker.start()
        diary = await ref.ask(Do(lambda actor: actor.diary), block=False)
        task = await ref.ask(Do(lambda actor: actor.pipe(hang(diary), Note, Failed)), block=False)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await ref.stop(block=False)
        assert diary == ["cleaned", "stopped"]

    on_each_loop(main)


def test_what_is_cancelled_before_it_began_is_closed(on_each_loop: OnEachLoop) -> None:
    """Else Python warns of a coroutine that nobody awaited, as the harness does not let pass."""

    async def main() -> None:
        ref = Worker.start()
        diary = await ref.ask(Do(lambda actor: actor.diary), block=False)
        ref.tell(Do(lambda actor: actor.pipe(hang(diary), Note, Failed)))
        ref.stop(block=False)
        await ref.ended
        assert diary == ["stopped"]

    on_each_loop(main)


@pytest.mark.parametrize("end", ["stop", "kill", "fail"])
def test_tasks_and_timers_end_before_their_actor(on_each_loop: OnEachLoop, end: str) -> None:
    async def main() -> None:
        ref = Worker.start()
        diary = await ref.ask(Do(lambda actor: actor.diary), block=False)
        task = await ref.ask(Do(lambda actor: actor.spawn(hang(diary))), block=False)
        timer: Timer = await ref.ask(Do(lambda actor: actor.after(60, Note(1))), block=False)
        actor = await ref.ask(Do(lambda actor: actor), block=False)
        await asyncio.sleep(0)
        if end == "fail":
            ref.tell(Do(lambda _: 1 / 0))
        elif end == "kill":
            ref.kill()
        else:
            ref.stop(block=False)
        await ref.ended
        assert task.cancelled()
        assert not timer.is_pending
        assert diary == ["cleaned"] + ["stopped"] * (end != "fail")
        with pytest.raises(ActorDeadError):
            actor.spawn(seven())
        with pytest.raises(ActorDeadError):
            actor.after(0, Note(1))

    on_each_loop(main)


def test_actor_can_stop_from_a_task_of_its_own(on_each_loop: OnEachLoop) -> None:
    async def main() -> None:
        ref = Worker.start()

        async def stop() -> None:
            await ref.stop(block=False)

        ref.tell(Do(lambda actor: actor.spawn(stop())))
        assert await ref.ended is None

    on_each_loop(main)


def test_after_tells_in_time_unless_cancelled(run: Run) -> None:
    async def main() -> None:
        ref = Worker.start()
        diary = await ref.ask(Do(lambda actor: actor.diary), block=False)
        ref.tell(Do(lambda actor: actor.after(3600, Note("late"))))
        ref.tell(Do(lambda actor: actor.after(60, Note("early"))))
        timer: Timer = await ref.ask(Do(lambda actor: actor.after(120, Note("never"))), block=False)
        assert timer.is_pending
        timer.cancel()
        timer.cancel()
        await asyncio.sleep(61)
        assert diary == [Note("early")]
        await asyncio.sleep(3600)
        assert diary == [Note("early"), Note("late")]
        await ref.stop(block=False)

    run(main, loop="virtual")


def test_message_without_handler_is_logged_and_ignored(
    on_each_loop: OnEachLoop, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        ref = Worker.start()
        ref.tell("what?")
        await ref.stop(block=False)
        (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
        assert record.getMessage() == f"Unexpected message received by {ref}: what?"

    on_each_loop(main)


def test_handlers_are_inherited_overridden_and_taken_over(run: Run) -> None:
    class Special(Note):
        pass

    class Child(Worker):
        def note(self, message: Note | Failed) -> Any:
            return "overridden"

        @handles(Special)
        async def special(self, message: Special) -> str:
            return f"special {message.value}"

        @handles(Do)
        def other(self, message: Do) -> str:
            return "taken over"

    class Subnote(Note):
        pass

    async def main() -> None:
        ref = Child.start()
        answers = [
            await ref.ask(message, block=False)
            for message in (Note(1), Special(1), Subnote(1), Failed(KeyError()), Do(print))
        ]
        assert answers == ["overridden", "special 1", "overridden", "overridden", "taken over"]
        await ref.stop(block=False)

    run(main)


def test_one_message_has_one_handler() -> None:
    with pytest.raises(TypeError, match=r"one\(\) and two\(\) both handle Note"):

        class Torn(AsyncioActor):
            @handles(Note)
            def one(self, message: Note) -> None: ...

            @handles(Note)
            def two(self, message: Note) -> None: ...
