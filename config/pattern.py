"""Patterns of bare addresses, such as ``*@example.org``."""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from .jid import parse_jid

MAX_LENGTH = 1023
MAX_STARS = 8
"""Nobody needs more."""


def check_pattern(text: str) -> str:
    """Check a pattern and bring it to lower case.

    Args:
        text: ``*`` stands for any characters, ``?`` for one. ``*`` alone matches everybody.

    Returns:
        The pattern.

    Raises:
        ValueError: It could never match an address.
    """
    pattern = text.lower()
    if "/" in pattern:
        raise ValueError(f"{text!r} has a resource, but patterns are of bare addresses: cut it off")
    if pattern.count("*") > MAX_STARS:
        raise ValueError(f"{text!r} has over {MAX_STARS} stars: use several patterns")
    if "@" not in pattern and set(pattern) != {"*"}:
        raise ValueError(f"{text!r} matches no address: write it like *@{pattern or 'example.org'}")
    if not set(pattern) & set("*?"):
        return parse_jid(pattern).bare
    return pattern


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    first, *others = (
        "".join("." if c == "?" else re.escape(c) for c in piece) for piece in pattern.split("*")
    )
    if not others:
        return re.compile(first, re.DOTALL)
    # Whoever calls chooses the text. Atomic groups keep the time linear: the first place where a
    # piece fits is as good as any later one.
    middle = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    return re.compile(f"{first}{middle}.*{others[-1]}", re.DOTALL)


def matches(patterns: tuple[str, ...], jid: str) -> bool:
    """Tell whether an address is meant by one of the patterns.

    Args:
        patterns: As :func:`check_pattern` returns them.
        jid: An address; its resource does not count.

    Returns:
        Whether one of them matches the whole bare address.
    """
    bare = jid.partition("/")[0].lower()
    return any(_compile(pattern).fullmatch(bare) for pattern in patterns)


Pattern = Annotated[str, Field(max_length=MAX_LENGTH), AfterValidator(check_pattern)]
"""A pattern of bare addresses, checked by :func:`check_pattern`."""
