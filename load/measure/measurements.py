"""What all shards have measured: totals, also of each phase, and a point for each interval."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .ended_calls import EndedCalls
from .histogram import Histogram
from .metric import METRICS
from .notable_ladders import NotableLadders
from .tally import Snapshot
from .totals import Spread, Totals


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


class Measurements(Totals):
    """Merges what shards report.

    Args:
        titles: of the plan's phases, in their order.

    Attributes:
        points: the intervals.
        phases: what belongs to each phase, by its title.
        shards: how each shard itself fared, by its number.
        calls: the calls that have ended.
        ladders: of those of them that say most.
    """

    def __init__(self, titles: Sequence[str] = ()) -> None:
        super().__init__()
        self.points: list[Point] = []
        self.phases = {title: Totals() for title in titles}
        self.shards: defaultdict[int, Totals] = defaultdict(Totals)
        self.calls = EndedCalls(titles)
        self.ladders = NotableLadders()
        self._titles = titles
        self._gauges: dict[int, Mapping[str, float]] = {}
        self._interval: dict[str, Histogram] = {}
        self._grown: Counter[str] = Counter()

    def merge(self, shard: int, snapshot: Snapshot) -> None:
        """Merge what one shard measured in an interval."""
        self._gauges[shard] = snapshot.gauges
        histograms = self._merge(snapshot)
        own = {name: one for name, one in histograms.items() if name.startswith("generator.")}
        self.shards[shard].add({}, {}, own)
        for number, part in snapshot.phases.items():
            histograms = self._merge(part)
            self.phases[self._titles[number]].add(part.counters, part.causes, histograms)

    def record(self, name: str, value: float) -> None:
        """Add one value, in the metric's unit, of the run's own."""
        found = self._interval.get(name)
        if found is None:
            found = self._interval[name] = Histogram(name)
        found.record(value)

    def count(self, name: str, by: int = 1, *, phase: str | None = None) -> None:
        """Let a counter of the run's own grow; also a phase's, if its title is given."""
        self._grown[name] += by
        self.counters[name] += by
        if phase is not None:
            self.phases[phase].counters[name] += by

    def lose(self, shard: int) -> Mapping[str, float]:
        """Forget the gauges of a shard that is gone, and return what they were at last."""
        return self._gauges.pop(shard, {})

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
        spreads = {name: Spread.of(self._interval[name]) for name in sorted(self._interval)}
        self.add({}, {}, self._interval)
        point = Point(at, max(at - before, 1e-9), dict(self._grown), dict(gauges), spreads)
        self._interval = {}
        self._grown.clear()
        self.points.append(point)
        return point

    def value(self, name: str, aggregate: str) -> float | None:
        """Return what a threshold looks at, or None if nothing was measured.

        Args:
            name: the metric.
            aggregate: as `threshold.Condition` has it.
        """
        if METRICS[name].kind == "gauge":
            return self.points[-1].gauges.get(name, 0.0) if self.points else None
        return super().value(name, aggregate)

    def _merge(self, snapshot: Snapshot) -> dict[str, Histogram]:
        """Merge a snapshot but not its phases; return its histograms."""
        self._grown.update(snapshot.counters)
        self.counters.update(snapshot.counters)
        self.causes.update(snapshot.causes)
        for side in snapshot.sides:
            self.calls.add(side)
        for ladder in snapshot.ladders:
            self.ladders.add(ladder)
        found = {
            name: Histogram.decoded(name, encoded) for name, encoded in snapshot.histograms.items()
        }
        for name, histogram in found.items():
            if name in self._interval:
                self._interval[name].add(histogram)
            else:
                self._interval[name] = histogram
        return found
