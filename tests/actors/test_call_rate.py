"""How many calls each peer may begin."""

import logging

import pytest
from callboard.actors import last_peers
from callboard.actors.call_rate import AT_ONCE, RATE, CallRate


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("callboard.media.budget.time", found)
    monkeypatch.setattr("callboard.actors.runtime.log_throttle.time", found)
    return found


def test_each_peer_has_a_budget_of_its_own(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    guard = CallRate("desk@localhost")
    assert sum(guard.admit("eve@localhost") for _ in range(3000)) == AT_ONCE
    assert guard.admit("alice@localhost")
    clock.now += 3
    assert sum(guard.admit("eve@localhost") for _ in range(3000)) == 3 * RATE
    (line,) = caplog.messages
    assert "eve@localhost" in line


def test_what_is_remembered_does_not_grow_with_strangers(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_peers, "REMEMBERED", 10)
    guard = CallRate("desk@localhost")
    while guard.admit("eve@localhost"):
        pass
    for number in range(1000):
        assert guard.admit(f"{number}@localhost")
        assert not guard.admit("eve@localhost"), "who goes on is not forgotten"
    assert len(guard._budgets) == 10
