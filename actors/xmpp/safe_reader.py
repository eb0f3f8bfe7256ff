"""Reading what others wrote."""

import logging
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from ..runtime.log_throttle import LogThrottle

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

log = logging.getLogger(__name__)


class Reader:
    """Reads what others wrote, and passes over what can't be read.

    Whatever an actor makes of a stranger's stanza goes through here. A parser changes nothing, so
    that nothing is half done when it raises, and one stanza costs no more than itself. What the
    actor does with the result is outside: a bug there is a crash, as supervision wants it.

    Args:
        owner: who reads, for the log.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._dropped = LogThrottle()

    def read(self, parse: Callable[[*Ts], T], *written: *Ts) -> T | None:
        """Return what a parser makes of something; None if it can't be read.

        Args:
            parse: has no effect but its result.
            written: what it takes.
        """
        try:
            return parse(*written)
        except Exception as error:
            self._warn(error)
            return None

    def _warn(self, error: Exception) -> None:
        count = self._dropped.due()
        if not count:
            return
        # A ValueError is the sender's fault, and its words say all; anything else is ours.
        log.warning(
            "%s: what came in can't be read and was dropped (%d since the last warning): %r",
            self._owner,
            count,
            error,
            exc_info=None if isinstance(error, ValueError) else error,
        )
