"""Whether the generator, and not the target, is the limit."""

from ..measure.measurements import Point
from ..plan.plan import WatchdogSettings

FULL = 97.0
"""Percent of all cores at which a machine has nothing left to give."""


class Watchdog:
    """Looks at each interval.

    Args:
        settings: what counts as saturated.
    """

    def __init__(self, settings: WatchdogSettings) -> None:
        self._settings = settings
        self._run = 0.0
        self._worst = 0.0
        self._total = 0.0
        self._why: dict[str, float] = {}
        self.seconds_full = 0.0

    def look(self, point: Point) -> bool:
        """Take an interval; tell whether the generator is saturated now."""
        lag = point.spreads.get("generator.lag")
        cpu = point.spreads.get("generator.cpu")
        machine = point.spreads.get("machine.cpu")
        if machine is not None and machine.max >= FULL:
            self.seconds_full += point.seconds
        strained = False
        if lag is not None and lag.p99 > self._settings.lag:
            self._why["late"] = max(self._why.get("late", 0.0), lag.p99)
            strained = True
        if cpu is not None and cpu.max > self._settings.cpu:
            self._why["busy"] = max(self._why.get("busy", 0.0), cpu.max)
            strained = True
        self._run = self._run + point.seconds if strained else 0.0
        self._total += point.seconds if strained else 0.0
        self._worst = max(self._worst, self._run)
        return self._run >= self._settings.for_

    @property
    def saturated(self) -> bool:
        """Whether the generator was saturated at any time."""
        return self._worst >= self._settings.for_

    def warnings(self) -> list[str]:
        """Say in sentences what speaks against the measurement."""
        found = []
        if self.saturated:
            causes = []
            if "late" in self._why:
                causes.append(f"its event loop woke up to {self._why['late'] * 1000:.0f} ms late")
            if "busy" in self._why:
                causes.append(f"a shard used up to {self._why['busy']:.0f} % of its core")
            found.append(
                f"The generator, not the target, was the limit for {self._total:.0f} s "
                f"({' and '.join(causes)}): use more shards, more machines, or lower rates."
            )
        if self.seconds_full >= self._settings.for_:
            found.append(
                f"All cores of the generator's machine were busy for {self.seconds_full:.0f} s; "
                "a server on the same machine competed with the generator."
            )
        return found
