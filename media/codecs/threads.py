"""Threads that encode and decode what is live."""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ..loop_wide import LoopWide

T = TypeVar("T")

Done = Callable[[Any, Exception | None], None]
Job = tuple["Lane", Callable[[], Any], Done]
Settled = tuple["Lane", Done, Any, Exception | None]

EACH, MOST = 0.001, 0.008
"""Seconds between two wake-ups of a thread at least, for each of its streams, and at most. What
comes meanwhile waits: a wake-up takes about as long as a decoder."""

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
        worker.lanes += 1

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
        if not self.closed:
            self.closed = True
            self._worker.lanes -= 1


class CodecThreads(LoopWide):
    """Threads for the encoders and decoders of an event loop's live streams, one for each core.

    What is handed over within some milliseconds goes to a thread at one wake-up, and what comes of
    it comes back at one: with a wake-up for each frame, many streams would cost more than their
    codecs. A lone stream has 20 ms between its frames, and does not wait. A thread ends when it has
    had nothing to do for a quarter of a second.
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
    """A thread while there is something to do.

    Attributes:
        lanes: How many streams it has.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lanes = 0
        self._gathered: list[Job] = []
        self._handed_over: SimpleQueue[list[Job]] = SimpleQueue()
        self._handed_over_at = 0.0
        self._lock = threading.Lock()
        self._loop = loop
        self._runs = False

    def add(self, job: Job) -> None:
        """Take a job; it is handed over with the others of this moment."""
        if not self._gathered:
            due = self._handed_over_at + min(EACH * self.lanes, MOST)
            if self._loop.time() < due:
                self._loop.call_at(due, self._hand_over)
            else:
                self._loop.call_soon(self._hand_over)
        self._gathered.append(job)

    def _hand_over(self) -> None:
        jobs, self._gathered = self._gathered, []
        self._handed_over_at = self._loop.time()
        with self._lock:
            self._handed_over.put(jobs)
            if self._runs:
                return
            self._runs = True
        threading.Thread(target=self._work, name="codecs", daemon=True).start()

    def _work(self) -> None:
        while (jobs := self._take()) is not None:
            settled = [_settled(*job) for job in jobs]
            jobs.clear()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_settle, settled)

    def _take(self) -> list[Job] | None:
        """Wait for jobs; None if there were none for a while, and the thread is to end."""
        jobs: list[Job] = []
        with suppress(Empty):
            jobs = self._handed_over.get(timeout=IDLE)
            while True:
                jobs += self._handed_over.get_nowait()
        with self._lock:
            if not jobs and self._handed_over.empty():
                self._runs = False
                return None
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
