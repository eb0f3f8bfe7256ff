"""How late the event loop wakes up."""

import asyncio
import time
from collections.abc import Callable


async def watch_lag(record: Callable[[float], object], every: float) -> None:
    """Look at the running loop until cancelled.

    Args:
        record: told by how many seconds it woke up late, each time.
        every: seconds between two looks.
    """
    while True:
        before = time.monotonic()
        await asyncio.sleep(every)
        record(max(0.0, time.monotonic() - before - every))
