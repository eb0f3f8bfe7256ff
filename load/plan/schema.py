"""The JSON Schema of a load plan, for editors."""

from typing import Any

from ...config.schema import schema_of
from .plan import Plan


def plan_schema() -> dict[str, Any]:
    """Describe a load plan as JSON Schema.

    Returns:
        A schema in the dialect Draft 2020-12. It takes what `load_plan` takes, short of what only a
        look at other keys, files and variables can tell.
    """
    return schema_of(Plan, "Callboard load plan")
