"""The event loop of a command: no bot can end it, and no bot keeps it from ending."""

import asyncio
import logging
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TypeVar

import uvloop

from .process_end import leave_behind

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that what bots have left on the loop, or in its threads, gets to end, each.
CLOSING = 3.0


class _CtrlC:
    """Cancels a task at the first Ctrl-C, and raises `KeyboardInterrupt` from then on.

    Python would raise it at the first one, wherever it is just then: a lock that is being waited
    for in a ``with`` makes a `RuntimeError` of it.

    Args:
        loop: the task's.

    Attributes:
        task: what a command does; where there is none, or it has ended, the first one raises.
        has_cancelled: whether the task was cancelled for it.
        has_raised: whether it has raised, so that a `KeyboardInterrupt` is no bot's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.task: asyncio.Task[Any] | None = None
        self.has_cancelled = False
        self.has_raised = False

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Heed it meanwhile, unless it is ignored."""
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._press)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _press(self, *_: object) -> None:
        if self.has_cancelled or self.task is None or self.task.done():
            self.has_raised = True
            raise KeyboardInterrupt
        self.has_cancelled = True
        self._loop.call_soon_threadsafe(self.task.cancel)


class OnLoop(Protocol):
    """Runs a coroutine on a command's loop to its end, and returns what it returns."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T:
        """Run it."""


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end, on a loop of its own: see `command_loop`.

    Args:
        work: what the command does.

    Returns:
        What it returns.

    Raises:
        KeyboardInterrupt: Ctrl-C has cancelled it.
        BaseException: what it raises.
    """
    with command_loop() as on_loop:
        return on_loop(work)


@contextmanager
def command_loop() -> Iterator[OnLoop]:
    """Give what runs a command's coroutines, one after the other, on a loop of their own.

    A callback of a bot's that raises `SystemExit` or `KeyboardInterrupt`, or stops the loop, is
    logged and ends nothing. (Its tasks don't even get that far: see `actors.bot.containment`.)

    Ctrl-C cancels what runs, unless it waits for signals by itself; between two of them, and when
    it comes once more, it raises `KeyboardInterrupt`.
    """
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    ctrl_c = _CtrlC(loop)

    def on_loop(work: Coroutine[Any, Any, T], /) -> T:
        task = loop.create_task(work)
        ctrl_c.task = task
        return _until(loop, task, ctrl_c)

    with ctrl_c.heeded():
        try:
            yield on_loop
        finally:
            _close(loop, ctrl_c)
            asyncio.set_event_loop(None)


def _until(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[T]", ctrl_c: _CtrlC) -> T:
    while True:
        try:
            result = loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            if task.done():
                raise
            if ctrl_c.has_raised and isinstance(error, KeyboardInterrupt):
                task.cancel()
            else:
                _tell_callback(error)
        except asyncio.CancelledError:
            if ctrl_c.has_cancelled or ctrl_c.has_raised:
                raise KeyboardInterrupt from None
            raise
        except RuntimeError:
            if task.done():
                raise
            log.error("a bot stopped the event loop: it goes on")
        else:
            return result


def _tell_callback(error: BaseException) -> None:
    from ..bots.blame import blamed  # noqa: PLC0415 - `--version` needs no bots
    from ..media import told  # noqa: PLC0415

    whose = blamed(error)
    what = f"{whose}: a callback of its own" if whose else "a callback"
    log.error("%s raised %s: the loop goes on", what, told(error), exc_info=error)


def _close(loop: asyncio.AbstractEventLoop, ctrl_c: _CtrlC) -> None:
    """End what is left, and close the loop; what does not end in time is left behind."""
    try:
        with suppress(RuntimeError):  # "stopped before the future completed", by a bot
            _until(loop, loop.create_task(_end_rest(loop)), ctrl_c)
    finally:
        leave_behind(asyncio.all_tasks(loop))
        loop.close()


async def _end_rest(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    endings = (loop.shutdown_asyncgens(), loop.shutdown_default_executor())
    for rest in (tasks, *({loop.create_task(ending)} for ending in endings)):
        if rest:
            await asyncio.wait(rest, timeout=CLOSING)
