"""Who waits for something in a call."""

from collections.abc import Hashable
from typing import Any

from ..messages.call import CallOver
from ..records.call_record import CallRecord
from ..runtime.future import AsyncioFuture


class Waiters:
    """The futures that a call has given away. Each is settled: at the call's end at the latest."""

    def __init__(self) -> None:
        self._connected: list[AsyncioFuture[None]] = []
        self._ended: list[AsyncioFuture[CallRecord]] = []
        self._others: dict[Hashable, AsyncioFuture[None]] = {}
        self._is_connected = False
        self._over: CallOver | None = None
        self._record: CallRecord | None = None

    def connected(self) -> AsyncioFuture[None]:
        """Give a future of the moment when media flows; `CallOver` if that never comes."""
        future: AsyncioFuture[None] = AsyncioFuture()
        if self._over is not None:
            _fail(future, self._over)
        elif self._is_connected:
            future.set(None)
        else:
            self._connected.append(future)
        return future

    def ended(self) -> AsyncioFuture[CallRecord]:
        """Give a future of the detail record."""
        future: AsyncioFuture[CallRecord] = AsyncioFuture()
        if self._record is not None:
            future.set(self._record)
        else:
            self._ended.append(future)
        return future

    def add(self, what: Hashable) -> AsyncioFuture[None]:
        """Give a future of something else, which `settle` settles.

        Args:
            what: names it. Who waits for it already has waited enough.
        """
        self.settle(what)
        future: AsyncioFuture[None] = AsyncioFuture()
        if self._over is not None:
            _fail(future, self._over)
        else:
            self._others[what] = future
        return future

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
            _fail(future, failure)
        elif future is not None:
            future.set(None)

    def media_connected(self) -> None:
        """Let go who waits for media to flow."""
        self._is_connected = True
        connected, self._connected = self._connected, []
        for future in connected:
            future.set(None)

    def call_over(self, words: str) -> None:
        """Let go who waits for what does not come any more; only the record is still to come."""
        self._over = CallOver(words)
        waiting = [*self._connected, *self._others.values()]
        self._connected.clear()
        self._others.clear()
        for future in waiting:
            _fail(future, self._over)

    def recorded(self, record: CallRecord) -> None:
        """Let go who waits for the end of the call."""
        self._record = record
        ended, self._ended = self._ended, []
        for future in ended:
            future.set(record)

    def no_record(self) -> None:
        """Let go who waits for a record that could not be made."""
        ended, self._ended = self._ended, []
        for future in ended:
            _fail(future, CallOver("the call is over, and could not be recorded"))


def _fail(future: AsyncioFuture[Any], error: Exception) -> None:
    future.set_exception((type(error), error, None))
