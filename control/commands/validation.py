"""Whether what a client says is a command."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_json

from ...config.error_sentence import sentence, unknown_key
from ..models.base import Command
from ..problem import ControlError, ProblemKind

C = TypeVar("C", bound=Command[Any])

#: Characters of an error's sentence at the most.
LONGEST_DETAIL = 400
#: Characters of a request's own words that an error repeats.
QUOTED = 60

_NO_OBJECT = frozenset({"json_invalid", "model_attributes_type", "model_type"})


def validated(command: type[C], fields: Mapping[str, Any], *, is_text: bool = False) -> C:
    """Return a command made of what a client says.

    Args:
        command: which one.
        fields: what it has.
        is_text: whether numbers and truth values are texts, as in a query.

    Raises:
        ControlError: it can't be one; says why.
    """
    try:
        if is_text:
            return command.model_validate_strings(dict(fields), strict=False)
        return command.model_validate_json(to_json(fields))
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False)
        detail = fault(_named(first, command), command.name, command.model_fields)
        raise ControlError(ProblemKind.WRONG_ARGUMENT, detail) from None


def _named(found: ErrorDetails, command: type[Command[Any]]) -> ErrorDetails:
    """Call a field by its title, if it has one: people read the sentence too."""
    place = found["loc"]
    field = command.model_fields.get(str(place[0])) if place else None
    if field is None or field.title is None:
        return found
    return {**found, "loc": (field.title, *place[1:])}


def fault(found: ErrorDetails, name: str, known: Iterable[str], *, secret: bool = False) -> str:
    """Put what is wrong with what a client says into words.

    Args:
        found: what pydantic has found.
        name: of what the client has asked for.
        known: the fields that it may have.
        secret: whether what was found must not be repeated.
    """
    place = found["loc"]
    field = str(place[-1])[:QUOTED] if place else name
    if found["type"] == "missing":
        return f"{field} is missing: {name} needs it"
    if found["type"] == "extra_forbidden":
        names = tuple(known)
        return (
            unknown_key(field, names, {}) if names else f"{field} means nothing here: leave it out"
        )
    if found["type"] in _NO_OBJECT:
        return "the body is no JSON object: send one, with Content-Type: application/json"
    return sentence(found, place, secret=secret)[:LONGEST_DETAIL]
