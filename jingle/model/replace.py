"""A copy of a value with other fields."""

from typing import TYPE_CHECKING

__all__ = ["replace"]

if TYPE_CHECKING:  # msgspec's own takes any name and any type: this has mypy look at both
    from dataclasses import replace
else:
    from msgspec.structs import replace
