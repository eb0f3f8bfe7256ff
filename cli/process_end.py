"""The end of the process, whatever its threads do."""

import atexit
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

from .views.standard_streams import drain_outlets

log = logging.getLogger(__name__)

#: The exit status of a command that was interrupted before it had done what it is for.
INTERRUPTED = 130
#: Seconds that threads of bots may go on after everything else has ended.
LEAVING = 5.0
#: Tasks of bots that have not ended although they were cancelled.
_left: list[object] = []


def leave_behind(tasks: Iterable[object]) -> None:
    """Keep tasks that do not end from going on when their loop is closed.

    Python closes the coroutine of a task that it frees. One that swallows `GeneratorExit` as well,
    in a loop, would never come back from that: outside an event loop each of its awaits fails at
    once. So they are never freed, and the process ends without Python's own clearing up.

    Args:
        tasks: what is still waiting.
    """
    _left.extend(tasks)


def end_soon(status: int) -> None:
    """Let the process end within `LEAVING`, also if a thread or a task of a bot's goes on.

    Ctrl-C ends it at once from here on: Python would print where it is just then.

    Python itself would wait for each thread that is no daemon, for ever.

    Args:
        status: the exit status if it has to be ended.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: _leave(status))
    if _left:
        atexit.register(_leave, status)
    threading.Thread(target=_end, args=(status,), name="end of callboard", daemon=True).start()


def _end(status: int) -> None:
    time.sleep(LEAVING)
    ours = (threading.main_thread(), threading.current_thread())
    left = [one.name for one in threading.enumerate() if one not in ours and not one.daemon]
    log.warning("exiting while threads are still running: %s", ", ".join(left) or "at exit")
    _leave(status)


def _leave(status: int) -> None:
    with suppress(Exception):  # a closed pipe must not keep it from ending
        logging.shutdown()
        sys.stdout.flush()
        drain_outlets(1.0)
    os._exit(status)
