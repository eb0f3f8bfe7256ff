"""What a test's event loop is held to: main ends, no callback blocks it, no task outlives main.

Every loop that ``asyncio.run``, ``uvloop.run`` or the ``run`` fixture runs in a test is watched.
"""

import asyncio
import inspect
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar
from unittest import mock

from callboard.tests.harness.findings import report
from callboard.tests.harness.threads import Observer
from callboard.tests.harness.virtual_time import VirtualTimeLoop

T = TypeVar("T")

BEAT = 0.02
"""Seconds between the signs of life that a watched loop gives: as between packets of audio."""

INTERVAL = 0.05
"""Seconds between the watchdog's looks."""

LIMIT = 0.25
"""Seconds for which one callback may keep the loop."""

MACHINERY = {"run", "run_until_complete", "run_forever", "_run_once", "_run", "select"}
"""Functions of asyncio's and selectors' modules below a callback, and all there is when idle."""


class Watchdog(threading.Thread):
    """Reports a callback that keeps a loop for longer than `LIMIT`.

    A busy machine must not look like a blocking callback, so time counts only while the loop gives
    no sign of life and its thread is seen to compute, or to sleep in a system call; see `Observer`.

    It is one callback if, in all looks since the last sign of life, the thread was inside one call
    of the same plain function, or had the same coroutine innermost. Many short ones are not one.

    Args:
        ident: Python's number of the thread that runs the loop.
        native: Linux's number of it.
    """

    def __init__(self, ident: int, native: int) -> None:
        super().__init__(name="loop watchdog", daemon=True)
        self.beats = 0
        self._watched = ident  # Thread has an _ident of its own
        self._observer = Observer(ident, native)
        self._is_over = threading.Event()

    def run(self) -> None:
        beats, kept, is_reported = -1, 0.0, False
        common: list[FrameType] | None = None
        innermost: FrameType | None = None
        while not self._is_over.wait(INTERVAL):
            since = self._observer.kept(2 * INTERVAL)
            if beats != self.beats:
                beats, kept, is_reported, common, innermost = self.beats, 0.0, False, None, None
                continue
            kept += since
            frames = self._callback()
            if common is None:
                common, innermost = frames, frames[-1] if frames else None
            else:
                common = _common(common, frames)
                innermost = innermost if frames and frames[-1] is innermost else None
            if kept > LIMIT and not is_reported and _is_one_callback(common, innermost):
                is_reported = True
                report(f"the event loop was blocked for {kept:.2f} s in {_where(common, frames)}")

    def stop(self) -> None:
        """End the thread."""
        self._is_over.set()
        self.join()

    def _callback(self) -> list[FrameType]:
        """The frames of what the loop runs now, outermost first; none if it is idle."""
        frames: list[FrameType] = []
        frame = sys._current_frames().get(self._watched)
        while frame is not None and not _is_machinery(frame):
            frames.append(frame)
            frame = frame.f_back
        return frames[::-1]


class _Lateness:
    """How much too late watched loops came to a timer, at worst, since the test began: seconds."""

    worst = 0.0


def lateness() -> float:
    """Seconds that a loop of this test's came too late to one of its regular timers, at worst.

    That is how long a busy machine may have held up what the loop was to do in time. (What a
    callback of ours holds up for long, the watchdog reports.)
    """
    return _Lateness.worst


def _is_machinery(frame: FrameType) -> bool:
    if frame.f_code is _beating.__code__:
        return True
    module = frame.f_globals.get("__name__", "")
    return frame.f_code.co_name in MACHINERY and module.startswith(("asyncio.", "selectors"))


def _common(before: list[FrameType], now: list[FrameType]) -> list[FrameType]:
    count = 0
    for one, other in zip(before, now, strict=False):
        if one is not other:
            break
        count += 1
    return before[:count]


def _is_one_callback(common: list[FrameType], innermost: FrameType | None) -> bool:
    if not common:
        return False
    return innermost is not None or not common[-1].f_code.co_flags & inspect.CO_COROUTINE


def _where(common: list[FrameType], frames: list[FrameType]) -> str:
    shown = frames[max(0, len(common) - 2) : len(common) + 3]
    return " > ".join(
        f"{frame.f_code.co_qualname} ({Path(frame.f_code.co_filename).name}:{frame.f_lineno})"
        for frame in shown
    )


@contextmanager
def watched_loops(patience: float) -> Iterator[None]:
    """Watch every loop that an ``asyncio.Runner`` runs meanwhile; ``asyncio.run`` uses one.

    Args:
        patience: seconds that a loop's main has, on the clock of the machine. What pytest-timeout
            raises in a signal handler, uvloop only logs while it waits; so main is cancelled.
    """
    original = asyncio.Runner.run
    _Lateness.worst = 0.0

    def run(
        self: asyncio.Runner, work: Coroutine[Any, Any, T], *, context: Context | None = None
    ) -> T:
        watchdog = Watchdog(threading.get_ident(), threading.get_native_id())
        watchdog.start()
        try:
            return original(self, _beating(_bounded(work, patience), watchdog), context=context)
        finally:
            watchdog.stop()

    with mock.patch.object(asyncio.Runner, "run", run):
        yield


async def _bounded(work: Coroutine[Any, Any, T], patience: float) -> T:
    """Run a test's main, and cancel it when its time is over."""
    if isinstance(asyncio.get_running_loop(), VirtualTimeLoop):
        return await work  # it never waits
    try:
        async with asyncio.timeout(patience) as bound:
            return await work
    except TimeoutError as error:
        if bound.expired():
            raise AssertionError(f"the test's main still waited after {patience:g} s") from error
        raise


async def _beating(work: Coroutine[Any, Any, T], watchdog: Watchdog) -> T:
    """Run a test's main with signs of life, and look for tasks that it leaves."""
    loop = asyncio.get_running_loop()
    due = loop.time() + BEAT
    timer: asyncio.TimerHandle

    def beat() -> None:
        nonlocal due, timer
        watchdog.beats += 1
        _Lateness.worst = max(_Lateness.worst, loop.time() - due)
        # From one to the next, as media are paced: many small delays are a large one.
        due += BEAT
        timer = loop.call_at(due, beat)

    timer = loop.call_at(due, beat)
    try:
        result = await work
    finally:
        timer.cancel()
    for task in await _left(loop):
        report(f"the task {task.get_name()!r} still runs: {task.get_coro()!r}")
    return result


async def _left(loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[Any]]:
    """The tasks that main left, without those that have been cancelled and need a turn to end."""
    for _ in range(10):
        left = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
        if not left:
            break
        await asyncio.sleep(0)
    return left


def completed(work: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T]) -> Any:
    """Give the coroutine of a coroutine function, or the coroutine itself."""
    return work() if callable(work) else work
