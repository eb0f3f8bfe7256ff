"""A Pykka future that asyncio can wait for."""

import asyncio
import functools
import queue
import sys
import threading
from asyncio import _get_running_loop
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Any, TypeVar

import pykka

__all__ = ["AsyncioFuture"]

T = TypeVar("T")
J = TypeVar("J")
M = TypeVar("M")
R = TypeVar("R")

ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class AsyncioFuture(pykka.Future[T]):
    """The answer of an actor: awaitable on every loop, with ``get()`` for threads without one.

    It is set once, from any thread. Awaiting it suspends the awaiting task alone; Pykka's own
    futures block the whole loop there. A future made by ``map``, ``filter``, ``reduce`` or ``join``
    is as lazy as Pykka's: its function runs when somebody wants the value, and once.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self._is_done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._callbacks: list[Callable[[], object]] = []
        self._sources: tuple[pykka.Future[Any], ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'done' if self.done() else 'pending'}>"

    def done(self) -> bool:
        """Whether the value or exception is here, or all that it is made of."""
        if self._is_done or not self._sources:
            return self._is_done
        return all(isinstance(each, AsyncioFuture) and each.done() for each in self._sources)

    def get(self, *, timeout: float | None = None) -> T:
        """Wait for the value in a thread that runs no loop, or take it where it is already here.

        Args:
            timeout: seconds to wait; None waits for ever.

        Returns:
            The value.

        Raises:
            RuntimeError: the value is not here and a loop is running in this thread, which waiting
                would freeze (and, if the actor lives on it, dead-lock): ``await`` it instead.
            pykka.Timeout: it did not come within ``timeout`` seconds.
            BaseException: what was set as exception.
        """
        if not self._is_done:
            self._fetch(timeout)
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)
        value: T = self._value
        return value

    def set(self, value: T | None = None) -> None:
        """Set the value, and wake all who wait.

        Args:
            value: what ``get()`` and ``await`` give.

        Raises:
            queue.Full: it has a value, an exception or a get hook already.
        """
        self._settle(value, None, None)

    def set_exception(self, exc_info: ExcInfo | None = None) -> None:
        """Set what ``get()`` and ``await`` raise, and wake all who wait.

        Args:
            exc_info: the three of ``sys.exc_info()``; None takes the exception being handled.

        Raises:
            queue.Full: it has a value, an exception or a get hook already.
            ValueError: there is no exception.
        """
        kind, error, traceback = sys.exc_info() if exc_info is None else exc_info
        if error is None:
            if kind is None:
                msg = "set_exception() needs an exception: call it in an except block or pass one"
                raise ValueError(msg)
            error = kind()
        self._settle(None, error, traceback)

    def fail(self, error: BaseException) -> None:
        """Set an exception, whose traceback begins where ``get()`` or ``await`` raises it.

        Args:
            error: the exception.

        Raises:
            queue.Full: it has a value, an exception or a get hook already.
        """
        self._settle(None, error, None)

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        """Compute the value with a function when it is first wanted.

        Args:
            func: is given the timeout in seconds (or None) and gives the value. It may block:
                ``await`` runs it in the loop's default executor.

        Raises:
            queue.Full: it has a value or an exception already.
        """
        with self._lock:
            if self._is_done:
                raise queue.Full
            super().set_get_hook(func)

    def add_done_callback(self, callback: Callable[["AsyncioFuture[T]"], object]) -> None:
        """Call a function when the value or exception is set: now, if it has been.

        Args:
            callback: is given this future, in the thread that sets it. It must not raise.
        """

        def call() -> None:
            callback(self)

        if not self._subscribe(call):
            callback(self)

    @staticmethod
    def derived(
        hook: Callable[[float | None], M], *sources: pykka.Future[Any]
    ) -> "AsyncioFuture[M]":
        """Give a future whose value is computed from other futures when it is first wanted.

        Args:
            hook: is given a timeout in seconds (or None), and makes the value of the sources'.
            sources: what is awaited before the hook runs on a loop, so that it does not block it.
        """
        future: AsyncioFuture[M] = AsyncioFuture()
        future.set_get_hook(hook)
        future._sources = sources
        return future

    def filter(
        self: "AsyncioFuture[Iterable[J]]", func: Callable[[J], bool]
    ) -> "AsyncioFuture[Iterable[J]]":
        """Give a future of the items for which ``func(item)`` is true, as a list."""
        return self.derived(lambda timeout: list(filter(func, self.get(timeout=timeout))), self)

    def join(
        self: "AsyncioFuture[Any]", *futures: pykka.Future[Any]
    ) -> "AsyncioFuture[Iterable[Any]]":
        """Give a future of the list of this and the other futures' values."""
        sources = (self, *futures)
        return self.derived(lambda timeout: [f.get(timeout=timeout) for f in sources], *sources)

    def map(self, func: Callable[[T], M]) -> "AsyncioFuture[M]":
        """Give a future of ``func(value)``."""
        return self.derived(lambda timeout: func(self.get(timeout=timeout)), self)

    def reduce(
        self: "AsyncioFuture[Iterable[J]]", func: Callable[[R, J], R], *args: R
    ) -> "AsyncioFuture[R]":
        """Give a future of the items reduced from the left; ``args`` may hold the first value."""
        return self.derived(
            lambda timeout: functools.reduce(func, self.get(timeout=timeout), *args), self
        )

    def __await__(self) -> Generator[Any, None, T]:
        yield from self._arrival()
        return self.get(timeout=0)

    __iter__ = __await__

    def _settle(
        self, value: Any, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._get_hook is not None:
            raise queue.Full
        with self._lock:
            if self._is_done:
                raise queue.Full
            self._value, self._error, self._traceback = value, error, traceback
            self._is_done = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def _fetch(self, timeout: float | None) -> None:
        """Block until the value is here."""
        may_wait = timeout is None or timeout > 0
        if may_wait and _get_running_loop() is not None and not self.done():
            msg = (
                "get() would block the event loop that runs in this thread: "
                "await the future instead (and use block=False with ask() and stop())"
            )
            raise RuntimeError(msg)
        if self._get_hook is not None:
            with self._lock:
                if not self._is_done:
                    self._value = self._get_hook(timeout)
                    self._is_done = True
            return
        arrived = threading.Event()
        if self._subscribe(arrived.set) and not arrived.wait(timeout):
            self._unsubscribe(arrived.set)
            if not self._is_done:
                msg = f"{timeout} seconds"
                raise pykka.Timeout(msg)

    def _arrival(self) -> Generator[Any, None, None]:
        """Suspend the running task until ``get(timeout=0)`` has something to give."""
        if self._is_done:
            return
        loop = asyncio.get_running_loop()
        if self._sources:
            for source in self._sources:
                if isinstance(source, AsyncioFuture):
                    yield from source._arrival()  # noqa: SLF001 - of its own class
                else:
                    yield from loop.run_in_executor(None, _await_foreign, source)
            return
        if self._get_hook is not None:
            yield from loop.run_in_executor(None, self._capture)
            return
        waiter = loop.create_future()

        def wake() -> None:
            if _get_running_loop() is loop:
                _resolve(waiter)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, waiter)

        if self._subscribe(wake):
            try:
                yield from waiter
            finally:
                self._unsubscribe(wake)

    def _capture(self) -> None:
        """Run the get hook here and keep what comes, an exception too."""
        try:
            self._fetch(None)
        except Exception as error:
            self._error, self._traceback = error, error.__traceback__
            self._is_done = True

    def _subscribe(self, callback: Callable[[], object]) -> bool:
        with self._lock:
            if not self._is_done:
                self._callbacks.append(callback)
            return not self._is_done

    def _unsubscribe(self, callback: Callable[[], object]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _await_foreign(future: pykka.Future[Any]) -> None:
    """Wait in an executor for a future of another runtime; its exception is raised by the hook."""
    try:
        future.get()
    except Exception:
        return
