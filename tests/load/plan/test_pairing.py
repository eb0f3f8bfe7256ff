"""Who does something with whom is the same on every shard."""

from itertools import takewhile

import pytest
from callboard.load.plan.pairing import Pairing, owner, turns
from hypothesis import given
from hypothesis import strategies as st


def test_half_of_one_fleet_calls_the_other() -> None:
    pairing = Pairing.of(range(7), range(7))
    assert [pairing.pair(iteration) for iteration in range(4)] == [(0, 3), (1, 4), (2, 5), (0, 3)]


def test_who_begins_is_left_out_on_the_other_side() -> None:
    assert Pairing.of([0, 1], range(4)).second == (2, 3)
    assert not Pairing.of([0, 1], [1])


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20, unique=True), st.integers(1, 7))
def test_each_iteration_falls_to_the_one_shard_that_has_the_account(
    accounts: list[int], shards: int
) -> None:
    count = 3 * len(accounts)
    found = [
        (turn, shard)
        for shard in range(shards)
        for turn in takewhile(lambda turn: turn < count, turns(accounts, shard, shards))
    ]
    assert sorted(turn for turn, _ in found) == list(range(count))
    assert all(owner(accounts[turn % len(accounts)], shards) == shard for turn, shard in found)


@pytest.mark.parametrize("shard", [0, 1])
def test_a_shard_without_accounts_has_nothing_to_do(shard: int) -> None:
    assert list(turns([2], shard, 3)) == []
