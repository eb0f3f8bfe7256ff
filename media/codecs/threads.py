"""Threads that encode and decode what is live."""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar

from ..loop_wide import LoopWide

T = TypeVar("T")

Done = Callable[[Any, Exception | None], None]
Job = tuple["Lane", Callable[[], Any], Done]
Settled = tuple["Lane", Done, Any, Exception | None]

EVERY = 0.004
"""Seconds between two wake-ups of a thread at least. What comes meanwhile waits, a tenth of a frame
on average: a wake-up takes about as long as a decoder."""

IDLE = 0.25
"""Seconds for which a thread waits for more before it ends."""


class Lane:
    """One stream's way through the threads: its jobs run one after the other, in their order.

    So an encoder or a decoder that only jobs of one lane touch needs no lock.

    Attributes:
        closed: Whether nobody wants to hear of its jobs any more.
    """

    def __init__(self, worker: "_Worker") -> None:
        self.closed = False
        self._worker = worker

    def run(self, job: Callable[[], T], done: Callable[[T | None, Exception | None], None]) -> None:
        """Run a job on a thread.

        Args:
            job: Called there, without arguments. It should take less than a frame lasts.
            done: Called on the loop with what the job returned and None, or with None and what it
                raised. Not called any more once the lane is closed.
        """
        if not self.closed:
            self._worker.add((self, job, done))

    def close(self) -> None:
        """Hear of no job any more. One that runs is not stopped."""
        self.closed = True


class CodecThreads(LoopWide):
    """Threads for the encoders and decoders of an event loop's live streams, one for each core.

    What is handed over within 4 ms goes to a thread at one wake-up, and what comes of it comes back
    at one: with a wake-up for each frame, many streams would cost more than their codecs. A lone
    stream has 20 ms between its frames, and does not wait. A thread ends when it has had nothing to
    do for a quarter of a second.
    """

    MOST = 4
    """Threads of one loop."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        cores = len(os.sched_getaffinity(0))
        self._workers = [_Worker(loop) for _ in range(min(self.MOST, cores))]
        self._next = count()

    def lane(self) -> Lane:
        """Open a lane for one stream."""
        return Lane(self._workers[next(self._next) % len(self._workers)])


class _Worker:
    """A thread while there is something to do."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._changed = threading.Condition()
        self._gathered: list[Job] = []
        self._handed_over: list[Job] = []
        self._handed_over_at = 0.0
        self._loop = loop
        self._runs = False

    def add(self, job: Job) -> None:
        """Take a job; it is handed over with the others of this moment."""
        if not self._gathered:
            due = self._handed_over_at + EVERY
            if self._loop.time() < due:
                self._loop.call_at(due, self._hand_over)
            else:
                self._loop.call_soon(self._hand_over)
        self._gathered.append(job)

    def _hand_over(self) -> None:
        jobs, self._gathered = self._gathered, []
        self._handed_over_at = self._loop.time()
        with self._changed:
            self._handed_over += jobs
            if self._runs:
                self._changed.notify()
                return
            self._runs = True
        threading.Thread(target=self._work, name="codecs", daemon=True).start()

    def _work(self) -> None:
        while jobs := self._take():
            settled = [_settled(*job) for job in jobs]
            jobs.clear()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, settled)

    def _take(self) -> list[Job]:
        with self._changed:
            self._changed.wait_for(lambda: self._handed_over, IDLE)
            jobs, self._handed_over = self._handed_over, []
            self._runs = bool(jobs)
            return jobs


def _settled(lane: Lane, job: Callable[[], Any], done: Done) -> Settled:
    try:
        return lane, done, job(), None
    except Exception as error:
        return lane, done, None, error


def _settle(settled: list[Settled]) -> None:
    for lane, done, result, error in settled:
        if lane.closed:
            continue
        try:
            done(result, error)
        except Exception as fault:  # the others are settled all the same
            context = {"message": "What a codec gave could not be used", "exception": fault}
            asyncio.get_running_loop().call_exception_handler(context)
