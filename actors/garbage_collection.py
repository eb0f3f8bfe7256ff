"""When Python looks for garbage in cycles, in a process of thousands of accounts."""

import asyncio
import gc

from ..media.loop_wide import LoopWide

#: Objects made and not freed until the youngest are looked at; how often until the young are, ten
#: thousand at a time, which takes 5 ms; how often until all are.
THRESHOLDS = (2_000, 5, 100)


def tune_garbage_collection() -> None:
    """Look for garbage less often, and never again among what is loaded by now.

    An account is 136 objects that live long, and a login leaves no garbage in cycles; but at
    Python's own thresholds its objects are looked at about ten times: 0.5 ms of CPU among 4,000
    accounts, and pauses of 300 ms. A call leaves 460 objects in cycles on each side, so all are
    looked at once in about 2,000 of them. Nothing is collected first: among what is loaded there is
    no garbage, and to look takes 100 ms.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def freeze_loaded() -> None:
    """Look no more among what was loaded since `tune_garbage_collection`, if that was called."""
    if gc.get_freeze_count():
        gc.freeze()


class QuietLooks(LoopWide):
    """Looks for young garbage when a call has been set up, so that Python need not amid the next.

    A call makes most of its objects while it is set up: at the threshold, the look of a millisecond
    would come just then, and the peer would wait for it. What Python itself looks for stays as it
    is: only the moment is another one, where there are no more than `THRESHOLDS` in between.
    """

    AFTER = 0.1
    """Seconds from a call's beginning; so there are no more than ten of these looks a second."""

    def __init__(self) -> None:
        self._is_due = False

    def call_begins(self) -> None:
        """Look when this call is set up, in a process that was tuned."""
        # To ask how much is frozen would take 20 ms: Python counts it.
        if not self._is_due and gc.get_threshold() == THRESHOLDS:
            self._is_due = True
            asyncio.get_running_loop().call_later(self.AFTER, self._look)

    def _look(self) -> None:
        self._is_due = False
        _, young, old = gc.get_count()
        if old <= THRESHOLDS[2]:  # else all may be due, which Python decides by more than that
            gc.collect(1 if young > THRESHOLDS[1] else 0)
