"""The commands."""

from .start import main

__all__ = ["main"]
