"""Durations as people write them: ``2s``, ``500ms``, ``1m30s``, ``1h``, or a number of seconds."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

MAX_SECONDS = 365 * 86400.0
"""A year: what is longer is a slip of the pen."""

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = r"\d+(?:\.\d+)?"
PATTERN = rf"^(?=.)(?:{_PART}d)?(?:{_PART}h)?(?:{_PART}m(?!s))?(?:{_PART}s)?(?:{_PART}ms)?$"
_WANTED = "give a duration like 2s, 500ms, 1m30s or 1h"


def in_words(seconds: float) -> str:
    """Write how long something took as people read it.

    Args:
        seconds: how long.
    """
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f} ms"
    return f"{seconds:.2f} s"


def parse_duration(value: object) -> float:
    """Read a duration.

    Args:
        value: Text like ``1m30s``, or a number of seconds.

    Returns:
        Seconds, from 0 to a year.

    Raises:
        ValueError: It is no duration.
    """
    match value:
        case bool():
            raise ValueError(_WANTED)
        case int() | float():
            seconds = float(value)
        case str() if value.isascii() and re.fullmatch(PATTERN, value):
            parts = re.findall(rf"({_PART})(ms|[dhms])", value)
            seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
        case str() if re.fullmatch(_PART, value):
            seconds = float(value)
        case _:
            raise ValueError(_WANTED)
    if math.isnan(seconds) or not 0 <= seconds <= MAX_SECONDS:
        raise ValueError("give a duration from 0s to 365d")
    return seconds


SCHEMA: dict[str, Any] = {
    "title": "duration",
    "anyOf": [
        {"type": "string", "pattern": PATTERN},
        {"type": "string", "pattern": rf"^{_PART}$"},
        {"type": "number", "minimum": 0, "maximum": MAX_SECONDS},
    ],
}
"""What :func:`parse_duration` takes, as JSON Schema."""

Duration = Annotated[float, BeforeValidator(parse_duration), WithJsonSchema(SCHEMA)]
"""A duration in seconds, read by :func:`parse_duration`."""
