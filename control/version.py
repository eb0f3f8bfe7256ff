"""Which Callboard this is."""

from importlib.metadata import version

#: Read once, and not from the disk at each status.
VERSION = version("callboard")
