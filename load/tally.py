"""What one shard has measured since it last told: counters, distributions, causes of errors."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from .histogram import Histogram

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
    """

    counters: Mapping[str, int] = field(default_factory=dict)
    gauges: Mapping[str, float] = field(default_factory=dict)
    histograms: Mapping[str, bytes] = field(default_factory=dict)
    causes: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Tally:
    """Counts and records on one event loop, and gives it away interval by interval."""

    def __init__(self) -> None:
        self._counters: Counter[str] = Counter()
        self._gauges: dict[str, float] = {}
        self._histograms: dict[str, Histogram] = {}
        self._filled: set[str] = set()
        self._causes: Counter[tuple[str, str]] = Counter()
        self._known: set[tuple[str, str]] = set()

    def count(self, name: str, by: int = 1) -> None:
        """Let a counter grow."""
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
            found = self._histograms[name] = Histogram(name)
        found.record(value)
        self._filled.add(name)

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

    def take(self) -> Snapshot:
        """Return what came since the last time, and begin anew."""
        histograms = {}
        for name in self._filled:
            histograms[name] = self._histograms[name].encode()
            self._histograms[name].reset()
        snapshot = Snapshot(
            dict(self._counters), dict(self._gauges), histograms, dict(self._causes)
        )
        self._counters.clear()
        self._causes.clear()
        self._filled.clear()
        return snapshot
