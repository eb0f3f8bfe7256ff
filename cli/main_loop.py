"""The event loop of a command: no bot can end it, and no bot keeps it from ending."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import uvloop

from .process_end import leave_behind

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that what bots have left on the loop, or in its threads, gets to end, each.
CLOSING = 3.0


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end, on a loop of its own.

    A callback of a bot's that raises `SystemExit` or `KeyboardInterrupt`, or stops the loop, is
    logged and ends nothing. (Its tasks don't even get that far: see `actors.bot.containment`.)

    Args:
        work: what the command does.

    Returns:
        What it returns.

    Raises:
        KeyboardInterrupt: Ctrl-C before the command waited for signals by itself.
        BaseException: what it raises.
    """
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return _until(loop, loop.create_task(work))
    finally:
        _close(loop)
        asyncio.set_event_loop(None)


def _until(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[T]") -> T:
    interrupted: BaseException | None = None
    while True:
        try:
            result = loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:
            if task.done():
                raise
            if _is_from_terminal(error):
                interrupted = error
                task.cancel()
            else:
                _tell_callback(error)
        except asyncio.CancelledError:
            if interrupted is not None:
                raise interrupted from None
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


def _is_from_terminal(error: BaseException) -> bool:
    """Whether it is Ctrl-C: while a command waits for signals, Python raises nothing for it."""
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return is_default and isinstance(error, KeyboardInterrupt)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """End what is left, and close the loop; what does not end in time is left behind."""
    with suppress(RuntimeError):  # "stopped before the future completed", by a bot
        _until(loop, loop.create_task(_end_rest(loop)))
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
