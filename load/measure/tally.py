"""What one shard has measured since it last told: counters, distributions, causes of errors."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...ladder.ladder import Ladder
from .call_side import CallSide
from .histogram import Histogram
from .notable_ladders import NotableLadders

MAX_CAUSES = 100
"""Different causes of errors that are told apart; a server may word each one anew."""
OTHER = "other causes"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a shard measured in an interval.

    Attributes:
        counters: what each has grown by.
        gauges: what each is now.
        histograms: metric → its distribution, in hdrhistogram's own compressed encoding.
        causes: (what failed, why) → how often.
        sides: of the calls that have ended.
        ladders: of those of them that say most.
        phases: place of a phase in the plan → what belongs to that phase, and is not above.
    """

    counters: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    histograms: Mapping[str, bytes] = field(default_factory=dict)
    causes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    sides: tuple[CallSide, ...] = ()
    ladders: tuple[Ladder, ...] = ()
    phases: Mapping[int, "Snapshot"] = field(default_factory=dict)


class Tally:
    """Counts and records on one event loop, and gives it away interval by interval."""

    def __init__(self) -> None:
        self._counters: Counter[str] = Counter()
        self._gauges: dict[str, float] = {}
        self._histograms: dict[str, Histogram] = {}
        self._causes: Counter[tuple[str, str]] = Counter()
        self._known: set[tuple[str, str]] = set()
        self._sides: list[CallSide] = []
        self._ladders = NotableLadders()
        self._phases: dict[int, Tally] = {}

    def of(self, phase: int | None) -> "Tally":
        """Return the tally of what belongs to a phase.

        Args:
            phase: its place in the plan; None: to none, which gives this tally.
        """
        if phase is None:
            return self
        found = self._phases.get(phase)
        if found is None:
            found = self._phases[phase] = Tally()
        return found

    def count(self, name: str, by: int = 1) -> None:
        """Let a counter grow."""
        if by:
            self._counters[name] += by

    def gauge(self, name: str, value: float) -> None:
        """Say what a gauge is now."""
        self._gauges[name] = value

    def record(self, name: str, value: float) -> None:
        """Add a value to a distribution.

        Args:
            name: the metric.
            value: in the metric's unit.
        """
        found = self._histograms.get(name)
        if found is None:
            found = self._histograms[name] = Histogram(name, counter=4)
        found.record(value)

    def fail(self, activity: str, cause: str) -> None:
        """Count something that failed, and why."""
        self.count(f"{activity}.failed")
        self.cause(activity, cause)

    def drop(self, activity: str, cause: str) -> None:
        """Count an iteration that could not start, and why."""
        self.count(f"{activity}.dropped")
        self.count("iteration.dropped")
        self.cause(activity, cause)

    def cause(self, activity: str, cause: str) -> None:
        """Count a cause of errors."""
        key = (activity, cause[:200])
        if key not in self._known and len(self._known) >= MAX_CAUSES:
            key = (activity, OTHER)
        self._known.add(key)
        self._causes[key] += 1

    def ended(self, side: CallSide) -> None:
        """Note one side of a call that has ended."""
        self._sides.append(side)

    def ladder(self, ladder: Ladder) -> None:
        """Take the ladder of one side of a call that has ended."""
        self._ladders.add(ladder)

    def take(self) -> Snapshot:
        """Return what came since the last time, and begin anew."""
        snapshot = Snapshot(
            counters=dict(self._counters),
            gauges=dict(self._gauges),
            histograms={name: found.encode() for name, found in self._histograms.items()},
            causes=dict(self._causes),
            sides=tuple(self._sides),
            ladders=self._ladders.take(),
            phases={number: one.take() for number, one in self._phases.items() if one.filled},
        )
        self._counters.clear()
        self._histograms.clear()
        self._causes.clear()
        self._sides.clear()
        return snapshot

    @property
    def filled(self) -> bool:
        """Whether anything came since the last time, phases aside."""
        return bool(self._counters or self._histograms or self._causes or self._sides)
