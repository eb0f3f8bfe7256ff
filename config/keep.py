"""How long a deployment keeps what it has recorded."""

import re
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from .duration import PATTERN, parse_duration
from .model import Model
from .octets import Octets

SHORTEST = 3600.0
"""Seconds. What is shorter is a slip of the pen, and would remove nearly everything."""


def _parse_age(value: object) -> float:
    if not isinstance(value, str) or not re.search("[a-z]", value):
        raise ValueError("give a duration with its unit, like 90d or 12h")
    seconds = parse_duration(value)
    if seconds < SHORTEST:
        raise ValueError("give at least 1h: what is older is removed and can't be brought back")
    return seconds


Age = Annotated[
    float,
    BeforeValidator(_parse_age),
    WithJsonSchema({"title": "duration with a unit", "type": "string", "pattern": PATTERN}),
]
"""A duration in seconds that nobody writes by accident."""


class Keep(Model):
    """How long recordings and detail records are kept. At least one of the keys is needed."""

    for_: Age | None = Field(
        alias="for",
        default=None,
        description="Recordings, ladders and detail records of calls that ended longer ago are "
        "removed, and so are files of messages in which all is older.",
        examples=["90d"],
    )
    size: Octets | None = Field(
        default=None,
        description="If the recordings of calls that have ended take more than this, the oldest "
        "are removed. Their detail records stay.",
        examples=["20GB"],
    )

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if self.for_ is None and self.size is None:
            raise ValueError("'keep' has no limit: give 'for', 'size' or both")
        return self
