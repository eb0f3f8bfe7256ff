"""What has been sent to an actor and not been handled yet."""

import asyncio
from asyncio import _get_running_loop
from collections import deque
from typing import Any

from pykka import ActorDeadError

from ._pykka import ActorStop, Envelope

__all__ = ["Inbox", "refuse"]


class Inbox:
    """The queue of one actor on its loop; filled from every thread, emptied by the actor."""

    __slots__ = ("_envelopes", "_is_closed", "_waiter", "loop")

    def __init__(self) -> None:
        # Most of the time it is empty, in thousands of actors: then there is no deque.
        self._envelopes: deque[Envelope[Any]] | None = None
        self._is_closed = False
        self._waiter: asyncio.Future[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue a message: an append on the actor's loop (or before its start), else a call to it.

        Raises:
            pykka.ActorDeadError: the loop is closed and nobody waits for an answer.
        """
        if self.loop is None or _get_running_loop() is self.loop:
            self._accept(envelope)
            return
        try:
            self.loop.call_soon_threadsafe(self._accept, envelope)
        except RuntimeError:
            refuse(envelope)
            if envelope.reply_to is None:
                msg = "the loop of the actor is closed"
                raise ActorDeadError(msg) from None

    def get(self) -> Envelope[Any]:
        """Take the oldest message, which must be there."""
        envelopes = self._envelopes
        assert envelopes is not None  # noqa: S101 - see above
        envelope = envelopes.popleft()
        if not envelopes:
            self._envelopes = None
        return envelope

    def empty(self) -> bool:
        """Whether no message is queued."""
        return not self._envelopes

    def arrival(self) -> asyncio.Future[None]:
        """Give what is to be awaited, with the inbox empty, for the next message."""
        assert self.loop is not None  # noqa: S101 - only the started actor waits
        self._waiter = self.loop.create_future()
        return self._waiter

    def close(self) -> None:
        """Refuse what is queued and whatever still comes."""
        self._is_closed = True
        while self._envelopes:
            refuse(self.get())

    def _accept(self, envelope: Envelope[Any]) -> None:
        if self._is_closed:
            refuse(envelope)
            return
        if self._envelopes is None:
            self._envelopes = deque()
        self._envelopes.append(envelope)
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None


def refuse(envelope: Envelope[Any]) -> None:
    """Answer for an actor that will not: a request to stop is granted, others find it dead.

    Args:
        envelope: the message, with the future of whoever waits for its answer.
    """
    if envelope.reply_to is None:
        return
    if isinstance(envelope.message, ActorStop):
        envelope.reply_to.set(None)
    else:
        error = ActorDeadError("the actor stopped before handling the message")
        envelope.reply_to.set_exception((ActorDeadError, error, None))
