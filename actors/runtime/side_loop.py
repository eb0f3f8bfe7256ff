"""A loop in a thread of its own, for what must never keep the actors' loop waiting."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class SideLoop:
    """Runs coroutines in a thread of its own until it is closed.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.SelectorEventLoop()
        self._over = asyncio.Event()
        # A daemon: a look-up of a name that hangs must not keep the process from its end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        await self._over.wait()

    def start(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Run a coroutine there; may be called from any thread.

        Args:
            work: what is run.

        Returns:
            A future of what it returns. To cancel that cancels the work.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function there soon; may be called from any thread. Nothing after the end."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function, *arguments)

    def close(self, seconds: float) -> None:
        """Cancel what runs there, and wait for the end of the thread. Blocks.

        Args:
            seconds: how long to wait; what does not end in time is left behind.
        """
        self.call(self._over.set)
        self._thread.join(seconds)
        if self._thread.is_alive():
            log.warning("the thread %r does not end: it is left behind", self._thread.name)
