"""How the media of a call came through over time, for plots of it."""

from array import array
from collections.abc import Iterable
from math import isnan, nan

from ...ladder.ladder import QUALITY, Quality
from ...media import MediaStatistics

#: Moments that are kept; when there are more, every second one goes, and fewer come from then on.
MOST = 240
#: Numbers of a moment: when it was, and what was counted.
_WIDTH = 1 + len(QUALITY)


class QualityCurve:
    """Keeps the counters of a call now and then, in bounded room: its first minutes by the second.

    What is counted is counted since the call began, so nothing of it is lost between two moments.
    """

    __slots__ = ("_due", "_every", "_rows")

    def __init__(self) -> None:
        self._due = 0.0
        self._every = 1.0
        self._rows: dict[str, array[float]] = {}

    def add(self, seconds: float, statistics: Iterable[MediaStatistics]) -> None:
        """Keep how it stands, if it is time to.

        Args:
            seconds: for how long media has flowed.
            statistics: the call's counters.
        """
        if seconds < self._due:
            return
        self._due = seconds + self._every - 0.5  # a look each second is never quite on time
        for one in statistics:
            row = self._rows.get(one.kind)
            if row is None:
                row = self._rows[one.kind] = array("f")
            row.append(seconds)
            for name in QUALITY:
                value = getattr(one, name)
                row.append(nan if value is None else value)
        if any(len(row) > MOST * _WIDTH for row in self._rows.values()):
            self._every *= 2
            self._rows = {kind: _thinned(row) for kind, row in self._rows.items()}

    def columns(self) -> dict[str, Quality]:
        """Return what is kept, by kind of media."""
        return {
            kind: {
                name: tuple(None if isnan(one) else round(one, 2) for one in row[place::_WIDTH])
                for place, name in enumerate(("at", *QUALITY))
            }
            for kind, row in self._rows.items()
        }


def _thinned(row: "array[float]") -> "array[float]":
    """Leave out every second moment; the last one stays."""
    moments = [row[at : at + _WIDTH] for at in range(0, len(row), _WIDTH)]
    return array("f", [one for moment in moments[::-1][::2][::-1] for one in moment])
