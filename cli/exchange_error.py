"""What ends a deployment that nobody has ended, and why one does not start."""

from ..server import ServerError


class ExchangeError(Exception):
    """Nothing can go on, and nobody asked for the end; the message says why."""


def reason(error: ServerError | ExchangeError | OSError) -> str:
    """Say in a line why a deployment did not start.

    Args:
        error: what `deployed` raised.
    """
    if isinstance(error, OSError) and error.filename is not None:
        return (
            f"{error.filename}: {error.strerror}: check the name, and that you may read or write it"
        )
    return str(error)
