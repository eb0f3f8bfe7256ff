"""Times in a recording that go together."""

from ..frames.on_demand import OnDemand


class EvenTimes(OnDemand[float]):
    """Times of sound of which each frame is due 20 ms after the one before, made on demand."""

    __slots__ = ("_count", "_first", "_origin", "_rate")

    def __init__(self, origin: float, first: int, count: int, rate: int) -> None:
        """Say which.

        Args:
            origin: Where the RTP clock began, in seconds of the recording.
            first: The first timestamp, in ticks.
            count: How many they are.
            rate: Ticks per second, in Hz.
        """
        self._origin = origin
        self._first = first
        self._count = count
        self._rate = rate

    def __len__(self) -> int:
        """Count them."""
        return self._count

    def _one(self, at: int) -> float:
        return self._origin + (self._first + at * (self._rate // 50)) / self._rate
