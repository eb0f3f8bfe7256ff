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
    return Prosody(_accounts(settings), host=declared.domain, port=declared.port or 0)


def _accounts(settings: Settings) -> dict[str, str]:
    return {one.user: one.password.get_secret_value() for one in settings.accounts}


@asynccontextmanager
async def begun(settings: Settings, early: Prosody | None = None) -> AsyncIterator[Prosody | None]:
    """Begin to start the embedded server, while something else is done; stop it at the end.

    Args:
        settings: the file's; None is given if they declare another server.
        early: one without accounts that has begun already, on a free port; it is stopped now if
            the file declares something else.
    """
    declared = settings.server
    if early is not None and declared != Embedded():
        await early.stop()
        early = None
    if not isinstance(declared, Embedded):
        yield None
        return
    server = embedded_server(settings, declared) if early is None else early
    try:
        await server.begin()
        if early is not None and early.is_running:  # else its start says why not
            await early.add_accounts(_accounts(settings))
        yield server
    finally:
        await server.stop()
