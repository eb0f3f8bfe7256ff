"""Sizes as people write them: ``20GB``, ``500MB``, ``1.5TiB``."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

MAX_OCTETS = 10**18
"""A million terabytes: what is more is a slip of the pen."""

_UNITS = {
    **{unit: 1000**power for power, unit in enumerate(("kB", "MB", "GB", "TB", "PB"), 1)},
    **{unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB", "PiB"), 1)},
}
PATTERN = rf"^\d+(?:\.\d+)? ?(?:{'|'.join(_UNITS)})$"
_PARTS = re.compile(r"(\d+(?:\.\d+)?) ?([a-z]+)")
_BY_NAME = {unit.lower(): factor for unit, factor in _UNITS.items()}
_LONGEST = 20
_WANTED = "give a size with its unit, like 500MB, 20GB or 1TiB"


def parse_octets(value: object) -> int:
    """Read a size.

    Args:
        value: Text like ``20GB``; a bare number is none, because nobody can tell its unit.

    Returns:
        Octets.

    Raises:
        ValueError: It is no size.
    """
    if not isinstance(value, str) or not value.isascii():
        raise ValueError(_WANTED)
    found = _PARTS.fullmatch(value.strip().lower())
    if found is None or found[2] not in _BY_NAME or len(found[1]) > _LONGEST:
        raise ValueError(_WANTED)
    octets = int(float(found[1]) * _BY_NAME[found[2].lower()])
    if not 0 < octets <= MAX_OCTETS:
        raise ValueError(_WANTED)
    return octets


Octets = Annotated[
    int,
    BeforeValidator(parse_octets),
    WithJsonSchema({"title": "size with a unit", "type": "string", "pattern": PATTERN}),
]
"""A size in octets, read by :func:`parse_octets`."""
