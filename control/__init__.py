"""A running instance's commands, answers and events, over a Unix socket."""

from .client import Client
from .problem import ControlError

__all__ = ["Client", "ControlError"]
