"""All commands."""

from .handler import table
from .status import STATUS

#: What a running instance takes. To add a command: its model in `models/`, its handler here.
COMMANDS = table(STATUS)
