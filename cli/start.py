"""The beginning and the end of every command."""

import gc
import sys

from .plain_run import plain_run
from .process_end import INTERRUPTED, end_soon
from .views.standard_streams import FULL, drain_outlets, open_standard_streams, to_nowhere

#: Objects made and not freed until Python looks for garbage. Nearly all that a start makes stays:
#: 110,000 objects until an account is online. To look at the first 100,000 takes 45 ms.
THRESHOLD = 250_000


def main() -> None:
    """Run the ``callboard`` command."""
    status = 1
    gc.set_threshold(THRESHOLD)
    open_standard_streams()
    try:
        words = sys.argv[1:]
        run = plain_run(words)
        if run is not None:
            sys.exit(run())
        from .app import app_for

        app_for(words)()
    except KeyboardInterrupt:  # while it starts: from there on, commands end in order
        status = INTERRUPTED
        sys.exit(status)
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        print(f"callboard: standard output: {error.strerror}", file=sys.stderr)  # noqa: T201
        to_nowhere(sys.stdout.fileno())  # else Python says it once more at its end
        sys.exit(status)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        if status == INTERRUPTED:  # typer, too, makes this of Ctrl-C, and says nothing
            print("callboard: interrupted", file=sys.stderr)  # noqa: T201
        end_soon(status)
        drain_outlets()
