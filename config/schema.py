"""The JSON Schema of the configuration file, for editors."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from .model import Model
from .settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """Leaves out the titles that only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def settings_schema() -> dict[str, Any]:
    """Describe the configuration file as JSON Schema.

    Returns:
        A schema in the dialect Draft 2020-12. It takes what :func:`load` takes, short of what
        only a look at other keys, files and variables can tell.
    """
    return schema_of(Settings, "Callboard configuration")


def schema_of(model: type[Model], title: str) -> dict[str, Any]:
    """Describe a file that declares what a model says as JSON Schema.

    Args:
        model: What the file declares.
        title: What the file is called.

    Returns:
        A schema in the dialect Draft 2020-12.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation", schema_generator=_Generator)
    return {"$schema": DIALECT, **schema, "title": title}
