"""Somebody outside who is told what happens."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Observer(Generic[T]):
    """Tells somebody outside; what they raise ends nothing here.

    Each kind of failure is logged once: who fails at one report mostly fails at the next.

    Args:
        tell: who is told, on the loop; it must not block.
    """

    def __init__(self, tell: Callable[[T], object]) -> None:
        self._tell = tell
        self._failures: set[type[Exception]] = set()

    def __call__(self, report: T) -> None:
        """Tell one thing."""
        try:
            self._tell(report)
        except Exception as error:
            if type(error) not in self._failures:
                self._failures.add(type(error))
                log.exception("who is told what happens failed; everything else goes on")
