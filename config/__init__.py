"""What an operator declares: YAML in, checked immutable settings out."""

from .account import AccountSettings, CallPolicy, Subscriptions
from .load import load, load_as
from .media import MediaSettings
from .problem import ConfigError, Problem
from .schema import settings_schema
from .server import Embedded, Server
from .settings import Settings

__all__ = [
    "AccountSettings",
    "CallPolicy",
    "ConfigError",
    "Embedded",
    "MediaSettings",
    "Problem",
    "Server",
    "Settings",
    "Subscriptions",
    "load",
    "load_as",
    "settings_schema",
]
