"""How often something happens, as people write it: ``50/s``, ``600/m``, or a number a second."""

import math
import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

MAX_RATE = 100_000.0
"""Starts a second; no generator of ours gets near it."""

PATTERN = r"^\d+(\.\d+)?/(s|m|min|h)$"
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_WANTED = "give a rate like 50/s, 600/m or 30/h"


def parse_rate(value: object) -> float:
    """Read a rate.

    Args:
        value: Text like ``50/s``, or a number of starts a second.

    Returns:
        Starts a second, more than 0.

    Raises:
        ValueError: It is no rate.
    """
    match value:
        case bool():
            raise ValueError(_WANTED)
        case int() | float():
            rate = float(value)
        case str() if value.isascii() and re.fullmatch(PATTERN, value):
            number, _, unit = value.partition("/")
            rate = float(number) / _SECONDS[unit]
        case _:
            raise ValueError(_WANTED)
    if math.isnan(rate) or not 0 < rate <= MAX_RATE:
        raise ValueError(f"give a rate over 0 and up to {MAX_RATE:,.0f}/s")
    return rate


Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    WithJsonSchema(
        {
            "title": "rate",
            "anyOf": [
                {"type": "string", "pattern": PATTERN},
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_RATE},
            ],
        }
    ),
]
"""Starts a second, read by :func:`parse_rate`."""
