"""What a benchmark found, as a table that a person reads."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line of a benchmark's table.

    Attributes:
        what: what was measured, with its unit.
        ours: our figure; None where it could not be measured.
        theirs: by whom → theirs.
        better: the ratio that counts: ``low`` if a smaller figure is better, else ``high``.
        reach: what was aimed at, in words.
        met: whether it was reached; None where nothing was aimed at or nothing was measured.
    """

    what: str
    ours: float | None
    theirs: dict[str, float] = field(default_factory=dict)
    better: str = "low"
    reach: str = ""
    met: bool | None = None

    def ratios(self) -> dict[str, float]:
        """Return by whom → how many times better ours is; under 1 it is worse."""
        if not self.ours:
            return {}
        return {
            name: value / self.ours if self.better == "low" else self.ours / value
            for name, value in self.theirs.items()
            if value
        }


@dataclass
class Result:
    """What a benchmark found.

    Attributes:
        title: what it measures.
        how: how it was measured, in a few sentences.
        figures: the table.
        notes: what could not be measured, and why a figure is as it is.
    """

    title: str
    how: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = [("what", "ours", "theirs", "ratio", "reach", "")]
        for figure in self.figures:
            theirs = [f"{name} {number(value)}" for name, value in figure.theirs.items()]
            ratios = [f"{name} {number(value)}x" for name, value in figure.ratios().items()]
            met = {True: "reached", False: "**missed**", None: ""}[figure.met]
            ours = "not measured" if figure.ours is None else number(figure.ours)
            row = (figure.what, ours, ", ".join(theirs), ", ".join(ratios), figure.reach, met)
            rows.append(row)
        rows.insert(1, ("---", "---", "---", "---", "---", "---"))
        lines = [f"| {' | '.join(row)} |" for row in rows]
        notes = [f"- {note}" for note in self.notes]
        parts = [f"## {self.title}", self.how, "\n".join(lines), "\n".join(notes)]
        return "\n\n".join(part for part in parts if part) + "\n"


def number(value: float) -> str:
    """Write a number with three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def middle(trials: Sequence[dict[str, float]], key: str) -> float:
    """Return the median of one figure over all trials."""
    return statistics.median(trial[key] for trial in trials)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that so many of all are not above (nearest rank).

    Args:
        values: at least one.
        share: of all, from 0 to 1.
    """
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked) - 1e-9) - 1)]
