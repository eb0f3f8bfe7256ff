"""When a call took which step."""

import time
from collections.abc import Mapping


class Timeline:
    """The steps of a call, each taken once, with the time of the day and of a steady clock.

    Attributes:
        began: when the call began, in seconds since the epoch.
    """

    def __init__(self) -> None:
        self.began = time.time()
        self._origin = time.monotonic()
        self._steps: Mapping[str, float] = {}

    def take(self, step: str, at: float | None = None) -> bool:
        """Note a step that is taken; tell whether it is the first time, and before the end.

        Args:
            step: which one.
            at: when, on `time.monotonic`'s clock; None: now.
        """
        if step in self._steps or "ended" in self._steps:
            return False
        at = time.monotonic() if at is None else at
        self._steps = {**self._steps, step: at - self._origin}
        return True

    def ago(self, seconds: float) -> float:
        """Return when it was so many seconds ago, in seconds since the call began."""
        return max(0.0, time.monotonic() - self._origin - seconds)

    def at(self, *steps: str) -> float | None:
        """Return when one of these steps was taken, in seconds since the epoch; None: never."""
        for step in steps:
            if step in self._steps:
                return self.began + self._steps[step]
        return None

    def steps(self) -> Mapping[str, float]:
        """Return the steps, each with its seconds since the call began; all reports share them."""
        return self._steps

    def connected_seconds(self) -> float:
        """Return for how long media could flow, in seconds, until now or until the end."""
        if "dtls" not in self._steps:
            return 0.0
        now = time.monotonic() - self._origin
        return self._steps.get("ended", now) - self._steps["dtls"]
