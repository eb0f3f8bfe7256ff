"""The verdict: whether the thresholds held, and whether the measurement can be trusted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from ...config.duration import in_words
from ..measure.measurements import Measurements
from ..plan.threshold import Threshold


class Status(IntEnum):
    """What a run ended with: the exit status."""

    HELD = 0
    BREACHED = 1
    WRONG_PLAN = 2
    ABORTED = 3

    @property
    def word(self) -> str:
        """The status in a word."""
        return {0: "passed", 1: "failed", 2: "wrong plan", 3: "aborted"}[self]


@dataclass(frozen=True, slots=True)
class Check:
    """A threshold with what was measured.

    Attributes:
        text: what has to hold.
        value: what was measured, in `unit`; None if nothing was.
        unit: of the value.
        held: whether it held; what was not measured did not.
    """

    text: str
    value: float | None
    unit: str
    held: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended.

    Attributes:
        status: the exit status.
        sentence: the whole in one sentence.
        checks: the thresholds.
        warnings: what speaks against the measurement, a sentence each.
    """

    status: Status
    sentence: str
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]

    @property
    def breached(self) -> tuple[Check, ...]:
        """The thresholds that did not hold."""
        return tuple(check for check in self.checks if not check.held)


def check(threshold: Threshold, measurements: Measurements) -> Check:
    """Compare a threshold with what was measured up to now."""
    condition = threshold.condition
    where = measurements if threshold.phase is None else measurements.phases[threshold.phase]
    value = where.value(condition.metric.name, condition.aggregate)
    held = value is not None and condition.holds(value)
    return Check(threshold.text, value, condition.unit, held)


def judge(
    thresholds: Iterable[Threshold],
    measurements: Measurements,
    *,
    broken: Mapping[Threshold, Check] = MappingProxyType({}),
    aborted: str | None,
    stopped: bool,
    warnings: Iterable[str],
) -> Verdict:
    """Say how a run ended.

    Args:
        thresholds: what had to hold.
        measurements: what was measured.
        broken: the thresholds that have ended the run, as they stood then.
        aborted: why the run was given up, or None.
        stopped: whether somebody ended it early.
        warnings: what speaks against the measurement.
    """
    checks = tuple(broken.get(one) or check(one, measurements) for one in thresholds)
    breached = [one for one in checks if not one.held]
    count = f"{len(checks)} threshold{'s' * (len(checks) != 1)}"
    if aborted is not None:
        status, sentence = Status.ABORTED, f"Aborted: {aborted}"
    elif breached:
        status = Status.BREACHED
        verb = "does" if len(breached) == 1 else "do"
        named = ", ".join(one.text for one in breached[:3]) + ", …" * (len(breached) > 3)
        sentence = f"{len(breached)} of {count} {verb} not hold: {named}"
    elif checks:
        status, sentence = (
            Status.HELD,
            f"All {count} hold" if len(checks) > 1 else "The one threshold holds",
        )
    else:
        status, sentence = Status.HELD, "Measured; the plan has no thresholds"
    notes = tuple(warnings)
    if broken:
        named = " and ".join(one.text for one in broken)
        notes = (f"The run was stopped as soon as this did not hold: {named}.", *notes)
    if stopped:
        notes = ("The run was stopped early, before the plan was finished.", *notes)
    return Verdict(status, sentence, checks, notes)


def shown(value: float | None, unit: str) -> str:
    """Write a value as people read it."""
    if value is None:
        return "not measured"
    match unit:
        case "s":
            return in_words(value)
        case "%" if not value:
            return "0 %"
        case "%":
            return f"{value:.{2 if value < 10 else 1}f} %"
        case "MiB":
            return f"{value:,.0f} MiB"
        case "MOS":
            return f"{value:.2f}"
        case "/s":
            return f"{value:.1f}/s"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
