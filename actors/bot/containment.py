"""What a bot's own code runs in: whatever it raises ends that code and nothing else.

asyncio lets `SystemExit` and `KeyboardInterrupt` out of the loop, which would end every account.
Here they become `BotExit`, an ordinary exception, in each task that a bot's code runs in: those
that call its handlers, and those that the bot makes itself.
"""

import asyncio
import logging
from asyncio import _get_running_loop
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import FrameType
from typing import Any, TypeVar

from msgspec import Struct
from pykka import ActorDeadError

from ...media import CallOver, is_authors, shown
from ..messages.account import Offline
from .authors_trace import as_author_needs

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that a bot's code may go on after it was cancelled; then nobody waits for it any more.
UNWILLING = 3.0
#: Tasks that go on although they were cancelled. One that Python frees is closed in whatever thread
#: that happens, and code that swallows this, too, would keep that thread busy for ever.
_unwilling: "set[asyncio.Task[Any]]" = set()


class BotExit(Exception):  # noqa: N818 - what the bot did, not a fault of ours
    """A bot raised what would have ended the process, or cancelled itself."""


class Author(Struct, frozen=True):
    """Whose code it is.

    Attributes:
        bot: the name of the bot's class.
        account: the bare JID.
    """

    bot: str
    account: str

    def __str__(self) -> str:
        return f"bot {self.bot} of {self.account}"


class Now:
    """Which bot's code keeps the loop at this moment; the watch over the loop reads it."""

    author: Author | None = None


_AUTHOR: ContextVar[Author | None] = ContextVar("callboard_bot", default=None)


class BotCoroutine(Coroutine[Any, Any, T]):
    """A coroutine of a bot's, which can't end its task's loop.

    Args:
        coroutine: the bot's.
        author: whose it is.
    """

    __slots__ = ("_coroutine", "author")

    def __init__(self, coroutine: Coroutine[Any, Any, T], author: Author) -> None:
        self._coroutine = coroutine
        self.author = author

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)  # cr_code, cr_frame and the like, for debuggers

    def __await__(self) -> Generator[Any, Any, T]:
        return (yield from self._coroutine.__await__())

    def send(self, value: Any, /) -> Any:
        """Go on to the next await."""
        return self._step(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        """Raise something where it waits."""
        return self._step(self._coroutine.throw, *error)

    def close(self) -> None:
        """End it where it waits."""
        self._step(self._coroutine.close)

    def _step(self, go_on: Callable[..., Any], *args: Any) -> Any:
        # As `running` does, without its cost: this is done at each await of each bot.
        before, Now.author = Now.author, self.author
        try:
            return go_on(*args)
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:
            raise BotExit(f"it raised {shown(error)}") from error
        finally:
            Now.author = before


@contextmanager
def running(author: Author) -> Iterator[None]:
    """Run a bot's code here: whatever it raises comes out as an ordinary exception.

    Args:
        author: whose code it is.

    Raises:
        BotExit: it raised what is no ordinary exception.
        Exception: what else it raised.
    """
    keeps_loop = _get_running_loop() is not None  # else it is in a thread of its own
    before = Now.author
    if keeps_loop:
        Now.author = author
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        raise BotExit(f"it raised {shown(error)}") from error
    finally:
        if keeps_loop:
            Now.author = before


def is_too_late(error: BaseException) -> bool:
    """Tell whether code that is ended failed only since its account or its call has ended first.

    Args:
        error: what it raised.
    """
    return isinstance(error, ActorDeadError | CallOver | Offline)


async def run_code(coroutine: Coroutine[Any, Any, Any], author: Author) -> BaseException | None:
    """Run a coroutine of a bot's in a task of its own, to its end.

    Cancelled, it cancels the bot's code, and waits for it no longer than `UNWILLING`.

    Args:
        coroutine: the bot's.
        author: whose it is.

    Returns:
        What it raised, or None.
    """
    context = copy_context()
    context.run(_AUTHOR.set, author)
    code = BotCoroutine(coroutine, author)
    task = asyncio.get_running_loop().create_task(code, name=str(author), context=context)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=UNWILLING)
        if not task.done():
            _unwilling.add(task)
            task.add_done_callback(_unwilling.discard)
            log.warning(
                "%s goes on although it was cancelled %.0f s ago (at %s): nobody waits for it any "
                "more. Let it raise CancelledError",
                author,
                UNWILLING,
                _place(task),
            )
        elif not task.cancelled() and (error := task.exception()) and not is_too_late(error):
            log.error("%s failed while it was ended", author, exc_info=as_author_needs(error))
        raise
    if task.cancelled():
        return BotExit("it cancelled its own task, or raised CancelledError")
    return task.exception()


def task_factory(
    loop: asyncio.AbstractEventLoop, coroutine: Any, **kwargs: Any
) -> "asyncio.Task[Any]":
    """Make tasks; those that a bot's code makes can't end the loop either.

    Args:
        loop: runs the task.
        coroutine: what it runs.
        kwargs: what else `asyncio.Task` takes.
    """
    author = _AUTHOR.get()
    if author is not None and not isinstance(coroutine, BotCoroutine):
        coroutine = BotCoroutine(coroutine, author)
    return asyncio.Task(coroutine, loop=loop, **kwargs)


def author_of(task: object) -> Author | None:
    """Return whose code a task runs, or None if it is no bot's.

    Args:
        task: a task, or any other future.
    """
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    return coroutine.author if isinstance(coroutine, BotCoroutine) else None


@contextmanager
def contained() -> Iterator[None]:
    """Keep bots' tasks from ending the running loop, and name whose task or callback fails."""
    loop = asyncio.get_running_loop()
    factory, handler = loop.get_task_factory(), loop.get_exception_handler()

    def failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        author, what = author_of(context.get("task") or context.get("future")), "task that it made"
        if author is None and "handle" in context:  # it is told in the callback's own context
            author, what = _AUTHOR.get(), "callback of its own"
        if author is not None and (error := context.get("exception")):
            log.error("%s: a %s failed", author, what, exc_info=as_author_needs(error))
        elif handler is None:
            loop.default_exception_handler(context)
        else:
            handler(loop, context)

    loop.set_task_factory(task_factory)
    loop.set_exception_handler(failed)
    try:
        yield
    finally:
        loop.set_task_factory(factory)
        loop.set_exception_handler(handler)


def _place(task: "asyncio.Task[Any]") -> str:
    """Name the line at which a task waits: its author's, where it has one."""
    frames = list(_waiting(task.get_coro()))
    frame = next(filter(is_authors, reversed(frames)), frames[-1] if frames else None)
    return "its end" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _waiting(coroutine: object) -> Iterator[FrameType]:
    """Give the frames of a coroutine that waits and of what it waits for, the innermost last."""
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is not None:
            yield frame
        coroutine = getattr(coroutine, "cr_await", None)
