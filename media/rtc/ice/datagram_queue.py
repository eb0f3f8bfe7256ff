"""The datagrams that came in on an ICE connection and were not taken yet."""

import asyncio
from collections.abc import Callable, Container
from typing import Any


class DatagramQueue:
    """Stands where aioice has an `asyncio.Queue`: bounded, where that one is not.

    One task takes what comes. When it does not keep up, the oldest is dropped, as a socket would.

    Attributes:
        first: Called with each datagram in the turn of the loop in which it comes, while no RTP
            packet waits, so that none overtakes another; True if it has taken it.
        lane: Called before that for datagrams that lie in the room in which sockets read
            (`SocketPoll`): where the first one begins, where the last one ends, and the size of
            each but the last; returns where the first one begins that it has not taken.
        packets: How many RTP packets wait.
    """

    LIMIT = 2048

    def __init__(self) -> None:
        self.first: Callable[[bytes], bool] | None = None
        self.lane: Callable[[int, int, int], int] | None = None
        self._items: list[Any] = []
        self.packets = 0
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, item: Any) -> None:
        """Add a datagram and its component; None says that the connection is lost."""
        if item is not None and not self.packets and self.first is not None and self.first(item[0]):
            return
        self._items.append(item)
        self.packets += _is_rtp(item)
        if len(self._items) > self.LIMIT:
            self._take()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def get(self) -> Any:
        """Take the oldest, or wait for it."""
        while not self._items:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._take()

    def take_first(self, kind: Container[int]) -> bytes | None:
        """Take the oldest at once, if there is one and its first octet is one of a kind."""
        if not self._items or self._items[0] is None or self._items[0][0][0] not in kind:
            return None
        datagram: bytes = self._take()[0]
        return datagram

    def _take(self) -> Any:
        item = self._items.pop(0)
        self.packets -= _is_rtp(item)
        return item


def _is_rtp(item: Any) -> bool:
    """Tell whether it is a packet whose order among others counts (RFC 7983 §7, RFC 5761 §4)."""
    if item is None:
        return False
    datagram: bytes = item[0]
    return 127 < datagram[0] < 192 and not 191 < datagram[1] < 224
