"""Tasks that end with their owner."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from ..errors import MediaClosedError

P = ParamSpec("P")
T = TypeVar("T")


class OwnedTasks:
    """Tasks that end with their owner: `close` cancels all of them and waits for their end.

    Attributes:
        closed: Whether no new task is taken.
    """

    def __init__(self) -> None:
        self.closed = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task.

        Args:
            coroutine: What to do.

        Returns:
            The task.
        """
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in an owned task and wait for it.

        Args:
            coroutine: What to do.

        Returns:
            What it returns.

        Raises:
            MediaClosedError: The tasks were closed before or meanwhile. The caller is not
                cancelled by that.
        """
        if self.closed:
            coroutine.close()
            raise MediaClosedError("The connection is closed.")
        task = self.spawn(coroutine)
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if self.closed and not (current is not None and current.cancelling()):
                raise MediaClosedError("The connection was closed meanwhile.") from None
            raise

    async def close(self) -> None:
        """Take no more tasks; cancel those that run, and wait for their end."""
        self.closed = True
        await cancelled(self._tasks)


class Owner(Protocol):
    """An object whose methods may be `owned`.

    Attributes:
        tasks: Its tasks.
    """

    tasks: OwnedTasks


OwnerType = TypeVar("OwnerType", bound=Owner)
OwnedMethod = Callable[Concatenate[OwnerType, P], Coroutine[Any, Any, T]]


def owned(method: OwnedMethod[OwnerType, P, T]) -> OwnedMethod[OwnerType, P, T]:
    """Run a coroutine method in a task of its object's.

    Args:
        method: The method.

    Returns:
        The same method. It raises `MediaClosedError` if the object's tasks were closed before or
        are closed meanwhile.
    """

    @wraps(method)
    async def run(self: OwnerType, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.tasks.run(method(self, *args, **kwargs))

    return run


async def cancelled(tasks: "set[asyncio.Task[Any]]") -> None:
    """Cancel tasks and wait for their end.

    Args:
        tasks: Which ones. The running task is left out if it is among them.
    """
    others = tasks - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)
