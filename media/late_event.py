"""An event that makes room for who waits only when somebody does."""

import asyncio


class LateEvent:
    """Stands for an `asyncio.Event`, which takes 0.8 KiB: most of it is a queue of who waits."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None
        self._is_set = False

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._is_set

    def set(self) -> None:
        """Set it, and wake all who wait."""
        self._is_set = True
        event, self._event = self._event, None
        if event is not None:
            event.set()

    def clear(self) -> None:
        """Let who comes from now on wait again."""
        self._is_set = False

    async def wait(self) -> None:
        """Return once it has been set."""
        if self._is_set:
            return
        if self._event is None:
            self._event = asyncio.Event()
        await self._event.wait()
