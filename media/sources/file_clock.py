"""The clock of a file: one for all its tracks."""

from dataclasses import dataclass

LONGEST_GAP = 10.0
"""Seconds that nothing may come on any track. A longer gap is a jump of the file's clock, and is
cut to this."""

SLACK = 1.0
"""Seconds by which a track's times may go back: packets are not always in order."""


@dataclass(slots=True)
class _Track:
    """How far a track has come.

    Attributes:
        era: After how many jumps of the clock its last packet was.
        end: Where that packet ends (seconds of playing).
    """

    era: int
    end: float


class FileClock:
    """Turns the times in a file into times of playing, which begin at 0 and have no jumps.

    A gap in one track while another goes on is kept. Where the clock jumps, as in files that were
    put together from several, the tracks jump one after the other and stay in step.

    Args:
        origin: The file's time at which playing begins (seconds): where its first track does.
        start: Where in the time of playing the file is read from (seconds).

    Attributes:
        end: Where what was placed until now ends (seconds of playing).
    """

    def __init__(self, origin: float, start: float = 0.0) -> None:
        self.end = start
        self._shifts = [-origin]
        self._tracks: dict[int, _Track] = {}

    def shift(self, track: int, at: float, duration: float) -> float:
        """Find what has to be added to the time of a packet.

        Args:
            track: Which track it is on.
            at: Its time in the file (seconds). A track's packets come in order, about.
            duration: How long it lasts (seconds), 0 if that is not known.

        Returns:
            Seconds to add.
        """
        state = self._tracks.get(track)
        if state is None:
            state = self._tracks[track] = _Track(0, 0.0)
        latest = max(state.end, self.end) + LONGEST_GAP
        for era in range(state.era, len(self._shifts)):
            if state.end - SLACK <= at + self._shifts[era] <= latest:
                break
        else:
            era = len(self._shifts)
            is_ahead = at + self._shifts[-1] > latest
            self._shifts.append((latest if is_ahead else self.end) - at)
        shift = self._shifts[era]
        state.era = era
        state.end = max(state.end, at + shift + max(0.0, duration))
        self.end = max(self.end, state.end)
        return shift
