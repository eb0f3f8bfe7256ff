"""Requests for a key frame to the peer, of all who need one."""

from math import inf


class KeyframeRequests:
    """Says when to ask the peer for a key frame (PLI, RFC 4585 §6.3.1).

    Whoever begins to need pictures calls `want`: the peer is asked at once, and again until a key
    frame has come, but never more than once in `EVERY`, however many want one. While nothing at
    all comes from it, it is asked twice, and then again with the first packet: what it sent in an
    outage is lost, and it must be possible to ask it at once when the outage is over.

    Attributes:
        wanted: Whether somebody waits for a key frame.
        asked: Whether the peer was asked and has sent none since.
    """

    EVERY = 1.0
    """Seconds between two requests."""

    IN_SILENCE = 2

    def __init__(self) -> None:
        self.wanted = True
        self.asked = False
        self._allowed_at = -inf
        self._unheard = 0

    def want(self) -> None:
        """Wait for a key frame from now on."""
        self.wanted = True
        self._unheard = 0

    def heard(self) -> None:
        """Take note that something has come from the peer."""
        self._unheard = 0

    def came(self) -> None:
        """Take note that a key frame has come."""
        self.wanted = self.asked = False

    @property
    def next_at(self) -> float:
        """When the peer may be asked again, in seconds; infinite if it is of no use."""
        return inf if self._unheard >= self.IN_SILENCE else self._allowed_at

    def ask(self, now: float) -> bool:
        """Tell whether to ask the peer now, as a key frame is needed; who is told so does it.

        Args:
            now: The time, in seconds.
        """
        if now < self.next_at:
            return False
        self._allowed_at = now + self.EVERY
        self._unheard += 1
        self.asked = True
        return True
