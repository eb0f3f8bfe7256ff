"""Those who are told of something."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Watchers(list[T]):
    """A list that says when somebody is added.

    Args:
        on_added: Called before that.
    """

    def __init__(self, on_added: Callable[[], None]) -> None:
        super().__init__()
        self._on_added = on_added

    def append(self, watcher: T) -> None:
        """Add somebody.

        Args:
            watcher: Whom.
        """
        self._on_added()
        super().append(watcher)
