"""What was measured in all: counters, distributions, causes of errors."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .histogram import Histogram
from .metric import METRICS

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

    @classmethod
    def of(cls, found: Histogram) -> "Spread":
        """Return a distribution in a few numbers."""
        return cls(found.count, *found.percentiles([*QUANTILES, 100.0]))


class Totals:
    """Counters, distributions and causes of errors, of a whole run or of one of its phases.

    Attributes:
        counters: each by its metric.
        causes: (what failed, why) → how often.
    """

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.causes: Counter[tuple[str, str]] = Counter()
        self._distributions: dict[str, Histogram] = {}

    def add(
        self,
        counters: Mapping[str, int],
        causes: Mapping[tuple[str, str], int],
        histograms: Mapping[str, Histogram],
    ) -> None:
        """Add what was measured somewhere in an interval."""
        self.counters.update(counters)
        self.causes.update(causes)
        for name, found in histograms.items():
            self._slot(name).add(found)

    def distribution(self, name: str) -> Histogram | None:
        """Return all values of a metric, or None if there was none."""
        return self._distributions.get(name)

    def spread(self, name: str) -> Spread | None:
        """Return all values of a metric in a few numbers, or None if there was none."""
        found = self._distributions.get(name)
        return None if found is None else Spread.of(found)

    def value(self, name: str, aggregate: str) -> float | None:
        """Return what a threshold looks at, or None if nothing was measured.

        Args:
            name: the metric, a counter or a distribution.
            aggregate: as `threshold.Condition` has it.
        """
        if METRICS[name].kind == "counter":
            return self._counter(name, aggregate)
        found = self._distributions.get(name)
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

    def _slot(self, name: str) -> Histogram:
        found = self._distributions.get(name)
        if found is None:
            found = self._distributions[name] = Histogram(name)
        return found
