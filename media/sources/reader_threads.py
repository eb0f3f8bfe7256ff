"""Threads for work that may block: reading sources. One that never returns blocks nobody else."""

import asyncio
import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from ..errors import SourceError, shown

T = TypeVar("T")
Outcome = tuple[Any, Exception | None]


class ReaderThreads:
    """Runs jobs on a few daemon threads, which end when there is nothing left to do.

    The threads of an executor are joined when Python ends, so one that never returns keeps the
    process alive until it is killed; and as there are only so many, a few that block stop everybody
    else. Here a job that takes longer than `patience` gives up its place to another thread, and the
    process ends without waiting for one that is stuck.

    Args:
        limit: Jobs that run at the same time, not counting those that are past `patience`.
        patience: Seconds after which a job gives up its place. A clip asks for frames half a second
            before it needs them, so a few jobs that block are not heard in what others play.
        stuck: Seconds after which a job counts as one that never ends.
        most: Threads in all. When all of them are stuck, new jobs fail.
    """

    IDLE = 1.0
    """Seconds for which a thread waits for its next job before it ends.

    A clip that is played has one every half second, and the loop waits for a thread that starts.
    """

    TICK = 0.001
    """Seconds by which a look comes later than what it looks for."""

    FAREWELL = 1.0
    """Seconds for which the end of the process waits for jobs that are not stuck."""

    def __init__(
        self,
        *,
        limit: int | None = None,
        patience: float = 0.2,
        stuck: float = 5.0,
        most: int = 256,
    ) -> None:
        self._limit = limit or min(32, (os.cpu_count() or 1) + 4)
        self._patience = patience
        self._stuck = stuck
        self._most = most
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._began: dict[threading.Thread, float] = {}
        self._idle = 0
        self._threads = 0
        self._ended = False

    def run(
        self, job: Callable[[], T], *, abandoned: Callable[[], None] | None = None
    ) -> "asyncio.Future[T]":
        """Run a job on one of the threads.

        Args:
            job: Called without arguments. It may block; its exceptions go to the future, and what
                is no `Exception`, such as SystemExit, goes there as a `SourceError`.
            abandoned: Called on one of the threads, after the job or in its place, when nobody can
                be told its outcome: the future was cancelled or the loop has closed. It frees what
                the job holds open.

        Returns:
            A future of the running loop. To cancel it does not stop a job that has begun.

        Raises:
            SourceError: Every thread is stuck.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            if not future.cancelled():
                outcome = _outcome(job)
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(settle, outcome)
                    return
            if abandoned is not None:
                _outcome(abandoned)

        def settle(outcome: Outcome) -> None:
            if not future.done():
                _settle(future, outcome)
            elif abandoned is not None:
                with suppress(SourceError):  # every thread is stuck
                    self.run(partial(_outcome, abandoned))

        with self._changed:
            if self._past(self._stuck) >= self._most:
                raise SourceError(
                    f"{self._most} sources block and give nothing: play sources that can be read."
                )
            self._jobs.append(work)
            if not self._staff():
                self._relieve_later(loop)
        return future

    def end(self) -> None:
        """Begin no more jobs, and wait a moment for those that run. Blocking."""
        until = time.monotonic() + self.FAREWELL
        with self._changed:
            self._ended = True
            self._jobs.clear()
            self._changed.notify_all()
            while len(self._began) > self._past(self._stuck) and time.monotonic() < until:
                self._changed.wait(until - time.monotonic())

    def _relieve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take another thread on for a job that still waits, if one has given up its place."""
        with self._changed:
            if self._jobs and not self._staff():
                self._relieve_later(loop)

    def _relieve_later(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look again when the next job gives up its place. With the lock held."""
        now = time.monotonic()
        waits = [began + self._patience - now for began in self._began.values()]
        wait = min((wait for wait in waits if wait > 0), default=self._patience)
        loop.call_later(wait + self.TICK, partial(self._relieve, loop))

    def _staff(self) -> bool:
        """See that somebody takes the next job; False if all are busy. With the lock held."""
        if len(self._jobs) <= self._idle:
            self._changed.notify_all()
            return True
        places = self._threads - self._past(self._patience)
        if self._ended or places >= self._limit or self._threads >= self._most:
            return False
        self._threads += 1
        threading.Thread(target=self._work, name="sources", daemon=True).start()
        return True

    def _past(self, seconds: float) -> int:
        before = time.monotonic() - seconds
        return sum(began < before for began in self._began.values())

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job()
            del job  # or its results would live until the next one

    def _next(self) -> Callable[[], None] | None:
        me = threading.current_thread()
        with self._changed:
            self._began.pop(me, None)
            if self._ended:
                self._changed.notify_all()
            self._idle += 1
            self._changed.wait_for(lambda: self._jobs or self._ended, self.IDLE)
            self._idle -= 1
            if not self._jobs:
                self._threads -= 1
                return None
            self._began[me] = time.monotonic()
            return self._jobs.popleft()


def _outcome(job: Callable[[], T]) -> Outcome:
    try:
        return job(), None
    except StopIteration as error:  # no future takes it
        return None, SourceError(f"it raised {shown(error)}")
    except Exception as error:
        return None, error
    except BaseException as error:  # SystemExit would end the thread, and later the loop
        return None, SourceError(f"it raised {shown(error)}")


def _settle(future: "asyncio.Future[Any]", outcome: Outcome) -> None:
    result, error = outcome
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


READERS = ReaderThreads()
"""Those that read the sources of this process."""

atexit.register(READERS.end)
