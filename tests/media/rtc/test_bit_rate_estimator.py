"""What a line carries is estimated as aiortc does, which has WebRTC's own way of it."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple, Protocol

import numpy as np
import pytest
from aiortc.rate import BandwidthUsage, RemoteBitrateEstimator
from callboard.media.rtc.rtp.video.bit_rate_estimator import (
    A_MILLISECOND,
    KEPT,
    MASK,
    SILENCE,
    WINDOW,
    BitRateEstimator,
    Group,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

EACH = 1000 / 30
"""Milliseconds between two pictures."""

MBIT = 125.0
"""Octets in a millisecond."""


class Said(NamedTuple):
    """An estimate: when (milliseconds), bits per second, and if the queue grew."""

    at: int
    rate: int
    is_full: bool


class Estimator(Protocol):
    """One of both."""

    def add(self, group: Group) -> Said | None:
        """Take a group."""


class Theirs(Estimator):
    """aiortc's."""

    def __init__(self) -> None:
        self._estimator = RemoteBitrateEstimator()

    def add(self, group: Group) -> Said | None:
        """Take a group."""
        sent, at, octets = group
        found = self._estimator.add(at, sent, octets, 7)
        is_full = self._estimator.detector.state() is BandwidthUsage.OVERUSING
        return found and Said(at, found[0], is_full)


class Ours(Estimator):
    """The one that is tested."""

    def __init__(self) -> None:
        self.estimator = BitRateEstimator()

    def add(self, group: Group) -> Said | None:
        """Take a group."""
        rate = self.estimator.add([group])
        return None if rate is None else Said(group[1], rate, self.estimator._trend > 0)


@dataclass(frozen=True)
class Trace:
    """Pictures that leave, whatever comes through, over a line with a queue.

    Attributes:
        seconds: How long.
        line: Gives octets per millisecond that it carries, by the millisecond.
        sent: Gives octets per millisecond that are sent.
        chance: What their sizes and delays depend on.
        jitter: Milliseconds by which a picture may be late.
        lost: The share of the pictures that does not come.
        drift: Milliseconds of our clock in one of theirs.
        start: When the first one is sent, in milliseconds.
        silence: From when to when nothing is sent, in milliseconds.
        stops: For how many milliseconds in two seconds the line stands still.
        swapped: The share of the pictures that come after the next one.
    """

    seconds: int = 20
    line: Callable[[float], float] = lambda _: 4 * MBIT
    sent: Callable[[float], float] = lambda _: 1.5 * MBIT
    chance: int = 1
    jitter: float = 3
    lost: float = 0
    drift: float = 1
    start: float = 1000
    silence: tuple[float, float] = (0, 0)
    stops: float = 0
    swapped: float = 0

    def groups(self) -> list[Group]:
        """Give what comes."""
        chance, free, found = random.Random(self.chance), 0.0, list[Group]()
        for number in range(self.seconds * 30):
            now = number * EACH
            octets = int(self.sent(now) * EACH * chance.uniform(0.7, 1.3))
            late, is_lost = chance.random() * self.jitter, chance.random() < self.lost
            if is_lost or self.silence[0] <= now < self.silence[1]:
                continue
            free = max(free, now) + octets / self.line(now)
            stands_until = free // 2000 * 2000 + self.stops
            at = int(max(free, stands_until) * self.drift + late) + 100_000
            at = max(at, found[-1][1]) if found else at
            stamp = int((self.start + now) / 1000 * (1 << 18)) & 0xFFFFFF
            found.append((stamp, at, octets))
            if chance.random() < self.swapped and len(found) > 1:
                (one, before, size), (other, then, octets) = found[-2:]
                found[-2:] = [(other, before, octets), (one, then, size)]
        return found


def estimates(estimator: Estimator, groups: Iterable[Group]) -> list[Said]:
    """Give all estimates."""
    return [said for group in groups if (said := estimator.add(group)) is not None]


def both(trace: Trace) -> tuple[list[Said], list[Said]]:
    """Give our estimates, and those of aiortc."""
    groups = trace.groups()
    return estimates(Ours(), groups), estimates(Theirs(), groups)


def after(said: Sequence[Said], seconds: float) -> list[int]:
    """Give the rates from so many seconds after the first packet on."""
    return [each.rate for each in said if each.at >= 100_000 + 1000 * seconds]


def first_full(said: Sequence[Said], since: float) -> int:
    """Say when it was seen first, from so many seconds on, that the line is full."""
    return next(each.at for each in said if each.is_full and each.at >= 100_000 + since * 1000)


SEEDS = pytest.mark.parametrize("chance", range(8))


