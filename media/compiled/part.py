"""The compiled part, and what turns it off."""

import os
from typing import Any

ffi: Any
lib: Any
try:
    from ._compiled import ffi, lib  # type: ignore[import-not-found,no-redef]
except ImportError:  # nobody could compile it: Python does it all
    ffi = lib = None

SWITCH = "CALLBOARD_COMPILED"
"""Environment variable: 0 has Python do it all."""


def is_on() -> bool:
    """Tell whether there is a compiled part, and nobody has switched it off."""
    return lib is not None and os.environ.get(SWITCH) != "0"
