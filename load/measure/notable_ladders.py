"""The ladders of a load test's calls that say most: of some that failed, and of the slowest."""

import heapq
from collections import Counter

from ...ladder.ladder import Ladder

MOST = 12
"""Failed calls, and slow ones, whose ladders are kept."""
ALIKE = 3
"""Of failed calls with one kind of cause, so that a frequent one leaves room for the others."""
KINDS = 50
"""Kinds of causes that are told apart; a bot may word each one anew."""


class NotableLadders:
    """Chooses among the ladders of calls that have ended.

    Only the callers' side counts, so that no call comes twice.
    """

    def __init__(self) -> None:
        self._alike: Counter[str] = Counter()
        self._failed: list[Ladder] = []
        self._slowest: list[tuple[float, str, Ladder]] = []
        self._fresh: dict[str, Ladder] = {}

    def add(self, ladder: Ladder) -> None:
        """Take the ladder of a call that has ended.

        Args:
            ladder: as one account has it.
        """
        if ladder.direction != "out":
            return
        if ladder.has_failed:
            self._add_failed(ladder)
        elif ladder.connected is not None:
            entry = (ladder.connected, ladder.uuid, ladder)
            if len(self._slowest) < MOST:
                heapq.heappush(self._slowest, entry)
            else:
                _, faster, _ = heapq.heappushpop(self._slowest, entry)
                self._fresh.pop(faster, None)
                if faster == ladder.uuid:
                    return
            self._fresh[ladder.uuid] = ladder

    def _add_failed(self, ladder: Ladder) -> None:
        kind = ladder.cause.partition(":")[0][:80]
        if len(self._failed) >= MOST or self._alike[kind] >= ALIKE or len(self._alike) > KINDS:
            return
        self._alike[kind] += 1
        self._failed.append(ladder)
        self._fresh[ladder.uuid] = ladder

    def take(self) -> tuple[Ladder, ...]:
        """Return those that were chosen since the last time, and still are."""
        fresh, self._fresh = self._fresh, {}
        return tuple(fresh.values())

    @property
    def failed(self) -> list[Ladder]:
        """Calls that failed, in the order in which they ended."""
        return list(self._failed)

    @property
    def slowest(self) -> list[Ladder]:
        """Calls that took longest to connect, the slowest first."""
        return [ladder for _, _, ladder in sorted(self._slowest, key=lambda one: -one[0])]