@SEEDS
@pytest.mark.parametrize(
    "trace",
    [
        Trace(),
        Trace(jitter=30),
        Trace(lost=0.1),
        Trace(drift=1.0003),
        Trace(drift=0.9997),
        Trace(start=54_000),
        Trace(silence=(8000, 13_000)),
        Trace(silence=(6000, 6900)),
    ],
    ids=[
        "steady",
        "jitter",
        "loss",
        "slow clock",
        "fast clock",
        "wrap",
        "silence",
        "short silence",
    ],
)
def test_where_all_is_well_the_estimate_grows_alike(trace: Trace, chance: int) -> None:
    ours, theirs = both(replace(trace, chance=chance))
    for said in (ours, theirs):
        assert 3000 < said[0].at - 100_000 < 3500
        assert not any(each.is_full for each in said)
        if not trace.lost:  # otherwise hardly more comes than is estimated
            each_second = after(said, 3.5)[:6:2]
            growth = [b / a for a, b in pairwise(each_second)]
            assert growth == pytest.approx([1.08] * 2, abs=0.01)
    assert after(ours, 15)[-1] == pytest.approx(after(theirs, 15)[-1], rel=0.06)


@SEEDS
@pytest.mark.parametrize("carried", [0.3, 0.6, 0.9, 1.2, 1.35])
def test_a_line_that_fills_up_is_seen_as_soon(chance: int, carried: float) -> None:
    def line(now: float) -> float:
        return MBIT * (4 if now < 8000 else carried)

    ours, theirs = both(Trace(30, line, chance=chance))
    assert abs(first_full(ours, 8) - first_full(theirs, 8)) <= EACH
    mean = fmean(after(ours, 12))
    assert mean == pytest.approx(fmean(after(theirs, 12)), rel=0.02)
    assert mean == pytest.approx(KEPT * carried * 1_000_000, rel=0.1)


def test_the_clock_of_the_packets_may_begin_anew() -> None:
    usual, anew = (Ours() for _ in range(2))
    groups = Trace(start=54_000).groups()
    assert any(a[0] > b[0] for a, b in pairwise(groups))
    assert estimates(anew, groups) == estimates(usual, Trace(start=0).groups())


@pytest.mark.parametrize("jump", [-20_000, -4000, 4000, 25_000])
def test_the_clock_of_the_packets_may_be_set(jump: int) -> None:
    """As where somebody sends on the packets of another one from now on."""

    def line(now: float) -> float:
        return MBIT * (4 if now < 8000 else 0.6)

    groups = Trace(10, line).groups()
    units = jump * (1 << 18) // 1000
    set_anew = [(sent + units & MASK, at, octets) for sent, at, octets in groups[180:]]
    usual, ours = Ours(), Ours()
    seen = first_full(estimates(usual, groups), 0)
    said = estimates(ours, [*groups[:180], *set_anew])
    assert first_full(said, 0) == pytest.approx(seen, abs=100)


def test_the_filter_is_that_of_the_draft() -> None:
    """In its own words, and with matrices."""

    def line(now: float) -> float:
        return MBIT * (4 if now < 8000 else 1.2)

    ours = BitRateEstimator()
    state, error = np.array([1 / 64, 0.0]), np.diag([100, 0.1])
    groups, seen = Trace(12, line).groups(), 0
    for before, group, after_it in zip(groups, groups[1:], groups[2:], strict=False):
        if before is groups[0]:
            ours.add([before, group])
        change = np.diag([1e-13, 0.011 if ours._is_turning else 0.001])
        ours.add([after_it])
        if ours._seen == seen:  # two of them are one
            break
        seen += 1
        size = np.array([group[2] - before[2], 1])
        delay = group[1] - before[1] - (group[0] - before[0]) / A_MILLISECOND
        error = error + change
        gain = error @ size / (ours._noise + size @ error @ size)
        state = state + gain * (delay - size @ state)
        error = (np.eye(2) - np.outer(gain, size)) @ error
        assert [ours._by_octet, ours._growth] == pytest.approx(list(state), rel=1e-6, abs=1e-9)
    assert seen > 250


def test_what_comes_too_late_only_counts() -> None:
    usual, ours = BitRateEstimator(), BitRateEstimator()
    groups = Trace(5).groups()
    usual.add(groups)
    for before, group in pairwise(groups):
        ours.add([group, (before[0], group[1], 100)])
    assert [ours._growth, ours._noise] == pytest.approx([usual._growth, usual._noise], abs=0.2)
    assert usual._seen - 1 == ours._seen == len(groups) - 3
    assert ours._total == pytest.approx(usual._total + 30 * 100, rel=0.1)


def test_what_has_waited_together_is_one() -> None:
    ours = BitRateEstimator()
    groups = Trace(5, jitter=0).groups()
    ours.add(groups)
    seen, noise = ours._seen, ours._noise
    sent, at, octets = groups[-1]
    ours.add((sent + number * 8738 & MASK, at + 400 + number, octets) for number in range(1, 13))
    assert ours._octets == 12 * octets
    ours.add([(sent + 13 * 8738 & MASK, at + 433, octets)])
    assert ours._seen == seen + 2
    assert ours._noise < 2 * noise


class Link(NamedTuple):
    """How a peer fares who does what it is told: each second's rate and queue (milliseconds)."""

    rates: list[float]
    queues: list[float]


