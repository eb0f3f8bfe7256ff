"""What all settings have in common: they are frozen, strict, and know where their file is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_args

from msgspec import Struct
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError, core_schema

from .secret import resolve_secret


class ValidationContext(Struct, frozen=True):
    """What a configuration file refers to outside itself.

    Attributes:
        folder: The file's folder; relative paths begin there.
        environ: The environment variables.
        check_bot: Says in a sentence what is wrong with the bot of this name, or None; without it
            any name that is well formed is taken.
    """

    folder: Path
    environ: Mapping[str, str]
    check_bot: Callable[[str], str | None] | None = None


class Model(BaseModel):
    """The base of all settings: immutable, no unknown keys, no input in error messages."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


def models_within(model: type[Model]) -> dict[tuple[str, ...], type[Model]]:
    """Find the models that a model is made of.

    Args:
        model: The one that stands at the top.

    Returns:
        From the keys that lead there (lists leave no trace) to the model, the top first. Where
        there is a choice of models, the one with the most keys.
    """
    found: dict[tuple[str, ...], type[Model]] = {(): model}
    waiting: list[tuple[tuple[str, ...], type[Model]]] = [((), model)]
    while waiting:
        place, outer = waiting.pop(0)
        for name, field in outer.model_fields.items():
            inner = sorted(_named(field.annotation), key=lambda one: len(one.model_fields))
            if inner and inner[-1].model_fields:
                found[*place, field.alias or name] = inner[-1]
                waiting.append(((*place, field.alias or name), inner[-1]))
    return found


def _named(annotation: Any) -> list[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [model for part in get_args(annotation) for model in _named(part)]


def as_items(value: Any, what: str) -> Any:
    """Take one text where a list of texts is wanted: ``from: "*@example.org"``.

    Args:
        value: What stands in the file.
        what: What one of them is, for the sentence.

    Returns:
        A tuple.

    Raises:
        PydanticCustomError: It is neither a text nor a list.
    """
    match value:
        case str():
            return (value,)
        case list() | tuple():
            return tuple(value)
    raise PydanticCustomError("items_type", "give {what}, or a list of them", {"what": what})


def as_path(value: Any, info: ValidationInfo) -> Any:
    """Make a path that is relative to the configuration file absolute.

    Args:
        value: What stands in the file.
        info: Holds the :class:`ValidationContext`; without one the path stays as it is.

    Returns:
        The path; anything that is no text as it is.

    Raises:
        ValueError: The text can be no path.
    """
    if isinstance(value, str):
        if not value or "\0" in value:
            raise ValueError("give the path of a file or folder")
        value = Path(value)
    if not isinstance(value, Path):
        return value
    try:
        path = value.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home folder for {value.parts[0]}: write it out") from None
    return info.context.folder / path if isinstance(info.context, ValidationContext) else path


def as_secret(value: Any, info: ValidationInfo) -> Any:
    """Find the secret that a text names: see :func:`resolve_secret`.

    Args:
        value: What stands in the file.
        info: Holds the :class:`ValidationContext`; without one the text stays as it is.
    """
    if isinstance(value, str) and isinstance(info.context, ValidationContext):
        return resolve_secret(value, info.context.folder, info.context.environ)
    return value


Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict()]
FolderPath = Annotated[Path, BeforeValidator(as_path)]


@dataclass(frozen=True)
class Items:
    """Marks a tuple that may also be written as a single item. Put its bounds before it.

    Attributes:
        what: What one of them is, for the sentence that refuses something else.
    """

    what: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        read = partial(as_items, what=self.what)
        return core_schema.no_info_before_validator_function(read, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        several = handler(schema)
        return {"anyOf": [several["items"], several]}
