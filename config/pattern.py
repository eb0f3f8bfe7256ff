"""Patterns of bare addresses, such as ``*@example.org``."""

import re
import unicodedata
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from .jid import normal_domain, parse_jid

MAX_LENGTH = 1023
MAX_STARS = 8
"""Nobody needs more."""


_WILD = frozenset("*?")
#: How the decompositions of fullwidth and halfwidth characters begin (RFC 8265 §3.3.1).
_WIDTHS = frozenset({"<wi", "<na"})


def check_pattern(text: str) -> str:
    """Check a pattern and bring it to the form in which addresses are compared (RFC 7622).

    Args:
        text: ``*`` stands for any characters, ``?`` for one. ``*`` alone matches everybody.

    Returns:
        The pattern.

    Raises:
        ValueError: It could never match an address.
    """
    if "/" in text:
        raise ValueError(f"{text!r} has a resource, but patterns match bare addresses: remove it")
    if text.count("*") > MAX_STARS:
        raise ValueError(f"{text!r} has over {MAX_STARS} stars: use several patterns")
    if "@" not in text and set(text) != {"*"}:
        raise ValueError(f"{text!r} matches no address: write it like *@{text or 'example.org'}")
    if not set(text) & _WILD:
        return parse_jid(text).bare
    local, at, domain = text.rpartition("@")
    labels = _folded(domain).removesuffix(".").split(".")
    return _folded(local) + at + ".".join(_label(label, text) for label in labels)


def _folded(piece: str) -> str:
    """Map width and case as RFC 7622 does; a part with wildcards can't be checked further."""
    wide = "".join(
        unicodedata.normalize("NFKC", one) if unicodedata.decomposition(one)[:3] in _WIDTHS else one
        for one in piece
    )
    return unicodedata.normalize("NFC", wide.lower())


def _label(label: str, text: str) -> str:
    if not set(label) & _WILD:
        try:
            return normal_domain(label)
        except ValueError:
            raise ValueError(
                f"{text!r} matches no address: {label!r} is not a domain name"
            ) from None
    if label.startswith("xn--"):
        raise ValueError(f"{text!r} has a wildcard within an A-label: write that part in Unicode")
    return label


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
        Whether one of them matches the whole bare address; False if the text is no address.
    """
    try:
        bare = parse_jid(jid).bare
    except ValueError:
        return False
    return any(_compile(pattern).fullmatch(bare) for pattern in patterns)


Pattern = Annotated[str, Field(max_length=MAX_LENGTH), AfterValidator(check_pattern)]
"""A pattern of bare addresses, checked by :func:`check_pattern`."""
