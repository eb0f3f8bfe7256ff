"""The beginning and the end of every command."""

import sys


def main() -> None:
    """Run the ``callboard`` command."""
    status = 1
    try:
        from .app import app

        app()
    except KeyboardInterrupt:  # while it starts: from there on, commands end in order
        status = 130
        sys.exit(status)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        from .leaving import end_soon

        end_soon(status)
