"""``callboard schema``."""

import json

import typer

from ..config import settings_schema


def schema() -> None:
    """Print the JSON Schema of the YAML file."""
    typer.echo(json.dumps(settings_schema(), indent=2, ensure_ascii=False))
