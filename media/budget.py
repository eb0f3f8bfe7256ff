"""A budget: so much a second, and no more."""

import time


class Budget:
    """An amount that may be spent. It grows with time, up to what may be spent at once.

    Attributes:
        rate: How much is added in a second.
        most: How much may be spent at once.
    """

    __slots__ = ("_at", "_left", "most", "rate")

    def __init__(self, rate: float, most: float) -> None:
        """Start with the full amount.

        Args:
            rate: How much is added in a second.
            most: How much may be spent at once.
        """
        self.rate = rate
        self.most = most
        self._left = most
        self._at = time.monotonic()

    def take(self, amount: float = 1) -> bool:
        """Spend an amount, if there is enough.

        Args:
            amount: How much.

        Returns:
            Whether it was spent.
        """
        now = time.monotonic()
        self._left = min(self.most, self._left + (now - self._at) * self.rate)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True

    def add(self, amount: float) -> None:
        """Add to what may be spent.

        Args:
            amount: How much, beside what time adds.
        """
        self._left = min(self.most, self._left + amount)
