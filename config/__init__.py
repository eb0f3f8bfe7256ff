"""What an operator declares: YAML in, checked immutable settings out."""

from .account import Account, CallPolicy, Subscriptions
from .load import load, load_as
from .media import Media
from .problem import ConfigError, Problem
from .schema import settings_schema
from .server import Embedded, Server
from .settings import Settings

__all__ = [
    "Account",
    "CallPolicy",
    "ConfigError",
    "Embedded",
    "Media",
    "Problem",
    "Server",
    "Settings",
    "Subscriptions",
    "load",
    "load_as",
    "settings_schema",
]
