"""What all shards have measured: totals, and a point for each interval."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from .histogram import Histogram
from .metric import METRICS
from .tally import Snapshot

QUANTILES = (5.0, 50.0, 95.0, 99.0)
"""Percentiles of every interval."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution in a few numbers, in the metric's unit.

    Attributes:
        count: how many values.
        p05, p50, p95, p99, max: percentiles, and the largest.
    """

    count: int
    p05: float
    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Point:
    """What was measured in one interval.

    Attributes:
        at: its end, in seconds since the run began.
        seconds: how long it was.
        counters: what each has grown by.
        gauges: what each was at its end, over all shards.
        spreads: the distributions.
    """

    at: float
    seconds: float
    counters: Mapping[str, int]
    gauges: Mapping[str, float]
    spreads: Mapping[str, Spread]


class Measurements:
    """Merges what shards report."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.causes: Counter[tuple[str, str]] = Counter()
        self.points: list[Point] = []
        self._gauges: dict[int, Mapping[str, float]] = {}
        self._totals: dict[str, Histogram] = {}
        self._interval: dict[str, Histogram] = {}
        self._filled: set[str] = set()
        self._grown: Counter[str] = Counter()

    def add(self, shard: int, snapshot: Snapshot) -> None:
        """Merge what one shard measured in an interval."""
        self._grown.update(snapshot.counters)
        self.counters.update(snapshot.counters)
        self.causes.update(snapshot.causes)
        self._gauges[shard] = snapshot.gauges
        for name, encoded in snapshot.histograms.items():
            self._slot(self._interval, name).merge(encoded)
            self._filled.add(name)

    def record(self, name: str, value: float) -> None:
        """Add one value, in the metric's unit, of the run's own."""
        self._slot(self._interval, name).record(value)
        self._filled.add(name)

    def count(self, name: str, by: int = 1) -> None:
        """Let a counter of the run's own grow."""
        self._grown[name] += by
        self.counters[name] += by

    def lose(self, shard: int) -> None:
        """Forget the gauges of a shard that is gone."""
        self._gauges.pop(shard, None)

    def close(self, at: float) -> Point:
        """End an interval.

        Args:
            at: seconds since the run began.

        Returns:
            What was measured in it.
        """
        gauges: dict[str, float] = defaultdict(float)
        for one in self._gauges.values():
            for name, value in one.items():
                gauges[name] += value
        before = self.points[-1].at if self.points else 0.0
        spreads = {}
        for name in sorted(self._filled):
            found = self._interval[name]
            spreads[name] = _spread(found)
            self._slot(self._totals, name).add(found)
            found.reset()
        self._filled.clear()
        point = Point(at, max(at - before, 1e-9), dict(self._grown), dict(gauges), spreads)
        self._grown.clear()
        self.points.append(point)
        return point

    def distribution(self, name: str) -> Histogram | None:
        """Return all values of a metric, or None if there was none."""
        return self._totals.get(name)

    def spread(self, name: str) -> Spread | None:
        """Return all values of a metric in a few numbers, or None if there was none."""
        found = self._totals.get(name)
        return None if found is None else _spread(found)

    def value(self, name: str, aggregate: str) -> float | None:
        """Return what a threshold looks at, or None if nothing was measured.

        Args:
            name: the metric.
            aggregate: as `threshold.Condition` has it.
        """
        metric = METRICS[name]
        if metric.kind == "gauge":
            return self.points[-1].gauges.get(name, 0.0) if self.points else None
        if metric.kind == "counter":
            return self._counter(name, aggregate)
        found = self._totals.get(name)
        if aggregate == "count":
            return 0.0 if found is None else float(found.count)
        if found is None or not found.count:
            return None
        if aggregate == "mean":
            return found.mean
        percentile = {"min": 0.0, "max": 100.0}.get(aggregate)
        if percentile is None:
            percentile = float(aggregate[1:])
        return found.percentiles([percentile])[0]

    def _counter(self, name: str, aggregate: str) -> float | None:
        value = float(self.counters[name])
        if aggregate != "ratio":
            return value
        activity = name.rpartition(".")[0]
        tried = self.counters[f"{activity}.started"] + self.counters[f"{activity}.dropped"]
        return 100 * value / tried if tried else None

    @staticmethod
    def _slot(where: dict[str, Histogram], name: str) -> Histogram:
        found = where.get(name)
        if found is None:
            found = where[name] = Histogram(name)
        return found


def _spread(found: Histogram) -> Spread:
    return Spread(found.count, *found.percentiles([*QUANTILES, 100.0]))
