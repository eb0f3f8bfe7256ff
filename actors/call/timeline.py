"""When a call took which step."""

import time
from collections.abc import Mapping
from typing import Literal

Phase = Literal["proposed", "ringing", "connecting", "connected", "ended"]

#: The phase that each step leads to; the latest in this order is the call's.
_PHASES: tuple[tuple[str, Phase], ...] = (
    ("ended", "ended"),
    ("dtls", "connected"),
    ("proceed", "connecting"),
    ("accept", "connecting"),
    ("ringing", "ringing"),
)

_END = ("ended",)
#: What comes too late after these: one device may ring when another has answered.
_TOO_LATE: Mapping[str, tuple[str, ...]] = {"ringing": ("proceed", "accept", *_END)}


class Timeline:
    """The steps of a call, each taken once, with the time of the day and of a steady clock.

    Attributes:
        began: when the call began, in seconds since the epoch.
    """

    def __init__(self) -> None:
        self.began = time.time()
        self._origin = time.monotonic()
        self._steps: dict[str, float] = {}

    def take(self, step: str) -> bool:
        """Note that a step is taken now; tell whether it is the first time, and not too late."""
        if step in self._steps or any(later in self._steps for later in _TOO_LATE.get(step, _END)):
            return False
        self._steps[step] = time.monotonic() - self._origin
        return True

    def ago(self, seconds: float) -> float:
        """Return when it was so many seconds ago, in seconds since the call began."""
        return max(0.0, time.monotonic() - self._origin - seconds)

    def has(self, step: str) -> bool:
        """Tell whether a step was taken."""
        return step in self._steps

    def at(self, *steps: str) -> float | None:
        """Return when one of these steps was taken, in seconds since the epoch; None: never."""
        for step in steps:
            if step in self._steps:
                return self.began + self._steps[step]
        return None

    def steps(self) -> dict[str, float]:
        """Return the steps, each with its seconds since the call began."""
        return dict(self._steps)

    @property
    def phase(self) -> Phase:
        """What the call is doing."""
        return next((phase for step, phase in _PHASES if step in self._steps), "proposed")

    def connected_seconds(self) -> float:
        """Return for how long media could flow, in seconds, until now or until the end."""
        if "dtls" not in self._steps:
            return 0.0
        now = time.monotonic() - self._origin
        return self._steps.get("ended", now) - self._steps["dtls"]
