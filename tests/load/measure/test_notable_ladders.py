"""Which ladders of a load test are kept: few, of each kind of failure, and of the slowest calls."""

from typing import Any

import pytest
from callboard.ladder.ladder import Ladder
from callboard.load.measure.measurements import Measurements
from callboard.load.measure.notable_ladders import ALIKE, KINDS, MOST, NotableLadders
from callboard.load.measure.tally import Tally

pytestmark = pytest.mark.unit


def ladder(uuid: Any, **known: Any) -> Ladder:
    usual: dict[str, Any] = {
        "id": "sid", "account": "a@b.c", "peer": "d@e.f", "direction": "out", "state": "completed",
        "began": 1.0, "seconds": 1.0, "cause": "Completed: all well", "rungs": (),
    }  # fmt: skip
    return Ladder(uuid=str(uuid), **{**usual, **known})


def test_the_slowest_are_kept_and_told_once() -> None:
    kept = NotableLadders()
    for number in range(100):
        kept.add(ladder(number, connected=float(number * 37 % 100)))
    slowest = [one.connected for one in kept.slowest]
    assert slowest == [float(99 - number) for number in range(MOST)]
    assert {one.uuid for one in kept.take()} == {one.uuid for one in kept.slowest}
    kept.add(ladder("fast", connected=0.0))
    assert not kept.take()
    kept.add(ladder("slow", connected=500.0))
    assert [one.uuid for one in kept.take()] == ["slow"]


def test_a_frequent_failure_leaves_room_for_others() -> None:
    kept = NotableLadders()
    for number in range(100):
        kept.add(ladder(number, state="busy", cause=f"Busy: {number}"))
    kept.add(ladder("other", state="failed", cause="No route: nothing"))
    assert len(kept.failed) == ALIKE + 1
    for number in range(10 * KINDS):
        kept.add(ladder(f"x{number}", state="failed", cause=f"Cause {number}: nothing"))
    assert len(kept.failed) == MOST


def test_each_call_comes_once_and_those_that_our_policy_refused_do_not() -> None:
    kept = NotableLadders()
    kept.add(ladder(1, direction="in", connected=1.0))
    kept.add(ladder(2, direction="in", state="failed"))
    kept.add(ladder(3, state="busy", refused=True))
    assert not kept.take()


def test_what_shards_have_kept_is_merged() -> None:
    measured = Measurements()
    for shard in range(3):
        tally = Tally()
        for number in range(MOST):
            uuid = f"{shard}-{number}"
            tally.ladder(ladder(uuid, connected=shard + number / 100))
        measured.merge(shard, tally.take())
    assert {one.uuid[0] for one in measured.ladders.slowest} == {"2"}
    assert len(measured.ladders.slowest) == MOST
