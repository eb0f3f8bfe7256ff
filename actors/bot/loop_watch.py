"""A watch over the loop: who keeps every account waiting is named, and can't keep the process.

On one loop, one bot that blocks blocks all. No code on the loop can tell, so a thread looks: the
loop gives a sign of life twice a second, and where it is late the thread says what the loop does.
"""

import asyncio
import linecache
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ...media import is_authors
from .containment import Now

log = logging.getLogger(__name__)

#: Seconds between two signs of life, and between two looks.
BEAT, LOOK = 0.5, 0.25
#: Seconds that a bot's code may keep the loop, and that other code may on a busy machine.
LIMIT, LIMIT_OF_OTHERS = 1.0, 3.0
#: Seconds in which no place is told twice.
AGAIN = 60.0
#: Seconds that a bot may keep the loop once somebody has asked for the end.
PATIENCE = 3.0
#: The signal that interrupts a bot; nothing happens where nobody waits for it.
INTERRUPT = signal.SIGURG

_PACKAGE = __name__.partition(".")[0]
#: Modules whose functions run a loop's callbacks; below them is nothing of interest.
_RUNNERS = (f"{_PACKAGE}.cli.main_loop", "asyncio.runners", "asyncio.base_events", "asyncio.events")

#: Modules that import others, or wait until somebody else has.
_IMPORT = ("importlib._bootstrap", "importlib._bootstrap_external")
_ADVICE = ". Await what takes time, and put what blocks into asyncio.to_thread()"


class Blocked(BaseException):
    """A bot that blocks is interrupted, as the process is to end."""


class LoopWatch(threading.Thread):
    """Looks after the loop that runs in the thread in which it was made.

    Args:
        deadline: seconds from the wish for an end to the last resort, where the loop does nothing.
    """

    def __init__(self, deadline: float) -> None:
        super().__init__(name="watch over the loop", daemon=True)
        self._deadline = deadline
        self._loop_thread = threading.get_ident()
        self._beaten = time.monotonic()
        self._asked: float | None = None
        self._told: dict[str, float] = {}
        self._is_over = threading.Event()

    def beat(self) -> None:
        """Take a sign of life; called on the loop."""
        self._beaten = time.monotonic()

    def ask(self, *_: object) -> None:
        """Somebody wants the end; may be called by a signal while the loop is blocked."""
        self._asked = self._asked or time.monotonic()

    def stop(self) -> None:
        """End the thread."""
        self._is_over.set()
        self.join()

    def run(self) -> None:
        """Look, again and again."""
        looked_at, is_told = 0.0, False
        while not self._is_over.wait(LOOK):
            beaten = self._beaten
            # Twice late: a machine that was asleep is given a look's time to wake up.
            if beaten != looked_at:
                looked_at, is_told = beaten, False
                continue
            late = time.monotonic() - beaten - BEAT
            if late >= LIMIT and not is_told:
                is_told = self._tell(late)
            if self._asked is not None:
                self._press(late, time.monotonic() - self._asked)

    def _tell(self, late: float) -> bool:
        """Say what the loop does; return whether anything was to be said."""
        author = Now.author
        now = sys._current_frames()  # noqa: SLF001 - documented, and for this purpose
        frames = list(_frames(now.get(self._loop_thread)))
        if not frames and author is None:
            return False  # it waits for something to happen: the machine was asleep or busy
        users = [frame for frame in frames if is_authors(frame)]
        if author is None and not users and late < LIMIT_OF_OTHERS:
            return False
        place = _place((users or frames)[0]) if frames else "a place without a name"
        at = time.monotonic()
        if at - self._told.get(place, -AGAIN) >= AGAIN:
            self._told = {one: then for one, then in self._told.items() if at - then < AGAIN}
            self._told[place] = at
            log.warning(
                "%s keeps all accounts waiting, for %.1f s so far: %s%s",
                _who(author, frames, users),
                late,
                place,
                _ADVICE if users or not frames else "",
            )
        return True

    def _press(self, late: float, asked: float) -> None:
        """Let the end come although the loop is blocked."""
        if late >= PATIENCE and asked >= PATIENCE and Now.author is not None:
            signal.pthread_kill(self._loop_thread, INTERRUPT)
        if late >= PATIENCE and asked >= self._deadline:
            log.error("the loop has done nothing for %.0f s: the process ends as it is", late)
            logging.shutdown()
            os._exit(1)


@contextmanager
def watched(deadline: float) -> Iterator[LoopWatch]:
    """Watch the running loop, which must be in the main thread for a bot to be interrupted.

    Args:
        deadline: see `LoopWatch`.
    """
    loop = asyncio.get_running_loop()
    watch = LoopWatch(deadline)

    timer: asyncio.TimerHandle

    def beat() -> None:
        nonlocal timer
        watch.beat()
        timer = loop.call_later(BEAT, beat)

    timer = loop.call_later(BEAT, beat)
    before = signal.signal(INTERRUPT, _interrupt)
    watch.start()
    try:
        yield watch
    finally:
        timer.cancel()
        watch.stop()
        signal.signal(INTERRUPT, before)


def _interrupt(*_: object) -> None:
    if Now.author is not None:
        raise Blocked("it kept all accounts from their end")


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Give the frames of what a loop runs now, the innermost first; none if it is idle."""
    while frame is not None and frame.f_globals.get("__name__") not in _RUNNERS:
        if frame.f_globals.get("__name__") != "selectors":
            yield frame
        frame = frame.f_back


def _who(author: object, frames: list[FrameType], users: list[FrameType]) -> str:
    """Say who keeps the loop: a bot only if code of its author's runs, and not what it calls."""
    if users or (author is not None and not frames):
        return str(author or "a bot's callback")
    whose = "" if author is None else f" for {author}"
    is_import = any(frame.f_globals.get("__name__") in _IMPORT for frame in frames)
    return f"the import of a module{whose}" if is_import else f"Callboard itself{whose}"


def _place(frame: FrameType) -> str:
    code, line = frame.f_code, frame.f_lineno or 0  # None between two lines
    words = linecache.getline(code.co_filename, line).strip()
    place = f"{code.co_filename}:{line} in {code.co_qualname}"
    return f"{place} ({words})" if words else place
