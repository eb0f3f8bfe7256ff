"""The properties of two sessions that talk to each other; `test_fuzz.py` has the others."""

import pytest
from callboard.tests.fuzz.rounds import BETWEEN_TWO, rounds
from callboard.tests.fuzz.run import fuzz


@pytest.mark.parametrize(("name", "number"), rounds(lambda name: name in BETWEEN_TWO))
def test_a_property(name: str, number: int) -> None:
    fuzz([name], 0, number)
