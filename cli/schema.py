"""``callboard schema``."""

import json

import typer

from ..bots.options_schema import with_options
from ..config import settings_schema


def schema(*, plan: bool) -> None:
    """Print the JSON Schema of a YAML file.

    Args:
        plan: of load plans, in the place of accounts files.
    """
    schema = with_options(settings_schema())
    if plan:
        from ..load import plan_schema  # noqa: PLC0415 - it loads what accounts files do not need

        schema = plan_schema()
    typer.echo(json.dumps(schema, indent=2, ensure_ascii=False))
