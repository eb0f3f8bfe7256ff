"""Estimates how much a line carries, from when packets are sent and when they come."""

from collections import deque
from collections.abc import Iterable
from math import ceil, expm1, log, sqrt

Group = tuple[int, int, int]
"""Packets that were sent at once: when (24 bits of abs-send-time), when the last one came
(milliseconds), and their octets."""

MASK, HALF = 0xFFFFFF, 0x800000
"""Of what abs-send-time can be, and of how far it may be ahead."""

A_MILLISECOND = (1 << 18) / 1000
"""Of abs-send-time."""

APART = 3000
"""Milliseconds by which no delay changes from one group to the next: a clock was set."""

BURST = 5
"""Milliseconds in which packets are sent at once, or come at once since they had to wait."""

EVERY = 500
"""Milliseconds between estimates, unless the queue grows."""

FIRST = 3000
"""Milliseconds of packets before the first estimate, unless the queue grows."""

KEPT = 0.85
"""The share of what comes that is the estimate when the queue grows."""

LEAST, LARGEST = 6.0, 600.0
"""What the threshold may be, in milliseconds."""

LONG = 10
"""Milliseconds for which the growth is above the threshold before it counts."""

MOST_GROUPS = 60
"""By which the growth from one to the next is multiplied."""

NEW = 300
"""Groups after which the noise is known well, and changes more slowly."""

NEVER = -(1 << 60)

RESPONSE = 300
"""Milliseconds until a peer answers: a usual round trip, and the time to see that it is due."""

SILENCE = 2000
"""Milliseconds after which nothing is known of a line on which nothing came."""

WINDOW = 1000
"""Milliseconds over which is counted what comes."""


