"""What a machine lacks for a file: ``run`` would fail on it before its first login."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config import Embedded, Settings
from ..config.load import Fault
from ..media import Network, NetworkError
from ..server import ServerError
from ..server.prosody import ADDRESS, find_prosody


def preflight(settings: Settings) -> Iterator[Fault]:
    """Say what this machine lacks for what a file declares. It leaves nothing behind.

    Args:
        settings: what is declared.
    """
    if isinstance(settings.server, Embedded):
        try:
            find_prosody()
        except ServerError as error:
            yield ("server",), f"server: {error}"
        yield from _port(settings.server.port)
    yield from _sockets(settings)
    yield from _folders(settings)


def _port(port: int | None) -> Iterator[Fault]:
    """Open the embedded server's port as it will do."""
    if port is None:
        return
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
            listener.listen()
        except OSError as error:
            words = f"{ADDRESS} port {port} can't be opened ({error.strerror})"
            yield ("server", "port"), f"port: {words}: choose another one, or remove it"


def _sockets(settings: Settings) -> Iterator[Fault]:
    """Open a socket as each call does."""
    media = settings.media
    for index, address in enumerate(media.addresses or ()):
        try:
            Network((address,)).bind(address).close()
        except NetworkError as error:
            yield ("media", "addresses", index), f"addresses: {error}"
            continue
        try:
            Network((address,), media.ports).bind(address).close()
        except NetworkError as error:
            yield ("media", "ports"), f"ports: {error}"


def _folders(settings: Settings) -> Iterator[Fault]:
    """Make the folders, and a file in each; what was made is removed again."""
    calls = settings.call_log
    for key, folder, file in (
        ("recordings", settings.recordings, None),
        ("call_log", calls.parent, calls),
    ):
        try:
            with _made(folder):
                if file is not None and file.exists():
                    os.close(os.open(file, os.O_RDWR | os.O_APPEND))
                else:
                    tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            place = f"nothing can be written to {file or folder} ({error.strerror})"
            yield (key,), f"{key}: {place}: choose another place, or make it writable"


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder with those above it; afterwards take away what was made."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    made: list[Path] = []
    try:
        for one in reversed(missing):
            one.mkdir()
            made.append(one)
        yield
    finally:
        for one in reversed(made):
            one.rmdir()
