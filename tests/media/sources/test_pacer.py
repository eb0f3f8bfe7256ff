"""Pacing, with a loop whose clock the test turns."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from callboard.media.sources.pacer import Pacer
from hypothesis import given
from hypothesis import strategies as st

#: Seconds from step to step, below which who is late can't catch up by whole milliseconds.
SHORTEST = 0.002


class Handle:
    """A timer of the staged loop."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        """Ring no more."""
        self.cancelled = True


class Clock:
    """Stands in the place of the loop: time is the one thing that is staged here."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Handle, Callable[[], None]]] = []

    def time(self) -> float:
        """Give the staged time."""
        return self.now

    def call_at(self, at: float, callback: Callable[[], None]) -> Handle:
        """Note a timer."""
        handle = Handle()
        self.timers.append((at, handle, callback))
        return handle

    def advance(self, to: float) -> None:
        """Let time pass, ringing timers as they fall due."""
        while True:
            due = [t for t in self.timers if not t[1].cancelled and t[0] <= to]
            if not due:
                break
            timer = min(due, key=lambda t: t[0])
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[2]()
        self.now = to


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    return clock


def paced(pacer: Pacer, clock: Clock, period: float) -> tuple[list[float], list[float], Any]:
    dues: list[float] = []
    times: list[float] = []

    def step(due: float) -> float:
        dues.append(due)
        times.append(clock.now)
        return due + period

    return dues, times, pacer.start(step)


def test_nothing_drifts_and_one_timer_serves_all(clock: Clock) -> None:
    pacer = Pacer()
    legs = [paced(pacer, clock, 0.02) for _ in range(10)]
    clock.advance(10.0)
    for dues, _, _ in legs:
        assert len(dues) == 500
        assert dues[-1] - dues[0] == pytest.approx(499 * 0.02, abs=1e-9)
    assert len([t for t in clock.timers if not t[1].cancelled]) == 1


@pytest.mark.parametrize("period", [0.06, 0.04, 0.02, 0.01, 0.005, 0.0025])
def test_a_held_up_loop_catches_up_one_by_one(clock: Clock, period: float) -> None:
    pacer = Pacer()
    dues, times, _ = paced(pacer, clock, period)
    clock.advance(0.1)
    clock.now = 0.5  # held up for 400 ms
    before = len(dues)
    clock.advance(0.5 + min(period / 2, Pacer.GRID))
    assert 1 <= len(dues) - before <= 3
    clock.advance(1.5)
    assert dues[-1] >= 1.5 - period - 0.001
    # Never two at once, and about two within the time of one.
    least = min(Pacer.GRID, period - 0.001)
    assert all(b - a >= least - 1e-9 for a, b in zip(times, times[2:], strict=False))
    assert times == sorted(set(times))


def test_long_arrears_are_dropped(clock: Clock) -> None:
    pacer = Pacer()
    dues, _, _ = paced(pacer, clock, 0.02)
    clock.advance(0.1)
    clock.now = 60.0
    before = len(dues)
    clock.advance(60.1)
    assert len(dues) - before < 20
    assert dues[-1] > 60.0


