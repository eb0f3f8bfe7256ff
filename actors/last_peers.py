"""What is kept of each of the peers that came last."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

#: Peers of which something is kept; of more, the longest silent are forgotten.
REMEMBERED = 1024


class LastPeers(Generic[T]):
    """Keeps something of each peer, and does not grow with strangers.

    Args:
        make: makes it for a peer who is new, or was forgotten.
    """

    __slots__ = ("_kept", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._kept: dict[str, T] = {}
        self._make = make

    def __len__(self) -> int:
        return len(self._kept)

    def came(self, peer: str) -> T:
        """Return what is kept of a peer, who is the last one now.

        Args:
            peer: its bare JID.
        """
        kept = self._kept.pop(peer) if peer in self._kept else self._make()
        self._kept[peer] = kept
        if len(self._kept) > REMEMBERED:
            del self._kept[next(iter(self._kept))]
        return kept
