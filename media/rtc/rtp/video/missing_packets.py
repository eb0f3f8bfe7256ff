"""The packets of one RTP stream that have not come, and when to ask for them again."""

from math import inf


class _Missing:
    __slots__ = ("asked", "first_asked", "since", "tries")

    def __init__(self, since: float) -> None:
        self.asked = since
        self.first_asked = since
        self.since = since
        self.tries = 0


class MissingPackets:
    """Says which packets to ask for by NACK (RFC 4585 §6.2.1), each as often as it can help.

    A packet is asked for `PATIENCE` after it was missed, as it may only be late, and then again
    when there was time for an answer, going by how long others took.

    Attributes:
        due_at: When `due` has something to say, in seconds; infinite if nothing waits.
    """

    PATIENCE = 0.01
    """Seconds in which a packet may come by itself."""

    SPACING = 0.02, 0.3
    """The least and the most between two times that a packet is asked for, in seconds."""

    TRIES = 10

    def __init__(self) -> None:
        self.due_at = inf
        self._round_trip = 0.1
        self._missing: dict[int, _Missing] = {}

    def __len__(self) -> int:
        return len(self._missing)

    def __contains__(self, number: int) -> bool:
        return number in self._missing

    def since(self, number: int) -> float:
        """Give when a packet was missed, in seconds."""
        return self._missing[number].since

    def add(self, first: int, end: int, now: float) -> None:
        """Miss the packets from `first` up to `end`, which has come."""
        for number in range(first, end):
            self._missing[number] = _Missing(now)
        self.due_at = min(self.due_at, now + self.PATIENCE)

    def found(self, number: int, now: float) -> bool:
        """Miss a packet no more, as it has come; tell whether it was missed."""
        missing = self._missing.pop(number, None)
        if missing is None:
            return False
        if missing.tries:
            # If it was asked for more than once, nobody knows which time was the one.
            took = now - missing.first_asked
            self._round_trip += (took - self._round_trip) / (2 if took < self._round_trip else 8)
        if not self._missing:
            self.due_at = inf
        return True

    def forget(self, number: int) -> None:
        """Miss a packet no more, though it has not come."""
        self._missing.pop(number, None)
        if not self._missing:
            self.due_at = inf

    def clear(self) -> None:
        """Miss nothing."""
        self._missing.clear()
        self.due_at = inf

    def due(self, now: float) -> list[int]:
        """Give the packets to ask for now, in order.

        Args:
            now: The time, in seconds.
        """
        if now < self.due_at:
            return []
        least, most = self.SPACING
        spacing = min(max(1.2 * self._round_trip, least), most)
        numbers: list[int] = []
        self.due_at = inf
        for number, missing in self._missing.items():
            if missing.tries >= self.TRIES:
                continue
            at = missing.asked + spacing if missing.tries else missing.since + self.PATIENCE
            if at <= now:
                if not missing.tries:
                    missing.first_asked = now
                missing.tries += 1
                missing.asked = now
                numbers.append(number)
                at = now + spacing
            if missing.tries < self.TRIES:
                self.due_at = min(self.due_at, at)
        return sorted(numbers)
