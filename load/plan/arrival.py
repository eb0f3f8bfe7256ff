"""When iterations start: an open arrival rate, whatever becomes of the iterations before.

The times are a pure function of the plan, so that every shard knows them without being told.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Segment:
    """A time in which the rate changes evenly.

    Attributes:
        seconds: how long it is; may be infinite if the rate is steady.
        first: starts a second at its beginning.
        last: starts a second at its end.
    """

    seconds: float
    first: float
    last: float

    @property
    def starts(self) -> float:
        """How many iterations start in it."""
        return (self.first + self.last) / 2 * self.seconds

    def after(self, starts: float) -> float:
        """Return after how many seconds that many iterations have started."""
        if self.first == self.last:
            return starts / self.first if starts else 0.0
        # starts = first * t + slope * t² / 2, in the form that stays exact when slope is small
        slope = (self.last - self.first) / self.seconds
        root = math.sqrt(max(0.0, self.first**2 + 2 * slope * starts))
        return 2 * starts / (self.first + root) if starts else 0.0


class Arrivals:
    """The start of each iteration, in seconds since the phase began.

    Args:
        segments: one after another.
    """

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._segments = [segment for segment in segments if segment.seconds > 0]
        self._starts = [0.0, *accumulate(one.starts for one in self._segments)]
        self._begin = [0.0, *accumulate(one.seconds for one in self._segments)]

    @property
    def seconds(self) -> float:
        """How long iterations start."""
        return self._begin[-1]

    @property
    def count(self) -> float:
        """How many iterations start; may be infinite."""
        return math.ceil(self._starts[-1] - 1e-9) if self.seconds < math.inf else math.inf

    def time_of(self, index: int) -> float | None:
        """Return when an iteration starts, or None if that is never.

        Args:
            index: of the iteration, from 0.
        """
        if index >= self.count:
            return None
        for number, segment in enumerate(self._segments):
            if index < self._starts[number + 1]:
                return self._begin[number] + segment.after(index - self._starts[number])
        return None

    def rate_at(self, seconds: float) -> float:
        """Return the starts a second that are wanted at a time since the phase began."""
        for begin, segment in zip(self._begin, self._segments, strict=False):
            if begin <= seconds < begin + segment.seconds:
                share = (seconds - begin) / segment.seconds
                return segment.first + (segment.last - segment.first) * share
        return 0.0
