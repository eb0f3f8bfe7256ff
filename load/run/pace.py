"""Starting iterations on time, and saying so when that fails."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from ..measure.tally import Tally
from ..plan.arrival import Arrivals

LATE = 0.05
"""Seconds after which a start counts as late."""
TOO_LATE = 5.0
"""Seconds after which an iteration is not started any more: the generator can't keep up."""


async def pace(
    activity: str,
    iterations: Iterable[int],
    arrivals: Arrivals,
    start: Callable[[int], Coroutine[Any, Any, None]],
    tally: Tally,
) -> None:
    """Start iterations at their times, and return when all that were started have ended.

    A late start is started late and counted; what can't be started any more is a dropped iteration.

    Args:
        activity: what the iterations do, for the counters.
        iterations: their indices, in order; may be without end.
        arrivals: when each starts.
        start: makes an iteration's coroutine.
        tally: told of starts that were late or dropped.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as running:
        for index in iterations:
            due = arrivals.time_of(index)
            if due is None:
                break
            delay = began + due - loop.time()
            # An overdue start lets others run too, or a burst would hold the loop.
            await asyncio.sleep(max(0.0, delay))
            lateness = loop.time() - began - due
            tally.record("iteration.lateness", max(0.0, lateness))
            if lateness > TOO_LATE:
                tally.drop(activity, f"the generator was over {TOO_LATE:g} s late")
                continue
            if lateness > LATE:
                tally.count("iteration.late")
            running.create_task(start(index))