class BitRateEstimator:
    """Estimates how much a line carries (draft-alvestrand-rmcat-congestion-03).

    By how much later a group comes than the one before it is a matter of its size (the draft's
    1/C), of how much longer the queue has become (m), and of chance (of variance var_v). A Kalman
    filter tells them apart. While the queue grows, what comes is what the line carries, and the
    estimate is less than that; while it stays as it is, the estimate grows.

    Some things are as they are in use, and not as in the draft. The growth from one group to the
    next is multiplied by the groups that were seen, since it is hardly ever above the threshold by
    itself; so the threshold moves faster. Where a queue turns, the filter follows faster. From when
    it was too much until more comes than did then, the estimate grows by a packet for each answer
    of the peer, and not by half of one. And it does not fall because the peer sends less.
    """

    def __init__(self) -> None:
        self._came: deque[tuple[int, int]] = deque()
        self._first_at = self._since = self._updated_at = NEVER
        self._grew_at: int | None = None
        self._rate: float | None = None
        self._total = 0
        # What came when it was too much, in kbit/s: its average, and the variance in parts of that.
        self._too_much: float | None = None
        self._spread = 0.4
        # The group that may still become longer: first and last sent, came, octets.
        self._began = self._sent = self._octets = 0
        self._at = NEVER
        self._forget()

    def _forget(self) -> None:
        """Know nothing of the line."""
        self._before: tuple[int, int, int] | None = None
        self._steps: deque[float] = deque(maxlen=5)
        self._seen = 0
        # The draft's 1/C, m, var_v and E; of the latter its determinant, too.
        self._by_octet, self._growth, self._noise = 1 / 64, 0.0, 50.0
        self._error, self._error_both, self._error_growth = 100.0, 0.0, 0.1
        self._determinant = 10.0
        self._above = -1.0
        self._is_turning = False
        self._threshold = 12.5
        self._trend = 0

    def add(self, groups: Iterable[Group]) -> int | None:
        """Take groups of packets, in the order in which they came.

        Args:
            groups: Those that have come since the last call.

        Returns:
            Bits per second that the line carries; None when it is too early for a new estimate.
        """
        came, estimate = self._came, None
        for sent, at, octets in groups:
            came.append((at, octets))
            self._total += octets
            later = at - self._at
            step = ((sent - self._sent + HALF & MASK) - HALF) / A_MILLISECOND
            is_due = at - self._updated_at >= EVERY
            if later > SILENCE or abs(later - step) > APART:
                self._begin(sent, at, octets, is_new=later > SILENCE)
            elif later >= 0 and step >= 0:  # in order
                if (
                    later < BURST and later < step
                ) or sent - self._began & MASK <= BURST * A_MILLISECOND:
                    self._octets += octets
                else:
                    if self._before is not None:
                        self._compare(self._before)
                        is_due = is_due or self._trend > 0
                    self._before = self._sent, self._at, self._octets
                    self._began, self._octets = sent, octets
                self._sent, self._at = sent, at
            if is_due:
                estimate = self._estimate(at) or estimate
        return estimate

    def _begin(self, sent: int, at: int, octets: int, *, is_new: bool) -> None:
        """Begin anew with a group."""
        self._forget()
        self._began, self._sent, self._at, self._octets = sent, sent, at, octets
        if is_new:
            self._since = at
            if self._rate is None:
                self._first_at = at

    def _compare(self, before: tuple[int, int, int]) -> None:
        """Filter by how much later the group in hand came, now that it is whole."""
        sent, at, octets = before
        step = (self._sent - sent & MASK) / A_MILLISECOND
        later = self._at - at
        more = self._octets - octets
        growth, noise = self._growth, self._noise
        rest = later - step - more * self._by_octet - growth
        self._seen += 1
        self._steps.append(step)
        if self._trend == 0 and self._above < 0:  # otherwise it is not chance alone
            square = rest * rest
            if square > 9 * noise:
                square = 9 * noise
            kept = (0.99 if self._seen < NEW else 0.998) ** (0.03 * min(self._steps))
            noise += (1 - kept) * (square - noise)
            if noise < 1:
                noise = 1.0
            self._noise = noise

        # E in sums of what is positive: by differences, it could become negative.
        change = 1.1e-2 if self._is_turning else 1e-3
        error, both = self._error + 1e-13, self._error_both
        determinant = self._determinant + change * error + 1e-13 * self._error_growth
        error_growth = self._error_growth + change
        by_octet = error * more + both
        by_growth = both * more + error_growth
        whole = by_octet * more + by_growth + noise
        if whole < noise:  # the roundings of large figures
            whole = noise
        self._by_octet += rest * by_octet / whole
        self._growth += rest * by_growth / whole
        self._error = (noise * error + determinant) / whole
        self._error_both = (noise * both - determinant * more) / whole
        self._error_growth = (noise * error_growth + determinant * more * more) / whole
        self._determinant = noise * determinant / whole
        self._detect(growth, step, later)

    def _detect(self, before: float, step: float, later: int) -> None:
        """See what the queue does, from its growth and that before."""
        growth = self._growth * min(self._seen, MOST_GROUPS)
        threshold = self._threshold
        excess = abs(growth) - threshold
        self._trend = 0
        if growth > threshold:
            self._above = self._above + step if self._above >= 0 else 0.0
            if self._above >= LONG and self._growth >= before:
                self._trend = 1
        else:
            self._above = -1.0
            if growth < -threshold:
                self._trend = -1
        self._is_turning = excess > 0 and abs(self._growth) < abs(before)
        if excess <= 15:
            pace = 0.0087 if excess > 0 else 0.039
            threshold += pace * min(later, 100) * excess
            if threshold < LEAST:
                threshold = LEAST
            elif threshold > LARGEST:
                threshold = LARGEST
            self._threshold = threshold

    def _estimate(self, now: int) -> int | None:
        """Estimate from what comes, and from what the queue does."""
        self._updated_at = now
        while self._came[0][0] <= now - WINDOW:
            self._total -= self._came.popleft()[1]
        window = min(now - self._since + 1, WINDOW)
        if window <= 1:
            return None
        coming = 8000 * self._total / window
        grew_at, self._grew_at = self._grew_at, None
        if self._trend > 0:
            self._remember(coming / 1000)
            self._rate = KEPT * coming
        elif self._rate is None:
            if now - self._first_at <= FIRST:
                return None
            self._rate = coming
        elif self._trend == 0:
            self._grew_at = now
            if grew_at is not None:
                more = self._more(self._rate, now - grew_at, coming / 1000)
                self._rate = max(self._rate, min(self._rate + more, 1.5 * coming + 10_000))
        return round(self._rate)

    def _remember(self, coming: float) -> None:
        """Remember how much has come that was too much, in kbit/s."""
        before = self._too_much
        if before is None or before - coming > 3 * sqrt(self._spread * before):
            before = coming
        self._too_much = 0.95 * before + 0.05 * coming
        off = (self._too_much - coming) ** 2 / max(self._too_much, 1.0)
        self._spread = min(max(0.95 * self._spread + 0.05 * off, 0.4), 2.5)

    def _more(self, rate: float, elapsed: int, coming: float) -> float:
        """Give by how much a rate grows in so many milliseconds, while so many kbit/s come."""
        known = self._too_much
        if known is not None and coming >= known + 3 * sqrt(self._spread * known):
            self._too_much = known = None
        if known is None:
            return max(rate * expm1(log(1.08) * min(elapsed / 1000, 1.0)), 1000.0)
        picture = rate / 30
        packet = picture / max(ceil(picture / 9600), 1)
        return elapsed * max(packet / RESPONSE, 4.0)
