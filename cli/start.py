"""The beginning of every command."""

import sys


def main() -> None:
    """Run the ``callboard`` command."""
    try:
        from .app import app

        app()
    except KeyboardInterrupt:  # while it starts: from there on, commands end in order
        sys.exit(130)
