"""Times in which received video stood still."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from operator import sub
from typing import NamedTuple


class Freeze(NamedTuple):
    """A time in which video stood still.

    Attributes:
        at: When the last frame before it came, in seconds of the loop's clock.
        seconds: How long it took until the next one came.
    """

    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class FreezeCount:
    """The freezes until a moment.

    Attributes:
        count: How many there were.
        seconds: How long all of them took.
        last: The last ones, `Freezes.MOST` at most, in order.
    """

    count: int
    seconds: float
    last: tuple[Freeze, ...]


class Freezes:
    """Counts freezes as the W3C defines them (webrtc-stats, `freezeCount`).

    A frame that comes d after the one before ends a freeze of d if d >= max(3 a, a + 150 ms), a
    being the average over the last 30 frames. As we render nothing, a frame counts when it is whole
    and all before it are. Other than there, it is no freeze if the peer sent nothing meanwhile: no
    frame is missing, and its RTP timestamps are as far apart. So it is with a camera that is off,
    a picture that is muted or held, and a slide that stands.

    Attributes:
        count: How many there were (`freezeCount`).
        seconds: How long all of them took (`totalFreezesDuration`).
        last: The last ones, `MOST` of them.
    """

    WINDOW = 30
    LONGER = 0.15
    """Seconds by which a frame must be later than the average."""

    MOST = 100

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.last: deque[Freeze] = deque(maxlen=self.MOST)
        self._durations: deque[float] = deque(maxlen=self.WINDOW)
        self._before: float | None = None

    def frame(self, now: float, *, meant: float | None) -> None:
        """Count a frame.

        Args:
            now: When it was whole, in seconds.
            meant: How long the peer left between the frame before and this one, by its own clock,
                in seconds; None if frames between them are missing.
        """
        before, self._before = self._before, now
        if before is None:
            return
        duration = now - before
        if self._is_freeze(duration) and (meant is None or duration - meant >= self.LONGER):
            self._add(Freeze(before, duration))
        self._durations.append(duration)

    def are_none(self, arrivals: Sequence[float]) -> bool:
        """Count several frames, if none of them ends a freeze.

        Args:
            arrivals: When they were whole, in seconds.

        Returns:
            False if one may; then none is counted.
        """
        if self._before is None:
            return False
        durations = list(map(sub, arrivals, (self._before, *arrivals)))
        if max(durations) >= self.LONGER:
            return False
        self._durations.extend(durations)
        self._before = arrivals[-1]
        return True

    def going_on(self, now: float) -> Freeze | None:
        """Give the freeze that goes on, if a frame is overdue: who asks knows that one should come.

        Args:
            now: The time, in seconds.
        """
        before = self._before
        if before is None or not self._is_freeze(now - before):
            return None
        return Freeze(before, now - before)

    def until(self, freeze: Freeze | None) -> FreezeCount:
        """Give all until now.

        Args:
            freeze: The one that goes on, if any.
        """
        more = () if freeze is None else (freeze,)
        seconds = self.seconds + sum(each.seconds for each in more)
        return FreezeCount(self.count + len(more), seconds, (*self.last, *more))

    def pause(self, freeze: Freeze | None) -> None:
        """Take note that no frame is expected any more: another stream, none, or the end.

        Args:
            freeze: What went on until now.
        """
        self._before = None
        if freeze is not None:
            self._add(freeze)

    def _is_freeze(self, duration: float) -> bool:
        if duration < self.LONGER or not self._durations:
            return False
        average = sum(self._durations) / len(self._durations)
        return duration >= max(3 * average, average + self.LONGER)

    def _add(self, freeze: Freeze) -> None:
        self.count += 1
        self.seconds += freeze.seconds
        self.last.append(freeze)
