"""Noticing a connection that takes what is sent and gives nothing back."""

import asyncio
from collections.abc import Callable

#: Seconds from a stanza to the question whether it has arrived (XEP-0198 §4): one is enough for
#: all that is said in that time.
ASK_AFTER = 1.0
#: The same without stream management, where a ping (XEP-0199) asks, unless anything came meanwhile.
PING_AFTER = 4.0
#: Seconds that the server has to answer; with the above less than 20 from the stanza on.
DEADLINE = 15.0


class Liveness:
    """Asks the server for a sign of life after a stanza, and says when there is none.

    An idle connection has no timer.

    Args:
        ask: asks for the sign.
        dead: told that it did not come.
    """

    __slots__ = ("_ask", "_dead", "_timer")

    def __init__(self, ask: Callable[[], None], dead: Callable[[], None]) -> None:
        self._ask = ask
        self._dead = dead
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a stanza has had no sign of life after it."""
        return self._timer is not None

    def sent(self, after: float) -> None:
        """Note that a stanza is sent.

        Args:
            after: seconds after which to ask, unless the question is already on its way.
        """
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(after, self._is_due)

    def answered(self) -> None:
        """Note a sign of life."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_due(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(DEADLINE, self._is_over)
        self._ask()

    def _is_over(self) -> None:
        self._timer = None
        self._dead()
