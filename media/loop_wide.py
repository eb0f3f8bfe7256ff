"""What there is one of for each event loop."""

import asyncio
from typing import Any, Self
from weakref import WeakKeyDictionary


class LoopWide:
    """Serves everything that runs on an event loop."""

    @classmethod
    def running(cls) -> Self:
        """Return the one of the running event loop, made at the first call.

        Raises:
            RuntimeError: No event loop runs.
        """
        made = _made.setdefault(asyncio.get_running_loop(), {})
        if cls not in made:
            made[cls] = cls()
        found: Self = made[cls]
        return found


_made: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[type, Any]] = WeakKeyDictionary()
