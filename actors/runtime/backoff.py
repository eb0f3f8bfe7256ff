"""How long to wait before another try: exponential, with jitter."""

from msgspec import Struct

__all__ = ["Backoff", "Tries"]


class Backoff(Struct, frozen=True):
    """How the waits between tries grow.

    The n-th wait in a row is drawn between ``least`` of its bound and the whole of it, where the
    bound is ``min(cap, base * 2**n)`` seconds, so that a thousand that failed together do not come
    back together.

    Args:
        base: bound of the first wait, in seconds; 0 tries again at once.
        cap: bound of any wait, in seconds.
        stable: seconds of success after which the waits begin from the first again.
        least: share of each bound that is waited in any case, 0 to 1; 0 is full jitter.
    """

    base: float = 1.0
    cap: float = 60.0
    stable: float = 60.0
    least: float = 0.0

    def delay(self, failures: int, chance: float) -> float:
        """Return the seconds to wait.

        Args:
            failures: that came before this one without a stable success between them.
            chance: 0 to 1, drawn evenly.
        """
        bound = min(self.cap, self.base * 2.0 ** min(failures, 64))
        return bound * (self.least + (1.0 - self.least) * chance)


class Tries(Struct):
    """The tries of one thing.

    Attributes:
        failures: in a row, without a stable success between them.
    """

    failures: int = 0

    def wait(self, backoff: Backoff, lasted: float, chance: float) -> float:
        """Count a failure, and return the seconds until the next try.

        Args:
            backoff: how the waits grow; a thing may change it from one failure to the next.
            lasted: seconds that the last success lasted; 0 if there was none.
            chance: 0 to 1, drawn evenly.
        """
        if lasted >= backoff.stable:
            self.failures = 0
        delay = backoff.delay(self.failures, chance)
        self.failures += 1
        return delay
