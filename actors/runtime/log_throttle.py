"""How often the log hears of what a stranger can make happen thousands of times."""

import time

#: Seconds between two warnings of one kind.
PAUSE = 60.0


class LogThrottle:
    """Counts what happens, and says when the next warning is due.

    A stranger who makes something happen thousands of times must not fill the log with it.
    """

    __slots__ = ("_count", "_quiet_until")

    def __init__(self) -> None:
        self._quiet_until = -1.0
        self._count = 0

    def due(self) -> int:
        """Count one more; return how many since the last warning, or 0 if it is too soon."""
        self._count += 1
        now = time.monotonic()
        if now < self._quiet_until:
            return 0
        self._quiet_until = now + PAUSE
        count, self._count = self._count, 0
        return count
