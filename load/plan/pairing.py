"""Who does something with whom: a function of indices, the same on every shard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Self


def owner(account: int, shards: int) -> int:
    """Return the shard on which an account lives.

    Args:
        account: its place in the plan.
        shards: how many there are.
    """
    return account % shards


@dataclass(frozen=True, slots=True)
class Pairing:
    """Pairs of accounts, one for each iteration, in turn.

    Attributes:
        first: the places, in the plan, of the accounts that begin.
        second: of those with whom they do it.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]

    @classmethod
    def of(cls, first: Sequence[int], second: Sequence[int]) -> Self:
        """Pair accounts so that nobody is on both sides.

        If both sides are the same accounts, the first half begins; otherwise who begins is left out
        on the other side.
        """
        if list(first) == list(second):
            half = len(first) // 2
            return cls(tuple(first[:half]), tuple(first[half : 2 * half]))
        begin = set(first)
        return cls(tuple(first), tuple(one for one in second if one not in begin))

    def __bool__(self) -> bool:
        return bool(self.first and self.second)

    def pair(self, iteration: int) -> tuple[int, int]:
        """Return the two accounts of an iteration: who begins, and with whom."""
        return (
            self.first[iteration % len(self.first)],
            self.second[iteration % len(self.second)],
        )

    def iterations(self, shard: int, shards: int) -> Iterator[int]:
        """Give, without end, the iterations that begin with an account of one shard."""
        return turns(self.first, shard, shards)


def turns(accounts: Sequence[int], shard: int, shards: int) -> Iterator[int]:
    """Give, without end, the iterations that fall to one shard when accounts take turns.

    Args:
        accounts: their places in the plan.
        shard: the shard.
        shards: how many there are.
    """
    own = [turn for turn, account in enumerate(accounts) if owner(account, shards) == shard]
    if not own:
        return
    for round_ in count():
        for turn in own:
            yield round_ * len(accounts) + turn