def follow(estimator: Estimator, line: Callable[[float], float], seconds: int, chance: int) -> Link:
    """Send as much as an estimator says, 2 Mbit/s at most; it is heard 100 ms later."""
    luck, free, told, batch = random.Random(chance), 0.0, 2_000_000, list[Group]()
    heard, found = list[tuple[float, int]](), Link([], [])
    for number in range(seconds * 30):
        now = number * EACH
        while heard and heard[0][0] <= now:
            told = heard.pop(0)[1]
        octets = int(min(told, 2_000_000) / 8000 * EACH * luck.uniform(0.7, 1.3))
        free = max(free, now) + octets / line(now)
        stamp = int(now / 1000 * (1 << 18)) & 0xFFFFFF
        batch.append((stamp, int(free + luck.random() * 3), octets))
        if len(batch) == 3:
            heard += [(each.at + 100, each.rate) for each in estimates(estimator, batch)]
            batch = []
        if number % 30 == 29:
            found.rates.append(told / 1000)
            found.queues.append(free - now)
    return found


@pytest.mark.parametrize("full", [0.4, 0.8, 1.2])
def test_a_peer_that_does_as_it_is_told_fares_alike(full: float) -> None:
    """A line that carries less for a time, and then as much as before."""

    def line(now: float) -> float:
        return MBIT * (full if 15_000 <= now < 35_000 else 3)

    ours, theirs = (
        [follow(each(), line, 60, chance) for chance in range(6)] for each in (Ours, Theirs)
    )
    for a, b, share in ((5, 15, 0.1), (20, 35, 0.1), (35, 45, 0.2), (45, 60, 0.2)):
        told = [fmean(fmean(each.rates[a:b]) for each in links) for links in (ours, theirs)]
        assert told[0] == pytest.approx(told[1], rel=share), (a, b)
    for one, other in zip(ours, theirs, strict=True):
        assert max(one.queues) == pytest.approx(max(other.queues), rel=0.1)
        assert max(one.queues[50:]) < 100


def test_a_line_that_changes_is_followed() -> None:
    """The queues are no longer than with aiortc's, and as much is sent."""

    def line(now: float) -> float:
        return MBIT * (1.6 if now // 10_000 % 2 == 0 else 0.5)

    ours, theirs = (
        [follow(each(), line, 60, chance) for chance in range(6)] for each in (Ours, Theirs)
    )
    rates = [fmean(fmean(each.rates) for each in links) for links in (ours, theirs)]
    queues = [fmean(fmean(each.queues) for each in links) for links in (ours, theirs)]
    assert rates[0] == pytest.approx(rates[1], rel=0.1)
    assert queues[0] < 1.1 * queues[1]


WHATEVER = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 200), st.integers(-100, 3000), st.integers(0, 64_000)),
        st.one_of(st.integers(0, 100), st.integers(0, 3000)),
        st.one_of(st.integers(0, 20_000), st.integers(0, 10**9)),
    ),
    max_size=150,
)
"""By how much later a group was sent and came than the one before it, and its octets."""


def told_apart(whatever: Iterable[tuple[int, int, int]]) -> list[Group]:
    """Give groups, which may be strange."""
    sent, at, found = 0, 0, list[Group]()
    for step, later, octets in whatever:
        sent, at = sent + step, at + later
        found.append((int(sent / 1000 * (1 << 18)) & 0xFFFFFF, at, octets))
    return found


def overused(count: int) -> list[tuple[int, int, int]]:
    """Give groups of which each comes later than the one before."""
    return [(33, 50, 5000)] * count


@settings(deadline=None)
@given(WHATEVER)
@example(overused(150))
@example([*overused(100), (33, 33, 0), (33, 2500, 0), *overused(50)])
@example([(33, 33, 0)] * 150)
@example([(33, 33, 10**9 * (at % 2)) for at in range(150)])
def test_whatever_comes_the_estimate_keeps_its_bounds(
    whatever: list[tuple[int, int, int]],
) -> None:
    groups, ours, before, since = told_apart(whatever), Ours(), 0, 0
    for at, group in enumerate(groups):
        now = group[1]
        if at == 0 or now - groups[at - 1][1] > SILENCE:
            since = now
        said = ours.add(group)
        assert ours.estimator._noise >= 1
        assert 6 <= ours.estimator._threshold <= 600
        if said is None:
            continue
        window = min(now - since + 1, WINDOW)
        coming = 8000 * sum(it[2] for it in groups[: at + 1] if it[1] > now - WINDOW) / window
        if said.is_full:
            assert said.rate == round(KEPT * coming)
        else:
            assert 0 <= said.rate <= max(before, round(1.5 * coming + 10_000))
        before = said.rate
        assert len(ours.estimator._came) <= sum(it[1] > now - WINDOW for it in groups[: at + 1])


@settings(deadline=None)
@given(WHATEVER, st.lists(st.integers(1, 20), min_size=1))
@example(overused(150), [3])
def test_groups_may_come_one_by_one_or_together(
    whatever: list[tuple[int, int, int]], counts: list[int]
) -> None:
    groups = told_apart(whatever)
    singly, together = Ours(), BitRateEstimator()
    while groups:
        count = counts[len(groups) % len(counts)]
        now, groups = groups[:count], groups[count:]
        [*_, last] = [None, *(each.rate for each in estimates(singly, now))]
        assert together.add(now) == last
