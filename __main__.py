"""The beginning of the ``callboard`` command, also as ``python -m callboard``.

It reads next to nothing before Ctrl-C is heeded.
"""

import os
import signal

#: The exit status of a command that was interrupted (128 and the signal's number).
INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Run the ``callboard`` command."""
    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heeded:
        signal.signal(signal.SIGINT, _end)
    from callboard.cli import main as command  # noqa: PLC0415 - from here on it takes its time

    try:
        if is_heeded:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        command()
    except KeyboardInterrupt:  # what the command itself does not catch, as it begins or ends
        _end()


def _end(*_: object) -> None:
    """End at once: nothing has begun that would have to end in order."""
    os.write(2, b"callboard: interrupted\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
