"""Whether what a client says is a command."""

from collections.abc import Mapping
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
        detail = _sentence(error.errors(include_url=False)[0], command)
        raise ControlError(ProblemKind.WRONG_ARGUMENT, detail[:LONGEST_DETAIL]) from None


def _sentence(found: ErrorDetails, command: type[Command[Any]]) -> str:
    place = found["loc"]
    name = str(place[-1])[:QUOTED] if place else command.name
    if found["type"] == "missing":
        return f"{name} is missing: {command.name} needs it"
    if found["type"] == "extra_forbidden":
        return unknown_key(name, command.model_fields, {})
    return sentence(found, place, secret=False)
