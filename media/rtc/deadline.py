"""A time by which something must have happened."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls a function unless it is cancelled in time.

    Attributes:
        seconds: How long it waits.
    """

    def __init__(self, seconds: float, expire: Callable[[], None]) -> None:
        self.seconds = seconds
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start to wait, unless it already waits."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.seconds, self._expire)

    def cancel(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
