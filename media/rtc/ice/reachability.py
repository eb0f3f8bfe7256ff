"""Which STUN and TURN servers have answered lately."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from ...loop_wide import LoopWide
from .server import IceServer

FIRST = 2.0
"""Seconds that a server has to answer: three datagrams, or a handshake and two."""

AGAIN = 1.0
"""Seconds that a server has if it did not answer the last time."""

SHORTEST, LONGEST = 30.0, 600.0
"""Seconds for which a server that did not answer is skipped, at first and at most."""

MOST = 256
"""Servers that are remembered."""


@dataclass(slots=True)
class _Silence:
    """A server that does not answer.

    Attributes:
        until: When it is asked again (`loop.time()`).
        lasts: For how long it is skipped this time (seconds).
        told: Which accounts were told of which problems.
    """

    until: float = 0.0
    lasts: float = 0.0
    told: set[tuple[str, str]] = field(default_factory=set)


class Reachability(LoopWide):
    """Remembers servers that do not answer, so that not every call waits for them."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Silence] = OrderedDict()

    def patience(self, server: IceServer) -> float | None:
        """Tell how long to wait for a server.

        Args:
            server: The server.

        Returns:
            Seconds; None if it should not be asked for now.
        """
        silence = self._known.get(server.url)
        if silence is None or not silence.lasts:
            return FIRST
        return None if asyncio.get_running_loop().time() < silence.until else AGAIN

    def answered(self, server: IceServer) -> None:
        """Note that a server has answered."""
        self._known.pop(server.url, None)

    def silent(self, server: IceServer) -> float:
        """Note that a server has not answered in time.

        Args:
            server: The server.

        Returns:
            Seconds for which it is skipped from now on.
        """
        silence = self._remember(server)
        now = asyncio.get_running_loop().time()
        if now >= silence.until:  # else calls that asked at the same time have said so already
            silence.lasts = min(LONGEST, 2 * silence.lasts or SHORTEST)
            silence.until = now + silence.lasts
        return silence.until - now

    def is_news(self, server: IceServer, account: str, what: str) -> bool:
        """Tell whether an account's log has not said this since the server last answered.

        Args:
            server: The server.
            account: Whose call it is.
            what: What went wrong.
        """
        told = self._remember(server).told
        if (account, what) in told or len(told) >= MOST:
            return False
        told.add((account, what))
        return True

    def _remember(self, server: IceServer) -> _Silence:
        silence = self._known.setdefault(server.url, _Silence())
        self._known.move_to_end(server.url)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return silence
