"""What a call has sent and received since it was looked at before."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...actors.messages.exchange import CallStatus
from ...media import MediaStatistics


@dataclass(frozen=True, slots=True)
class MediaGrowth:
    """By how much the counters of one kind of media have grown.

    Attributes:
        now: what they are.
        sent, received, lost, reordered: packets.
        freezes: how often video stood still.
        frozen_ms: for how long in all, in milliseconds.
    """

    now: MediaStatistics
    sent: int
    received: int
    lost: int
    reordered: int
    freezes: int
    frozen_ms: float


_GROWING = ("sent", "received", "lost", "reordered", "freezes", "frozen_ms")


def media_growth(before: CallStatus | None, now: CallStatus) -> Iterator[MediaGrowth]:
    """Give what has been added, for each kind of media.

    Args:
        before: how the call stood then; None: it had not begun.
        now: how it stands.
    """
    known = {} if before is None else {one.kind: one for one in before.statistics}
    for one in now.statistics:
        old = known.get(one.kind)
        yield MediaGrowth(
            one, *(max(0, getattr(one, name) - getattr(old, name, 0)) for name in _GROWING)
        )
