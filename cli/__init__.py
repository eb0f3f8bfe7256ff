"""The commands."""

from .app import main

__all__ = ["main"]
