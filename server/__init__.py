"""The embedded server: a private Prosody as a child process, on loopback only, gone when we are."""

from .configuration import MODULES
from .prosody import Prosody, ServerError

__all__ = ["MODULES", "Prosody", "ServerError"]
