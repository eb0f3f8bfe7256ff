"""How long calls are held."""

import math
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from ...config.duration import Duration
from ...config.model import Model

MAX_DRAW = 20.0
"""The longest draw, in means: an exponential distribution has no end of its own."""


class HoldTime(Model):
    """How long calls are held: the same for all, or drawn for each."""

    distribution: Literal["fixed", "uniform", "exponential"] = Field(
        default="fixed",
        description="`fixed` holds every call for `mean`; `uniform` draws from `min` to `max`; "
        "`exponential` draws with `mean`, as telephone calls are usually modelled.",
    )
    mean: Duration | None = Field(default=None, description="For `fixed` and `exponential`.")
    min: Duration | None = Field(default=None, description="For `uniform`.")
    max: Duration | None = Field(default=None, description="For `uniform`.")

    @field_validator("max")
    @classmethod
    def _check_bounds(cls, value: float | None, info: ValidationInfo) -> float | None:
        kind, low = info.data.get("distribution"), info.data.get("min")
        if kind == "uniform" and (value is None or low is None or low > value):
            raise ValueError("a uniform distribution needs min and max, with min not above max")
        if kind in ("fixed", "exponential") and info.data.get("mean") is None:
            raise ValueError(f"a {kind} distribution needs mean: add it")
        return value

    @property
    def average(self) -> float:
        """Seconds that a call is held on average."""
        if self.distribution == "uniform":
            return ((self.min or 0.0) + (self.max or 0.0)) / 2
        return self.mean or 0.0

    def draw(self, seed: int, iteration: int) -> float:
        """Return the seconds for which one iteration's call is held.

        Args:
            seed: of the plan and phase.
            iteration: its index; the same one gives the same seconds on every shard.
        """
        if self.distribution == "fixed":
            return self.mean or 0.0
        random = Random(f"{seed}:{iteration}")  # noqa: S311 - not for secrets
        if self.distribution == "uniform":
            return random.uniform(self.min or 0.0, self.max or 0.0)
        mean = self.mean or 0.0
        return min(-math.log(1.0 - random.random()) * mean, MAX_DRAW * mean)


def _as_hold(value: Any) -> Any:
    return {"mean": value} if isinstance(value, str | int | float) else value


AnyHoldTime = Annotated[
    HoldTime, BeforeValidator(_as_hold, json_schema_input_type=Duration | HoldTime)
]
"""A duration, or a mapping."""
