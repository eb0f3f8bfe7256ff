"""pydantic's findings as plain sentences."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from .document import Location
from .near_miss import near_miss

Details = Mapping[str, Any]


#: Characters of a text that a sentence repeats.
_SHOWN = 60


def _number(details: Details) -> str:
    context = details["ctx"]
    (limit,) = context.values()
    return f"{_found(details)}: give {_BOUNDS[details['type']]} {limit:,}"


def _size(details: Details) -> str:
    context = details["ctx"]
    word = "at most" if "max_length" in context else "at least"
    limit = context.get("max_length", context.get("min_length"))
    unit = "characters" if str(details["type"]).startswith("string") else "of them"
    if limit == 1:
        unit = unit.removesuffix("s")
    found = _found(details)
    if unit.startswith("character") and (size := len(details["input"])) > _SHOWN:
        found = f"{details['name']} has {size:,} characters"
    return f"{found}: give {word} {limit:,} {unit}"


_BOUNDS = {
    "greater_than_equal": "at least",
    "greater_than": "more than",
    "less_than_equal": "at most",
    "less_than": "less than",
}


def _wanted(what: str) -> Callable[[Details], str]:
    return lambda details: f"{_found(details)}: give {what}"


def _text(details: Details) -> str:
    value = details["input"]
    quotes = ", in quotes" if isinstance(value, int | float) else ""
    return f"{_found(details)}: give text{quotes}"


def _choice(details: Details) -> str:
    expected = str(details["ctx"]["expected"]).replace("'' or ", "").replace("'', ", "")
    return f"{_found(details)}: give {expected}{_similar(details['input'], expected)}"


def _similar(value: object, expected: str) -> str:
    choices = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    close = near_miss(str(value), choices)
    return f" (did you mean '{close}'?)" if close and isinstance(value, str) else ""


def _items(details: Details) -> str:
    return f"{_found(details)}: give {details['ctx']['what']}, or a list of them"


def _own(details: Details) -> str:
    return str(details["ctx"]["error"])


_SENTENCES: dict[str, Callable[[Details], str]] = {
    "value_error": _own,
    "literal_error": _choice,
    "enum": _choice,
    "string_type": _text,
    "int_type": _wanted("a whole number"),
    "int_from_float": _wanted("a whole number"),
    "int_parsing": _wanted("a whole number"),
    "int_parsing_size": _wanted("a whole number"),
    "float_type": _wanted("a number"),
    "float_parsing": _wanted("a number"),
    "finite_number": _wanted("a number"),
    "bool_type": _wanted("true or false"),
    "bool_parsing": _wanted("true or false"),
    "string_unicode": _wanted("text that is Unicode"),
    "tuple_type": _wanted("a list"),
    "list_type": _wanted("a list"),
    "items_type": _items,
    "dict_type": _wanted("a mapping"),
    "model_type": _wanted("a mapping"),
    "model_attributes_type": _wanted("a mapping"),
    "path_type": _wanted("a path"),
    "string_too_long": _size,
    "string_too_short": _size,
    "too_long": _size,
    "too_short": _size,
    "string_pattern_mismatch": _wanted("the name of a built-in bot, or module:Class"),
    **dict.fromkeys(_BOUNDS, _number),
}


def sentence(details: ErrorDetails, place: Location, *, secret: bool) -> str:
    """Put one of pydantic's findings into words.

    Args:
        details: The finding, of another type than ``missing`` and ``extra_forbidden``.
        place: Where it is; its last key names it.
        secret: Whether what was found must not be shown.

    Returns:
        What was found and what would be right.
    """
    name = next((part for part in reversed(place) if isinstance(part, str)), "the file")
    if place and isinstance(place[-1], int):
        name = f"item {place[-1] + 1} of {name}"
    shown: dict[str, Any] = {**details, "name": name, "secret": secret}
    known = _SENTENCES.get(details["type"])
    if known is None:
        return f"{_found(shown)}: {details['msg'][:1].lower()}{details['msg'][1:]}"
    return f"{name}: {_own(shown)}" if known is _own else known(shown)


def _found(details: Details) -> str:
    return f"{details['name']} is {describe(details['input'], secret=details['secret'])}"


def describe(value: object, *, secret: bool = False) -> str:
    """Show a value of the file in a sentence.

    Args:
        value: The value.
        secret: Tell only what kind of thing it is.

    Returns:
        A short phrase.
    """
    match value:
        case None:
            return "left empty"
        case dict():
            return "a mapping"
        case list() | tuple():
            return f"a list of {len(value)}"
        case _ if secret:
            return "not text" if not isinstance(value, str) else "text that can't be used"
        case bool():
            return str(value).lower()
        case str():
            return repr(value if len(value) <= _SHOWN else f"{value[: _SHOWN - 1]}…")
    return f"the number {value}" if isinstance(value, int | float) else f"a {type(value).__name__}"


def unknown_key(key: str, known: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    """Say that a key has no meaning, and which one may have been meant.

    Args:
        key: The key.
        known: The keys that may stand in its place.
        elsewhere: Keys of other places, and what these places are called.

    Returns:
        The sentence.
    """
    names = sorted(known)
    if key in elsewhere:
        return f"there is no key '{key}' here: it belongs {elsewhere[key]}"
    if close := near_miss(key, names):
        return f"there is no key '{key}' here: did you mean '{close}'?"
    return f"there is no key '{key}' here: the keys are {', '.join(names)}"
