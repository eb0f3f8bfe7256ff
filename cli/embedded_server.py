"""The embedded server of a file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..config import Embedded, Settings
from ..server import Prosody
from ..server.certificates import EarlyCertificates, certificates_for


def embedded_server(
    settings: Settings, declared: Embedded, certificates: EarlyCertificates | None = None
) -> Prosody:
    """Return the server that a file declares, with its accounts; it is not started.

    Args:
        settings: the file's.
        declared: what they say of the server.
        certificates: its certificates, if somebody has begun to make them.
    """
    return Prosody(
        {one.user: one.password.get_secret_value() for one in settings.accounts},
        host=declared.domain,
        port=declared.port or 0,
        make_certificates=certificates_for if certificates is None else certificates.take,
    )


@asynccontextmanager
async def begun(
    settings: Settings, certificates: EarlyCertificates | None = None
) -> AsyncIterator[Prosody | None]:
    """Begin to start the embedded server, while something else is done; stop it at the end.

    Args:
        settings: the file's; None is given if they declare another server.
        certificates: its certificates, if somebody has begun to make them.
    """
    if not isinstance(settings.server, Embedded):
        yield None
        return
    server = embedded_server(settings, settings.server, certificates)
    try:
        await server.begin()
        yield server
    finally:
        await server.stop()
