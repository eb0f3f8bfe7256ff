"""The keys that a peer has pressed and that nobody has read yet."""

from collections.abc import AsyncIterator

from ...media import LateEvent

#: Keys that wait to be read; more push out the oldest.
MOST_WAITING = 64


class DigitQueue(AsyncIterator[str]):
    """Keys in the order in which they were pressed. Each is read once, whoever reads.

    They wait until somebody reads them: a caller who knows the menu presses ahead of it. A reader
    who gives up takes nothing along.
    """

    def __init__(self) -> None:
        self._digits: list[str] = []
        self._has_changed = LateEvent()
        self._is_over = False

    def put(self, digit: str) -> None:
        """Add a key."""
        self._digits.append(digit)
        del self._digits[:-MOST_WAITING]
        self._has_changed.set()

    def clear(self) -> None:
        """Forget the keys that wait."""
        self._digits.clear()

    def end(self) -> None:
        """Let readers end once they have read what waits."""
        self._is_over = True
        self._has_changed.set()

    def __aiter__(self) -> "DigitQueue":
        return self

    async def __anext__(self) -> str:
        while not self._digits:
            if self._is_over:
                raise StopAsyncIteration
            self._has_changed.clear()
            await self._has_changed.wait()
        return self._digits.pop(0)
