"""This machine's addresses that go away while calls use them: a pulled cable, another WLAN."""

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable

from ...loop_wide import LoopWide

PERIOD = 2.0
"""Seconds between two checks."""

REPEAT = 15.0
"""Seconds after which a loss is told again, if the address is still used and still gone."""


class Watch:
    """What one connection wants to know.

    Args:
        used: Returns the own addresses that its media go through now.
        lost: Called with an address that is gone.
    """

    def __init__(self, used: Callable[[], Iterable[str]], lost: Callable[[str], None]) -> None:
        self._used = used
        self._lost = lost
        self._told: dict[str, float] = {}

    def look(self, here: Callable[[str], bool], now: float) -> None:
        """Report the addresses that are gone.

        Args:
            here: Says whether an address is still this machine's.
            now: The loop's time (seconds).
        """
        used = set(self._used())
        self._told = {each: at for each, at in self._told.items() if each in used}
        for address in used:
            if here(address):
                self._told.pop(address, None)
            elif now >= self._told.get(address, now - REPEAT) + REPEAT:
                self._told[address] = now
                self._lost(address)


class OwnAddresses(LoopWide):
    """Checks every two seconds whether the addresses that calls use are still this machine's.

    One timer serves a loop. Without it, a loss would be noticed only when the peer's consent lapses
    half a minute later (RFC 7675 §5.1), and the call would end.
    """

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watch: Watch) -> None:
        """Begin to watch for a connection."""
        self._watches.add(watch)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD, self._look)

    def remove(self, watch: Watch) -> None:
        """Stop watching for a connection; one that was not added is ignored."""
        self._watches.discard(watch)
        if not self._watches and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        seen: dict[str, bool] = {}

        def here(address: str) -> bool:
            if address not in seen:
                seen[address] = is_here(address)
            return seen[address]

        self._timer = loop.call_later(PERIOD, self._look)
        for watch in tuple(self._watches):
            watch.look(here, loop.time())


def is_here(address: str) -> bool:
    """Tell whether an address is this machine's, by binding a socket to it.

    Args:
        address: An IP address.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError as error:
        return error.errno != errno.EADDRNOTAVAIL
    return True
