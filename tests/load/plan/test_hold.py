"""How long calls are held."""

import pytest
from callboard.load.plan.hold import HoldTime
from callboard.load.plan.phase import CallPhase
from pydantic import ValidationError

PACE = {"rate": 1, "duration": 1}


def test_a_duration_is_a_fixed_hold() -> None:
    hold = CallPhase.model_validate({**PACE, "hold": "90s"}).hold
    assert {hold.draw(1, iteration) for iteration in range(5)} == {90.0}


@pytest.mark.parametrize("kind", ["uniform", "exponential"])
def test_a_draw_depends_on_seed_and_iteration_alone(kind: str) -> None:
    hold = HoldTime.model_validate({"distribution": kind, "mean": 10, "min": 5, "max": 15})
    draws = [hold.draw(7, iteration) for iteration in range(2000)]
    assert draws == [hold.draw(7, iteration) for iteration in range(2000)]
    assert draws != [hold.draw(8, iteration) for iteration in range(2000)]
    assert sum(draws) / len(draws) == pytest.approx(10, rel=0.1)
    assert hold.average == 10


@pytest.mark.parametrize(
    "written",
    [
        {"distribution": "uniform", "min": "5s"},
        {"distribution": "uniform", "min": "9s", "max": "5s"},
        {"distribution": "exponential"},
        {"distribution": "normal", "mean": 1},
        {},
    ],
)
def test_what_is_no_hold_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        HoldTime.model_validate(written)
