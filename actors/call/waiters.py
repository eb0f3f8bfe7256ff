"""Who waits for something in a call."""

from collections.abc import Callable, Hashable
from typing import Any, Literal

from ..messages.call import CallOver
from ..records.call_record import CallRecord
from ..runtime.future import AsyncioFuture
from .too_late import TooLate


class Waiters:
    """The futures that a call has given away. Each is settled: at the call's end at the latest.

    Args:
        too_late: says why it is.

    Attributes:
        connected: the moment when media flows; `CallOver` if that never comes.
        over: the moment when it is over, with a sentence about why.
        ended: the detail record.
    """

    def __init__(self, too_late: TooLate) -> None:
        self.connected: AsyncioFuture[None] = AsyncioFuture()
        self.over: AsyncioFuture[str] = AsyncioFuture()
        self.ended: AsyncioFuture[CallRecord] = AsyncioFuture()
        self._others: dict[Hashable, AsyncioFuture[None]] = {}
        self._too_late = too_late
        self._is_over = False
        self._at_end: list[Callable[[], None]] = []

    def promised(self, until: Literal["connected", "over", "ended"]) -> AsyncioFuture[Any]:
        """Give the future of one of these moments."""
        moments: dict[str, AsyncioFuture[Any]] = {
            "connected": self.connected,
            "over": self.over,
            "ended": self.ended,
        }
        return moments[until]

    def add(self, what: Hashable) -> AsyncioFuture[None]:
        """Give a future of something else, which `settle` settles.

        Args:
            what: names it. Who waits for it already has waited enough.
        """
        self.settle(what)
        future: AsyncioFuture[None] = AsyncioFuture()
        if self._is_over:
            future.fail(self._too_late.error())
        else:
            self._others[what] = future
        return future

    def at_end(self, then: Callable[[], None]) -> None:
        """Have something done when the call is over.

        Args:
            then: lets go who waits for more than one thing.
        """
        self._at_end.append(then)

    def __contains__(self, what: object) -> bool:
        """Tell whether somebody waits for something."""
        return what in self._others

    def settle(self, what: Hashable, failure: Exception | None = None) -> None:
        """Let go who waits for something.

        Args:
            what: that of `add`; nobody need wait for it.
            failure: what they get in its place.
        """
        future = self._others.pop(what, None)
        if future is not None and failure is not None:
            future.fail(failure)
        elif future is not None:
            future.set(None)

    def call_over(self, why: str) -> None:
        """Let go who waits for what does not come any more; only the record is still to come.

        Args:
            why: a sentence about it.
        """
        self._is_over = True
        self._too_late.over(why)
        if not self.over.done():
            self.over.set(why)
        if self.connected.done():
            self.connected = AsyncioFuture()
        waiting = [self.connected, *self._others.values()]
        self._others.clear()
        for future in waiting:
            future.fail(self._too_late.error())
        for then in self._at_end:
            then()

    async def last_words(self) -> str:
        """Return a sentence about the end, once it is known why."""
        await self.over
        return self._too_late.words

    def no_record(self) -> None:
        """Let go who waits for a record, if it could not be made."""
        if not self.over.done():
            self.over.set("something went wrong")
        if not self.ended.done():
            self.ended.fail(CallOver(f"{self._too_late.words}, and could not be recorded"))
