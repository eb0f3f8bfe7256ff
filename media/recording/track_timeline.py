"""The times of a recording's track: RTP timestamps mapped to the wall clock."""

from collections.abc import Sequence
from operator import ge, sub

from ..frames.frame import EncodedFrame
from ..frames.frame_batch import FrameBatch
from ..frames.sound_batch import SoundBatch
from .even_times import EvenTimes

SLACK = 0.08
"""Seconds between a track's RTP clock and arrival that are taken for jitter."""

TOLERANCE = 1.0
"""Seconds by which arrival may fall behind the RTP clock before the clock is no longer trusted.

A network stall is shorter, or the frames that come at its end say so: its frames keep their own
times. Longer are a hold during which the
clock stood still, a source that starts again, and a jump back: the track then goes on at arrival.
"""

EDGE = 1e-6
"""Seconds by which rounding never changes a time."""

FOLLOW = 0.002
"""The part of a delay beyond `SLACK` that each frame makes good: clocks drift by some 100 ppm, a
third of a second each hour. At 50 frames/s half of it is gone after 7 seconds."""


def times_due(frames: Sequence[EncodedFrame]) -> list[float]:
    """Tell when frames would have come, had nothing held them up on their way.

    What was held up comes in a burst, whose first frame is the latest. The frames after it tell by
    how much: each says when the RTP clock of the frames before it began at the latest.

    Args:
        frames: Some of one track, in order.

    Returns:
        For each a time on the loop's clock (seconds), its arrival or up to `TOLERANCE` before.
    """
    found = [frame.arrival for frame in frames]
    if not frames:
        return found
    starts = [frame.arrival - frame.timestamp / frame.clock_rate for frame in frames]
    earliest = starts[-1]
    for index in range(len(frames) - 2, -1, -1):
        start = starts[index]
        if start - starts[index + 1] > TOLERANCE:  # another clock begins there
            earliest = start
        else:
            earliest = min(earliest, start)
            found[index] -= min(start - earliest, TOLERANCE)
    return found


class TrackTimeline:
    """Gives each frame of one track its time in the recording.

    Times never go back. They advance by at least ``step`` from frame to frame, even if timestamps
    are out of order, repeat, jump, or come from a new source.

    Args:
        start: The recording's beginning on the loop's clock (seconds).
        step: The least distance between two frames (seconds): the container's tick.
    """

    def __init__(self, start: float, *, step: float = 0.001) -> None:
        self._start = start
        self._step = step
        self._origin = 0.0
        self._last: float | None = None

    def place_all(self, frames: Sequence[EncodedFrame]) -> list[float | None]:
        """Return the times of the next frames of the track, some of which may have been held up.

        Args:
            frames: In order. The more there are, the better it is known when each was due.

        Returns:
            For each what `place` gives, where it is due as `times_due` says.
        """
        steady = self._place_steady(frames)
        if steady is not None:
            return steady
        due = times_due(frames)
        return [self.place(frame, at) for frame, at in zip(frames, due, strict=True)]

    def place_even(self, sound: SoundBatch) -> Sequence[float] | None:
        """Place sound that comes in time, of which each frame is due 20 ms after the one before.

        Args:
            sound: Which is even.

        Returns:
            What `place_all` gives; None if that is to be asked.
        """
        last, origin, rate = self._last, self._origin, sound.clock_rate
        if last is None:
            return None
        (first, end), (earliest, latest) = sound.ends, sound.begins
        at = origin + first / rate
        ahead = at + self._start
        if ahead - earliest > SLACK - EDGE or latest - ahead > SLACK - EDGE:
            return None
        if earliest < self._start + EDGE or at < last + self._step + EDGE:
            return None
        self._last = origin + end / rate
        return EvenTimes(origin, first, len(sound), rate)

    def _place_steady(self, frames: Sequence[EncodedFrame]) -> list[float | None] | None:
        """Place frames of a clock that needs no correction by any of them; None if it may need one.

        That is the usual case, and takes a fourth of the time.
        """
        last, origin, step = self._last, self._origin, self._step
        if last is None or not frames:
            return None
        if isinstance(frames, FrameBatch):
            rate, arrivals = frames.clock_rate, frames.arrivals
            clocks = [timestamp / rate for timestamp in frames.timestamps]
        else:
            arrivals = [frame.arrival for frame in frames]
            clocks = [frame.timestamp / frame.clock_rate for frame in frames]
        # When the RTP clock began, by the arrival of each: `times_due` gives some of these for all.
        begins = list(map(sub, arrivals, clocks))
        earliest, latest = min(begins), max(begins)
        ahead = origin + self._start
        if ahead - earliest > SLACK or ahead - latest < -SLACK or latest - earliest > TOLERANCE:
            return None
        if earliest + min(clocks) < self._start:
            return None
        placed = [origin + clock for clock in clocks]
        least = [last + step, *(place + step for place in placed)]
        if not all(map(ge, placed, least)):
            return None
        self._last = placed[-1]
        return list(placed)

    def place(self, frame: EncodedFrame, due: float) -> float | None:
        """Return a frame's time in the recording.

        Args:
            frame: The next frame of the track.
            due: When it would have come in time, on the loop's clock (seconds): see `times_due`.

        Returns:
            Seconds from the recording's beginning, 0 or more. None for a frame of a flood, in which
            a tick for each frame would outrun the wall clock.
        """
        arrived = max(0.0, due - self._start)
        clock = frame.timestamp / frame.clock_rate
        if self._last is None:
            self._origin = arrived - clock
            self._last = arrived
            return arrived
        ahead = self._origin + clock - arrived
        if ahead > SLACK:  # no frame comes before its time: the first one was late
            self._origin -= ahead - SLACK
        elif ahead < -TOLERANCE:
            self._origin = arrived - clock
        elif ahead < -SLACK:
            self._origin -= FOLLOW * (ahead + SLACK)
        place = max(self._origin + clock, self._last + self._step)
        if place > max(0.0, frame.arrival - self._start) + TOLERANCE:
            return None
        self._last = place
        return place
