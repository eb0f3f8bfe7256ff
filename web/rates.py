"""How often each client may ask."""

import time
from collections import OrderedDict
from collections.abc import Callable

#: Clients that are told apart; the one that asked longest ago is forgotten beyond that.
MOST_CLIENTS = 10_000


class Rates:
    """Lets each client ask so often, and a little more in a burst.

    Args:
        rate: requests a second.
        burst: requests at once.
        clock: gives the time in seconds.
    """

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Return the seconds until a client may ask again, 0 if it may now.

        Args:
            client: who asks.
        """
        left, _ = self._now(client)
        return max(0.0, (1 - left) / self._rate)

    def count(self, client: str) -> None:
        """Note that a client has asked."""
        left, now = self._now(client)
        self._left[client] = (max(0.0, left - 1), now)
        self._left.move_to_end(client)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)

    def _now(self, client: str) -> tuple[float, float]:
        now = self._clock()
        left, at = self._left.get(client, (self._burst, now))
        return min(self._burst, left + (now - at) * self._rate), now
