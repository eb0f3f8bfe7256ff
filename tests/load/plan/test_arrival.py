"""When iterations start: a pure function of the plan."""

import math

import pytest
from callboard.load.plan.arrival import Arrivals, Segment
from callboard.load.plan.phase import CallPhase
from hypothesis import given
from hypothesis import strategies as st

rates = st.floats(0.01, 1000)
segments = st.lists(
    st.builds(Segment, st.floats(0.1, 100), rates, rates), min_size=1, max_size=4
).map(Arrivals)


def times(arrivals: Arrivals, limit: int = 500) -> list[float]:
    found = (arrivals.time_of(index) for index in range(limit))
    return [time for time in found if time is not None]


def test_a_steady_rate_starts_evenly() -> None:
    arrivals = Arrivals([Segment(2, 5, 5)])
    assert times(arrivals) == pytest.approx([index / 5 for index in range(10)])
    assert arrivals.count == 10
    assert arrivals.time_of(10) is None


def test_a_ramp_starts_slowly_and_reaches_its_rate() -> None:
    arrivals = Arrivals([Segment(10, 0, 4), Segment(10, 4, 4)])
    assert arrivals.count == 60
    found = times(arrivals)
    assert sum(time < 5 for time in found) == 5
    assert sum(time < 10 for time in found) == 20
    assert arrivals.rate_at(5) == pytest.approx(2)
    assert arrivals.rate_at(15) == pytest.approx(4)
    assert arrivals.rate_at(25) == 0


def test_a_rate_may_have_no_end() -> None:
    arrivals = Arrivals([Segment(0, 0, 5), Segment(math.inf, 5, 5)])
    assert arrivals.time_of(5000) == pytest.approx(1000)
    assert arrivals.count == math.inf


def test_steps_follow_each_other() -> None:
    call = CallPhase.model_validate(
        {"steps": [{"rate": "1/s", "for": "10s"}, {"rate": "3/s", "for": "4s", "ramp": "2s"}]}
    )
    arrivals = call.arrivals
    assert arrivals.seconds == 14
    assert arrivals.count == 20  # 10, then 4 in the ramp from 1/s to 3/s, then 6
    assert [arrivals.rate_at(time) for time in (0, 9.9, 11, 13)] == pytest.approx([1, 1, 2, 3])
    assert call.peak == 3


@given(segments)
def test_times_run_forward_and_stay_inside(arrivals: Arrivals) -> None:
    found = times(arrivals)
    assert found == sorted(found)
    assert found[0] == 0
    assert found[-1] <= arrivals.seconds + 1e-6
