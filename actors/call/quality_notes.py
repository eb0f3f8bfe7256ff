"""When the ladder of a call has a rung about how its media come through, and what that says."""

from collections.abc import Iterable, Iterator

from ...media import MediaStatistics

#: Seconds of connected media after which a rung tells of them, and then between two of them.
FIRST = (5.0, 30.0)
EVERY = 60.0
#: The share of a second's packets that must be missing for a rung that says so, and the share
#: below which it is over.
POOR, WELL = 0.05, 0.01
#: Packets without which a second says nothing.
_ENOUGH = 10


class QualityNotes:
    """Says how media come through: now and then, when it gets poor or well again, and at the end.

    It is given the counters that are read each second anyway.
    """

    __slots__ = ("_before", "_next", "_poor")

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, int]] = {}
        self._poor: frozenset[str] = frozenset()
        self._next = FIRST[0]

    def look(self, seconds: float, statistics: Iterable[MediaStatistics]) -> Iterator[str]:
        """Give what is to be told now.

        Args:
            seconds: for how long media can flow.
            statistics: the call's counters.
        """
        found = tuple(statistics)
        is_due = seconds >= self._next
        if is_due:
            later = (one for one in FIRST if one > seconds)
            self._next = next(later, seconds + EVERY)
        for one in found:
            changed = self._change(one)
            if changed:
                yield changed
            elif is_due:
                yield from qualities(one)

    def _change(self, one: MediaStatistics) -> str:
        """Say that a kind has become poor or well since the last look."""
        received, lost = self._before.get(one.kind, (0, 0))
        self._before[one.kind] = one.received, one.lost
        came, missing = one.received - received, one.lost - lost
        if came + missing < _ENOUGH:
            return ""
        share = max(0, missing) / (came + missing)
        if one.kind not in self._poor and share >= POOR:
            self._poor |= {one.kind}
            return f"{one.kind} comes in poorly: {share:.0%} lost in a second; {quality(one)}"
        if one.kind in self._poor and share < WELL:
            self._poor -= {one.kind}
            return f"{one.kind} comes in well again; {quality(one)}"
        return ""


def quality(one: MediaStatistics) -> str:
    """Return in words how a kind of media comes in.

    Args:
        one: its counters since the call began.
    """
    if not one.received:
        return f"{one.kind}: nothing received, {one.sent} packets sent"
    share = one.lost / (one.lost + one.received)
    parts = [f"{share:.1%} lost", f"jitter {one.jitter_ms:.1f} ms"]
    if one.rtt_ms is not None:
        parts.append(f"rtt {one.rtt_ms:.1f} ms")
    if one.mos is not None:
        parts.append(f"MOS {one.mos:.2f}")
    if one.freezes:
        parts.append(f"{one.frozen_ms / 1000:.1f} s frozen")
    return f"{one.kind} in: {', '.join(parts)}"


def qualities(one: MediaStatistics) -> Iterator[str]:
    """Give in words how a kind of media comes in, and how ours does at the peer, if it has said so.

    Args:
        one: its counters since the call began.
    """
    yield quality(one)
    if one.peer_lost is not None and one.peer_jitter_ms is not None and one.sent:
        share = min(1.0, one.peer_lost / one.sent)
        yield (
            f"{one.kind} out, as the peer reports: {share:.1%} lost, "
            f"jitter {one.peer_jitter_ms:.1f} ms"
        )
