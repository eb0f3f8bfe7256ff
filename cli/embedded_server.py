"""The embedded server of a file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..config import Embedded, Settings
from ..server import Prosody


def embedded_server(settings: Settings, declared: Embedded) -> Prosody:
    """Return the server that a file declares, with its accounts; it is not started.

    Args:
        settings: the file's.
        declared: what they say of the server.
    """
    accounts = {one.user: one.password.get_secret_value() for one in settings.accounts}
    return Prosody(accounts, host=declared.domain, port=declared.port or 0)


@asynccontextmanager
async def begun(settings: Settings) -> AsyncIterator[Prosody | None]:
    """Begin to start the embedded server, while something else is done; stop it at the end.

    Args:
        settings: the file's; None is given if they declare another server.
    """
    if not isinstance(settings.server, Embedded):
        yield None
        return
    server = embedded_server(settings, settings.server)
    try:
        await server.begin()
        yield server
    finally:
        await server.stop()