def test_a_cancelled_or_failing_step_is_called_no_more(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    pacer = Pacer()
    dues, _, ticket = paced(pacer, clock, 0.02)
    other, _, _ = paced(pacer, clock, 0.02)

    def broken(due: float) -> float:
        raise RuntimeError(f"at {due}")

    pacer.start(broken)
    clock.advance(0.1)
    ticket.cancel()
    count = len(dues)
    clock.advance(0.2)
    assert len(dues) == count < len(other)
    assert caplog.text.count("A step of the pacer failed") == 1


def test_what_is_to_be_done_at_the_end_is_done_once_all_have_stepped(clock: Clock) -> None:
    pacer = Pacer()
    done: list[str] = []

    def step(due: float) -> float | None:
        if not done:
            pacer.at_end(lambda: done.append("end"))
        done.append("step")
        if len(done) == 2:
            raise RuntimeError(f"at {due}")
        return None

    for _ in range(3):
        pacer.start(step)
    clock.advance(0.02)
    assert done == ["step"] * 3 + ["end"]
    pacer.at_end(lambda: done.append("at once"))
    assert done[-1] == "at once"
    with pacer.together():
        pacer.at_end(lambda: done.append("together"))
        with pacer.together():
            pacer.at_end(lambda: done.append("as well"))
        assert done[-1] == "at once"
    assert done[-2:] == ["together", "as well"]


def test_who_begins_at_once_is_late_for_the_point_before(clock: Clock) -> None:
    pacer = Pacer()
    called: list[tuple[float, float]] = []

    def step(due: float) -> float:
        called.append((clock.now, due))
        return due + 0.02

    clock.advance(0.037)
    pacer.start(step, at_once=True)
    clock.advance(0.065)
    assert [now for now, _ in called] == pytest.approx([0.037, 0.04, 0.06])
    assert [due for _, due in called] == pytest.approx([0.02, 0.04, 0.06])


def test_a_ticket_that_a_step_starts_waits_for_the_next_beat(clock: Clock) -> None:
    pacer = Pacer()
    times: list[float] = []

    def later(due: float) -> None:
        times.append(due)

    def step(due: float) -> None:
        pacer.start(later)

    pacer.start(step)
    clock.advance(0.03)
    assert times == []
    assert len([t for t in clock.timers if not t[1].cancelled]) == 1
    clock.advance(0.045)
    assert times == [pytest.approx(0.04)]


def test_what_begins_in_the_past_begins_now(clock: Clock) -> None:
    pacer = Pacer()
    called: list[tuple[str, float]] = []

    def late(due: float) -> None:
        called.append(("late", due))

    def step(due: float) -> None:
        called.append(("step", due))
        pacer.start(late, due=due - 0.005)

    def other(due: float) -> None:
        called.append(("other", due))

    pacer.start(step)
    pacer.start(other)
    clock.advance(0.02)
    assert called == [("step", 0.02), ("other", 0.02), ("late", pytest.approx(0.015))]
    pacer.start(late, due=0.033)
    clock.advance(0.033)
    assert called[3:] == [("late", 0.033)]
    assert len([t for t in clock.timers if not t[1].cancelled]) == 0


def test_what_is_due_need_not_wait_for_the_timer(clock: Clock) -> None:
    pacer = Pacer()
    dues, times, ticket = paced(pacer, clock, 0.02)
    pacer.catch_up()
    assert dues == []
    for now in (0.0204, 0.0405):  # the loop has woken for another reason
        clock.now = now
        pacer.catch_up()
        pacer.catch_up()
        assert len([t for t in clock.timers if not t[1].cancelled]) == 1
    assert times == [0.0204, 0.0405]
    assert dues == pytest.approx([0.02, 0.04])
    clock.advance(0.07)
    assert dues == pytest.approx([0.02, 0.04, 0.06])
    ticket.cancel()
    clock.advance(0.1)
    pacer.catch_up()
    assert len(dues) == 3


def test_steps_do_not_begin_within_others(clock: Clock) -> None:
    pacer = Pacer()
    done: list[str] = []

    def step(due: float) -> None:
        done.append("begins")
        clock.now += 0.02
        pacer.catch_up()
        done.append("ends")

    pacer.start(step)
    clock.advance(0.005)
    pacer.start(step)
    clock.advance(0.1)
    assert done == ["begins", "ends"] * 2
    dues, _, _ = paced(pacer, clock, 0.02)
    with pacer.together():
        clock.now += 0.02
        pacer.catch_up()
        assert dues == []
    pacer.catch_up()
    assert len(dues) == 1


@given(
    st.lists(st.tuples(st.floats(0, 0.1), st.floats(0.00001, 0.1)), min_size=1, max_size=8),
    st.lists(st.floats(0, 1.0), max_size=30),
)
def test_none_is_early_and_none_is_left_out(
    legs: list[tuple[float, float]], others: list[float]
) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "get_running_loop", lambda: clock)
        pacer = Pacer()
        found = []
        for begins, period in legs:
            clock.advance(clock.now + begins)
            found.append((period, *paced(pacer, clock, period)[:2]))
        begun, end = clock.now, clock.now + 1.0
        for after in sorted(others):  # when the loop wakes for another reason
            clock.advance(begun + after)
            pacer.catch_up()
            assert len([t for t in clock.timers if not t[1].cancelled]) == 1
        clock.advance(end)
    for period, dues, times in found:
        for due, time in zip(dues, times, strict=True):
            assert time > due - 0.001
            assert period < SHORTEST or time < due + 0.001
        assert all(b > a for a, b in pairwise(times))
        assert period < SHORTEST or dues[-1] + period > end - 0.001


@given(st.floats(0, 1e6), st.floats(0.001, 20))
def test_common_moments_are_few_and_in_time(earliest: float, lasts: float) -> None:
    chosen = {Pacer.common(earliest, earliest + lasts) for _ in range(30)}
    # A millisecond is left to frames that leave before.
    apart = 0.5 if lasts > 2.01 else 0.1 if lasts > 0.41 else Pacer.BEAT
    for each in chosen:
        assert earliest - 1e-6 <= each <= earliest + lasts + Pacer.BEAT
        if lasts > 0.41:
            assert each <= earliest + lasts + 1e-6
            beats = (each - Pacer.BEHIND) / Pacer.BEAT
            assert beats == pytest.approx(round(beats), abs=1e-3)
    assert len(chosen) <= lasts / apart + 2


def test_common_moments_are_chosen_at_random() -> None:
    chosen = {round(Pacer.common(103.9, 106.1), 6) for _ in range(200)}
    assert chosen == {104.001, 104.501, 105.001, 105.501, 106.001}
    chosen = {round(Pacer.common(103.95, 104.45), 6) for _ in range(200)}
    assert chosen == {104.001, 104.101, 104.201, 104.301, 104.401}
