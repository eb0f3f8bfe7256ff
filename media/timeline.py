"""The time of a recording's track: an RTP clock laid on the wall clock."""

from .frame import EncodedFrame

TOLERANCE = 1.0
"""Seconds by which a track's RTP clock may run away from arrival before the track follows arrival.

A network stall is shorter: its frames keep their own times. A source that was swapped, a hold
during which the clock stood still, a jump by half the 32-bit range are longer: there the clock is
not believed.
"""

FOLLOW = 0.002
"""The part of the distance to arrival that each frame makes good: sender clocks drift by some
100 ppm, a third of a second each hour. At 50 frames/s half of it is gone after 7 seconds."""


class Timeline:
    """Gives each frame of one track its time in the recording.

    Times never go back, and they advance by at least ``step`` from frame to frame, however odd the
    timestamps are: out of order, repeated, jumping, of a new source.

    Args:
        start: The recording's beginning on the loop's clock (seconds).
        step: The least distance between two frames (seconds): the container's tick.
    """

    def __init__(self, start: float, *, step: float = 0.001) -> None:
        self._start = start
        self._step = step
        self._origin = 0.0
        self._last: float | None = None

    def place(self, frame: EncodedFrame) -> float | None:
        """Find a frame's place.

        Args:
            frame: The next frame of the track.

        Returns:
            Seconds from the recording's beginning, 0 or later; None for a frame of a flood so dense
            that giving each its tick would outrun the clock on the wall.
        """
        arrived = max(0.0, frame.arrival - self._start)
        clock = frame.timestamp / frame.clock_rate
        if self._last is None:
            self._origin = arrived - clock
            self._last = arrived
            return arrived
        ahead = self._origin + clock - arrived
        if abs(ahead) > TOLERANCE:
            self._origin = arrived - clock
        else:
            self._origin -= FOLLOW * ahead
        place = max(self._origin + clock, self._last + self._step)
        if place > arrived + 2 * TOLERANCE:
            return None
        self._last = place
        return place
