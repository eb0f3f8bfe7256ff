"""A distribution of one metric's values: an HDR histogram (https://hdrhistogram.org)."""

from collections.abc import Sequence

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped] # it ships no types

from .metric import METRICS

LOWEST, HIGHEST, DIGITS = 1, 3_600_000_000, 3
"""Whole numbers up to an hour of microseconds, with three significant digits."""


class Histogram:
    """Values of one metric, in the metric's unit; any two of a metric can be added.

    Args:
        name: the metric.
    """

    def __init__(self, name: str) -> None:
        self._scale = METRICS[name].scale
        self._values = HdrHistogram(LOWEST, HIGHEST, DIGITS)

    def record(self, value: float) -> None:
        """Add a value."""
        self._values.record_value(min(HIGHEST, max(0, round(value * self._scale))))

    def encode(self) -> bytes:
        """Return everything in hdrhistogram's own compressed form."""
        encoded: bytes = self._values.encode()
        return encoded

    def merge(self, encoded: bytes) -> None:
        """Add what another histogram of the metric has encoded."""
        self._values.decode_and_add(encoded)

    def add(self, other: "Histogram") -> None:
        """Add another histogram of the metric."""
        self._values.add(other._values)  # noqa: SLF001 - one of us

    def reset(self) -> None:
        """Forget all values."""
        self._values.reset()

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(self._values.get_total_count())

    @property
    def mean(self) -> float:
        """Their mean."""
        return float(self._values.get_mean_value()) / self._scale

    def percentiles(self, wanted: Sequence[float]) -> list[float]:
        """Return the values at percentiles.

        Args:
            wanted: from 0 (the smallest) to 100 (the largest).
        """
        found = self._values.get_percentile_to_value_dict(list(wanted))
        return [found[one] / self._scale for one in wanted]
