"""What somebody waits for until a call gets there."""

from typing import Any

from ...media import SourceError
from ..messages.call import CallOver
from ..records.call_record import CallRecord
from ..runtime.future import AsyncioFuture


class Promises:
    """The futures that a call has given away: of being connected, of having played, of its end."""

    def __init__(self) -> None:
        self._connected: list[AsyncioFuture[None]] = []
        self._ended: list[AsyncioFuture[CallRecord]] = []
        self._played: dict[str, AsyncioFuture[None]] = {}
        self._added: AsyncioFuture[None] | None = None
        self._answered: dict[str, AsyncioFuture[None]] = {}
        self._is_connected = False
        self._over: CallOver | None = None
        self._record: CallRecord | None = None

    def connected(self) -> AsyncioFuture[None]:
        """Promise the moment when media flows; it raises `CallOver` if that never comes."""
        future: AsyncioFuture[None] = AsyncioFuture()
        if self._over is not None:
            _fail(future, self._over)
        elif self._is_connected:
            future.set(None)
        else:
            self._connected.append(future)
        return future

    def ended(self) -> AsyncioFuture[CallRecord]:
        """Promise the detail record."""
        future: AsyncioFuture[CallRecord] = AsyncioFuture()
        if self._record is not None:
            future.set(self._record)
        else:
            self._ended.append(future)
        return future

    def played(self, kind: str, *, endless: bool) -> AsyncioFuture[None]:
        """Promise the end of what begins to play now; what played before has ended by it."""
        self.keep_played(kind, None)
        future: AsyncioFuture[None] = AsyncioFuture()
        if endless:
            future.set(None)
        else:
            self._played[kind] = future
        return future

    @property
    def adding(self) -> bool:
        """Whether the peer has yet to answer what we add."""
        return self._added is not None

    def added(self) -> AsyncioFuture[None]:
        """Promise that the peer takes what we add; one at a time.

        Raises:
            CallOver: the peer has not answered the last one yet.
        """
        if self._added is not None:
            raise CallOver("the peer has not answered the last content-add yet")
        self._added = AsyncioFuture()
        return self._added

    def keep_added(self, failure: str | None) -> None:
        """The peer has taken what we added, or has not."""
        future, self._added = self._added, None
        _settle(future, failure)

    def answered(self, token: str) -> AsyncioFuture[None]:
        """Promise that the peer goes along with what was asked of it under this token."""
        return self._answered.setdefault(token, AsyncioFuture())

    def keep_answered(self, token: str, failure: str | None) -> None:
        """The peer goes along, or does not."""
        _settle(self._answered.pop(token, None), failure)

    def keep_connected(self) -> None:
        """Media flows."""
        self._is_connected = True
        for future in self._connected:
            future.set(None)
        self._connected.clear()

    def keep_played(self, kind: str, failure: str | None) -> None:
        """What played has ended, or could not be played: the call goes on (`SourceError`)."""
        future = self._played.pop(kind, None)
        if future is not None and failure is not None:
            _fail(future, SourceError(failure))
        else:
            _settle(future, None)

    def keep_record(self, record: CallRecord) -> None:
        """The call is over and recorded."""
        self._record = record
        for future in self._ended:
            future.set(record)
        self._ended.clear()

    def break_off(self, words: str) -> None:
        """The call is over: what was promised for during it does not come."""
        self._over = CallOver(words)
        waiting = (*self._connected, *self._played.values(), *self._answered.values())
        for future in waiting:
            _fail(future, self._over)
        self.keep_added(words)
        self._connected.clear()
        self._played.clear()
        self._answered.clear()


def _settle(future: AsyncioFuture[None] | None, failure: str | None) -> None:
    if future is not None and failure is not None:
        _fail(future, CallOver(failure))
    elif future is not None:
        future.set(None)


def _fail(future: AsyncioFuture[Any], error: Exception) -> None:
    future.set_exception((type(error), error, None))
