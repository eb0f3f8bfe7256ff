"""Thresholds: what has to hold, like ``call.setup.p95 < 500ms``."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from ...config.model import Flag, Model
from ...config.near_miss import near_miss
from ..measure.metric import METRICS, Metric

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_FORM = r"^\s*[a-z0-9._-]+\s*(<=|>=|==|!=|<|>)\s*\d+(\.\d+)?\s*[a-zA-Zµ%]*\s*$"
_SHAPE = re.compile(
    r"(?P<left>[a-z0-9._-]+)\s*(?P<operator><=|>=|==|!=|<|>)\s*"
    r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-zA-Zµ%]*)"
)
#: Unit of the limit → unit of the metric, and what the number is multiplied with.
_UNITS: Mapping[str, tuple[str, float]] = {
    "µs": ("s", 1e-6),
    "us": ("s", 1e-6),
    "ms": ("s", 1e-3),
    "s": ("s", 1.0),
    "m": ("s", 60.0),
    "%": ("%", 1.0),
    "MiB": ("MiB", 1.0),
    "GiB": ("MiB", 1024.0),
}
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,3})?|100)")
_AGGREGATES = ("min", "mean", "max", "count")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a threshold says.

    Attributes:
        metric: what is looked at.
        aggregate: ``p95`` and the like, ``min``, ``mean``, ``max``, ``count``; ``value`` or
            ``ratio`` of a counter; ``value`` of a gauge.
        operator: one of < <= > >= == !=.
        limit: in the metric's unit; for a ratio in percent.
    """

    metric: Metric
    aggregate: str
    operator: str
    limit: float

    @property
    def unit(self) -> str:
        """The unit of what is compared."""
        if self.aggregate == "ratio":
            return "%"
        return "" if self.aggregate == "count" else self.metric.unit

    def holds(self, value: float) -> bool:
        """Tell whether a value is on the right side of the limit."""
        return _OPERATORS[self.operator](value, self.limit)


def parse_condition(text: str) -> Condition:
    """Read what a threshold says.

    Args:
        text: like ``call.setup.p95 < 500ms``, ``login.failed == 0``, ``call.failed.ratio < 1%``.

    Returns:
        It in parts.

    Raises:
        ValueError: There is no such metric or aggregate, or the unit does not fit.
    """
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a threshold: write it like call.setup.p95 < 500ms")
    metric, aggregate = _subject(found["left"])
    wanted = Condition(metric, aggregate, found["operator"], 0.0).unit
    number, unit = float(found["number"]), found["unit"]
    if not unit:
        if wanted == "s":
            raise ValueError(f"{text!r}: a time needs its unit: write {found['number']}ms")
        return Condition(metric, aggregate, found["operator"], number)
    kind, factor = _UNITS.get(unit, ("", 0.0))
    if not factor or kind != wanted:
        known = ", ".join(name for name, (kind, _) in _UNITS.items() if kind == wanted)
        raise ValueError(
            f"{text!r}: the unit {unit} does not fit {found['left']}: "
            + (f"use {known}" if known else "remove it")
        )
    return Condition(metric, aggregate, found["operator"], number * factor)


def _subject(text: str) -> tuple[Metric, str]:
    if text in METRICS:
        metric = METRICS[text]
        if metric.kind == "distribution":
            raise ValueError(f"{text} has many values: choose one, like {text}.p95 or {text}.max")
        return metric, "value"
    # p99.9 has a dot of its own
    name, _, aggregate = text.partition(".p9") if ".p9" in text else text.rpartition(".")
    aggregate = f"p9{aggregate}" if ".p9" in text else aggregate
    metric_found = METRICS.get(name)
    if metric_found is None:
        meant = near_miss(name, METRICS) or near_miss(text, METRICS)
        hint = f": did you mean {meant}?" if meant else ": see docs/load.md for all of them"
        raise ValueError(f"there is no metric {name or text}{hint}")
    if metric_found.kind == "distribution":
        if aggregate in _AGGREGATES or _PERCENTILE.fullmatch(aggregate):
            return metric_found, aggregate
        close = get_close_matches(text, METRICS, 1, 0.8)
        hint = f": did you mean {close[0]}?" if close else ""
        raise ValueError(f"{aggregate} is none of p50 … p99.9, {', '.join(_AGGREGATES)}{hint}")
    if aggregate == "ratio" and name.endswith((".failed", ".dropped")):
        return metric_found, aggregate
    raise ValueError(f"{name} has no {aggregate}: it is one number")


def _check(text: str) -> str:
    parse_condition(text)
    return text


def _as_threshold(value: Any) -> Any:
    return {"check": value} if isinstance(value, str) else value


class Threshold(Model):
    """What has to hold at the end."""

    check: Annotated[str, Field(max_length=200), AfterValidator(_check)] = Field(
        description="A metric, its aggregate, a comparison and a limit.",
        json_schema_extra={"pattern": _FORM},
        examples=["call.setup.p95 < 500ms", "login.failed == 0", "audio.mos.p05 > 4.0"],
    )
    phase: Annotated[str, Field(max_length=100)] | None = Field(
        default=None,
        description="The name of the phase that it is about; if left out, the whole run.",
    )
    abort: Flag = Field(default=False, description="Stop the run as soon as it does not hold.")

    @field_validator("phase")
    @classmethod
    def _check_metric(cls, phase: str | None, info: ValidationInfo) -> str | None:
        text = info.data.get("check")
        if phase is None or text is None:
            return phase
        metric = parse_condition(text).metric
        if not metric.is_of_phases:
            raise ValueError(f"{metric.name} is for the whole run, not for a phase: remove 'phase'")
        return phase

    @property
    def condition(self) -> Condition:
        """What it says, in parts."""
        return parse_condition(self.check)

    @property
    def text(self) -> str:
        """What it says, with the phase that is meant."""
        return self.check if self.phase is None else f"{self.phase}: {self.check}"


_Form = Annotated[str, Field(json_schema_extra={"pattern": _FORM})]
AnyThreshold = Annotated[
    Threshold, BeforeValidator(_as_threshold, json_schema_input_type=_Form | Threshold)
]
"""A text, or a mapping."""
