"""The tasks that one object owns and ends."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from ..errors import MediaClosedError

T = TypeVar("T")


class OwnedTasks:
    """Tasks with an owner: when it closes, all of them are cancelled and awaited.

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
        """Run something in a task of ours and wait for it.

        Args:
            coroutine: What to do.

        Returns:
            What it returns.

        Raises:
            MediaClosedError: We were closed before or meanwhile. (The caller is not cancelled.)
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


async def cancelled(tasks: "set[asyncio.Task[Any]]") -> None:
    """Cancel tasks and wait for their end.

    Args:
        tasks: Whichever; the one that calls is left out.
    """
    others = tasks - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)
