"""Distributions say what hdrhistogram would say of them, only sooner."""

from unittest import mock

import pytest
from callboard.load.measure.histogram import Histogram
from hypothesis import given, settings
from hypothesis import strategies as st

SECONDS = st.one_of(st.floats(0, 0.01), st.floats(0, 5), st.floats(0, 4000))


@settings(max_examples=15)  # theirs takes long
@given(st.lists(SECONDS, max_size=30), st.sampled_from([4, 8]))
def test_the_mean_is_hdrhistograms(values: list[float], counter: int) -> None:
    found = Histogram("call.setup", counter=counter)
    for value in values:
        found.record(value)
    theirs = found._values.get_mean_value() / found._scale
    assert found.mean == pytest.approx(theirs, rel=1e-12)


def test_the_mean_is_found_without_a_look_at_each_counter() -> None:
    found = Histogram("call.setup")
    found.record(3000)
    with mock.patch.object(found._values, "get_count_at_index", side_effect=AssertionError):
        assert found.mean == pytest.approx(3000, rel=0.001)
