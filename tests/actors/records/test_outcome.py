import itertools
from typing import Literal, get_args

import pytest
from callboard.actors.records.call_record import FAILURES, State, outcome
from callboard.jingle import Reason


@pytest.mark.parametrize(
    ("reason", "direction", "ours", "answered", "connected", "state"),
    [
        (Reason.SUCCESS, "out", True, True, True, "completed"),
        (Reason.SUCCESS, "in", False, True, True, "completed"),
        (Reason.GONE, "in", False, True, True, "completed"),
        (Reason.TIMEOUT, "in", True, True, True, "completed"),
        (Reason.CONNECTIVITY_ERROR, "out", True, True, True, "failed"),
        (Reason.CONNECTIVITY_ERROR, "in", False, True, False, "failed"),
        (Reason.GENERAL_ERROR, "in", True, False, False, "failed"),
        (Reason.BUSY, "in", True, False, False, "busy"),
        (Reason.BUSY, "out", False, False, False, "busy"),
        (Reason.DECLINE, "in", True, False, False, "declined"),
        (Reason.DECLINE, "out", False, False, False, "declined"),
        (Reason.TIMEOUT, "out", True, False, False, "missed"),
        (Reason.TIMEOUT, "in", True, False, False, "missed"),
        (Reason.CANCEL, "out", True, False, False, "cancelled"),
        (Reason.CANCEL, "in", False, False, False, "missed"),
        (Reason.CANCEL, "in", False, True, False, "cancelled"),
        (Reason.CANCEL, "in", True, True, False, "cancelled"),
        (Reason.EXPIRED, "out", True, False, False, "cancelled"),
        (Reason.GONE, "in", True, False, False, "declined"),
        (Reason.GONE, "out", False, False, False, "declined"),
    ],
)
def test_a_call_s_outcome(
    reason: Reason,
    direction: Literal["in", "out"],
    ours: bool,
    answered: bool,
    connected: bool,
    state: State,
) -> None:
    found = outcome(reason, direction=direction, ours=ours, answered=answered, connected=connected)
    assert found == state


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_way_to_end_has_an_outcome(reason: Reason) -> None:
    flags = (True, False)
    for ours, answered, connected in itertools.product(flags, flags, flags):
        for direction in ("in", "out"):
            state = outcome(
                reason,
                direction="in" if direction == "in" else "out",
                ours=ours,
                answered=answered,
                connected=connected,
            )
            assert state in get_args(State)
            assert (state == "failed") is (reason in FAILURES)
            assert (state == "completed") <= connected
