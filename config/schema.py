"""The JSON Schema of the configuration file, for editors."""

from typing import Any

from .settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def settings_schema() -> dict[str, Any]:
    """Describe the configuration file as JSON Schema.

    Returns:
        A schema in the dialect Draft 2020-12. It takes what :func:`load` takes, short of what
        only a look at other keys, files and variables can tell.
    """
    return {
        "$schema": DIALECT,
        **Settings.model_json_schema(by_alias=True, mode="validation"),
        "title": "Callboard configuration",
    }
