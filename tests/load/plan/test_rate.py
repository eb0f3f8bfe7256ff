"""Rates as people write them."""

import pytest
from callboard.load.plan.rate import parse_rate


@pytest.mark.parametrize(
    ("written", "rate"), [("50/s", 50), ("600/m", 10), ("90/min", 1.5), ("36/h", 0.01), (2, 2)]
)
def test_a_rate_is_read(written: object, rate: float) -> None:
    assert parse_rate(written) == pytest.approx(rate)


@pytest.mark.parametrize(
    "written", ["50", "/s", "5/d", "-1/s", 0, -3, True, None, "1e9/s", float("nan"), 1e9, "٣/s"]
)
def test_what_is_no_rate_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="give a rate"):
        parse_rate(written)
