"""What a machine lacks for a file: ``run`` would fail on it before its first login."""

import errno
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from ..config import Embedded, Settings
from ..config.document import Location
from ..config.load import Fault
from ..config.metrics import ListenAddress, MetricsSettings
from ..config.web import WebSettings
from ..control.address import NoPlaceError, sockets_of
from ..control.claim import AlreadyRunningError, claim, is_claimed
from ..media import Network, NetworkError
from ..server import ServerError
from ..server.prosody import ADDRESS, find_prosody


def preflight(settings: Settings, file: Path, running: Settings | None = None) -> Iterator[Fault]:
    """Say what this machine lacks for what a file declares. It leaves nothing behind.

    Whether a port is free can't be said while an instance of the file runs: it may have it.

    Args:
        settings: what is declared.
        file: where.
        running: what runs on it already, and has its ports.
    """
    is_running = any(map(is_claimed, sockets_of(file)))
    if isinstance(settings.server, Embedded) and (
        running is None or running.server != settings.server
    ):
        try:
            find_prosody()
        except ServerError as error:
            yield ("server",), f"server: {error}"
        if not is_running or running is not None:
            yield from _port(settings.server.port)
    if running is None or running.media != settings.media:
        yield from _sockets(settings)
    yield from _folders(settings)
    if settings.metrics is not None:
        yield from _metrics(settings.metrics, len(settings.accounts), is_running=is_running)
    if settings.web is not None:
        yield from _web(settings.web, is_running=is_running)
    if settings.control is not None and not is_running:
        yield from _control(settings.control)
    if settings.webhooks and (fault := missing_extra("webhooks")):
        yield ("webhooks",), f"webhooks: {fault}"


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
        ("messages", settings.messages, None),
    ):
        if folder is None:
            continue
        try:
            with _made(folder):
                if file is not None and file.exists():
                    os.close(os.open(file, os.O_RDWR | os.O_APPEND))
                else:
                    tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            place = f"nothing can be written to {file or folder} ({error.strerror})"
            yield (key,), f"{key}: {place}: choose another place, or make it writable"


#: The packages of extras, by what they are called where they are imported.
EXTRAS = {
    "dev": ("watchfiles",),
    "metrics": ("h11", "prometheus_client"),
    "web": ("fastapi", "sse_starlette", "uvicorn"),
    "webhooks": ("h11",),
}
#: Accounts that may have a metric of their own.
MOST_NAMED = 100


def missing_extra(extra: str) -> str | None:
    """Say in a sentence which package of an extra is not installed; None: all are.

    Args:
        extra: a key of `EXTRAS`.
    """
    for package in EXTRAS[extra]:
        if find_spec(package) is None:
            return (
                f"needs the package {package}, which is not installed: "
                f"run pip install 'callboard[{extra}]'"
            )
    return None


def _metrics(metrics: MetricsSettings, accounts: int, *, is_running: bool) -> Iterator[Fault]:
    """See that they can be served."""
    if fault := missing_extra("metrics"):
        yield ("metrics",), f"metrics: {fault}"
    if metrics.accounts and accounts > MOST_NAMED:
        words = f"there are {accounts:,}, which is more than {MOST_NAMED} metrics"
        yield ("metrics", "accounts"), f"accounts: {words}: leave it out"
    yield from _listening(metrics.address, ("metrics", "address"), is_running=is_running)


def _web(web: WebSettings, *, is_running: bool) -> Iterator[Fault]:
    """See that the board can be served."""
    if fault := missing_extra("web"):
        yield ("web",), f"web: {fault}"
    if web.address is not None:
        yield from _listening(web.address, ("web", "address"), is_running=is_running)
    for index, address in enumerate(web.media.addresses or ()):
        try:
            Network((address,)).bind(address).close()
        except NetworkError as error:
            yield ("web", "media", "addresses", index), f"addresses: {error}"
            continue
        try:
            Network((address,), web.media.ports).bind(address).close()
        except NetworkError as error:
            if not is_running:
                yield ("web", "media", "ports"), f"ports: {error}"


def _listening(address: ListenAddress, place: Location, *, is_running: bool) -> Iterator[Fault]:
    """Listen at an address, as it will be done."""
    try:
        address.listen().close()
    except OSError as error:
        words = f"nothing can listen at {address} ({os.strerror(error.errno or 0)})"
        if error.errno != errno.EADDRINUSE:
            remedy = "give an IP address of this machine, and a port above 1023"
            yield place, f"address: {words}: {remedy}"
        elif not is_running:
            yield place, f"address: {words}: choose another port, or end what uses it"


def _control(path: Path) -> Iterator[Fault]:
    """Take the control socket's path, as it will be done."""
    try:
        claim(path).release()
    except (NoPlaceError, AlreadyRunningError) as error:
        yield ("control",), f"control: {error}"


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
