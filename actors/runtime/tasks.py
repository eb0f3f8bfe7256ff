"""What an actor runs beside its messages: tasks and timers that end with it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from msgspec import Struct
from pykka import ActorDeadError, ActorRef

__all__ = ["Crash", "Tasks", "Timer"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that a cancelled task may go on before its actor ends without it.
UNWILLING = 10.0


class Crash(Struct, frozen=True):
    """A task of the actor failed, which ends the actor as a bug in a handler does."""

    error: Exception


class Timer:
    """A message to come; ``cancel()`` it, as often as you like, and it does not."""

    __slots__ = ("_handle", "_message", "_tasks")

    def __init__(self, tasks: "Tasks", seconds: float, message: object) -> None:
        self._tasks = tasks
        self._message = message
        loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = loop.call_later(seconds, self._fire)

    @property
    def is_pending(self) -> bool:
        """Whether the message is still to be told."""
        return self._handle is not None

    def cancel(self) -> None:
        """Tell nothing; without effect on a message that has been told."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._tasks.timers.discard(self)

    def _fire(self) -> None:
        self._handle = None
        self._tasks.timers.discard(self)
        self._tasks.tell(self._message)


class Tasks:
    """The tasks and timers of one actor.

    Args:
        ref: the actor, which is told what comes of them.
    """

    __slots__ = ("_is_closed", "_ref", "_running", "timers")

    def __init__(self, ref: ActorRef[Any]) -> None:
        self._ref = ref
        self._running: set[asyncio.Task[Any]] = set()
        self._is_closed = False
        self.timers: set[Timer] = set()

    def spawn(self, work: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Run a coroutine as a task; see ``AsyncioActor.spawn``."""
        self._check(work)
        task = asyncio.get_running_loop().create_task(work, name=name or f"{work} of {self._ref}")
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def pipe(
        self,
        work: Coroutine[Any, Any, T],
        then: Callable[[T], object],
        failed: Callable[[Exception], object] | None = None,
        *,
        name: str | None = None,
    ) -> asyncio.Task[None]:
        """Run a coroutine as a task whose outcome becomes a message; see ``AsyncioActor.pipe``."""
        self._check(work)
        task = self.spawn(self._report(work, then, failed), name=name)
        task.add_done_callback(lambda _: work.close())  # cancelled before it began, it never ran
        return task

    def after(self, seconds: float, message: object) -> Timer:
        """Tell the actor a message later; see ``AsyncioActor.after``."""
        self._check(None)
        timer = Timer(self, seconds, message)
        self.timers.add(timer)
        return timer

    def tell(self, message: object) -> None:
        """Tell the actor, if it still is there."""
        with suppress(ActorDeadError):
            self._ref.tell(message)

    def abandon(self) -> None:
        """Cancel everything, now and for ever, without waiting."""
        self._is_closed = True
        for timer in tuple(self.timers):
            timer.cancel()
        for task in self._running:
            task.cancel()

    async def close(self) -> None:
        """Cancel everything, now and for ever, and wait until it has ended, but not for ever."""
        self.abandon()
        if not self._running:
            return
        _, going_on = await asyncio.wait(self._running, timeout=UNWILLING)
        for task in going_on:
            words = "%s: %s goes on %.0f s after it was cancelled: nobody waits for it any more"
            log.error(words, self._ref, task.get_name(), UNWILLING)

    def _check(self, work: Coroutine[Any, Any, Any] | None) -> None:
        if self._is_closed:
            if work is not None:
                work.close()
            msg = f"{self._ref} has ended and starts nothing new"
            raise ActorDeadError(msg)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.tell(Crash(_as_exception(error)))

    async def _report(
        self,
        work: Coroutine[Any, Any, T],
        then: Callable[[T], object],
        failed: Callable[[Exception], object] | None,
    ) -> None:
        try:
            result = await work
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if failed is None or task is None or task.cancelling():
                raise
            message = failed(_as_exception(error))
        except Exception as error:
            if failed is None:
                raise
            message = failed(error)
        else:
            message = then(result)
        self.tell(message)


def _as_exception(error: BaseException) -> Exception:
    """Keep a task's cancellation from within, or its ``SystemExit``, from being the actor's own."""
    if isinstance(error, Exception):
        return error
    wrapped = RuntimeError(f"a task of the actor ended with {error!r}")
    wrapped.__cause__ = error
    return wrapped
