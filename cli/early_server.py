"""The embedded server of a file, begun before anything that reads the file is imported."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path

from ..server import Prosody
from ..server.certificates import HOST, EarlyCertificates
from .main_loop import OnLoop

#: Octets of a file in which its server is looked for.
_ENOUGH = 65_536
_SERVER = re.compile(rb"^server\b(?!\s*:\s*embedded\s*(#.*)?$).*$", re.MULTILINE)
"""A line that declares another server than the embedded one with a free port."""


@contextmanager
def early_server(file: Path, on_loop: OnLoop) -> Iterator[Prosody | None]:
    """Begin a server without accounts if a file seems to declare the embedded one.

    Its certificates are made on another core, and it starts there, while what reads the file is
    imported here. If it turns out that the file declares something else, it has started for
    nothing. It is stopped at the end.

    Args:
        file: the YAML file.
        on_loop: runs coroutines.
    """
    if not seems_embedded(file):
        yield None
        return
    with closing(EarlyCertificates(HOST)) as certificates:
        server = Prosody({}, make_certificates=certificates.take)
        try:
            on_loop(_begun_while_importing(server))
            yield server
        finally:
            on_loop(server.stop())


async def _begun_while_importing(server: Prosody) -> None:
    reading = asyncio.to_thread(import_module, f"{__package__}.run")
    await asyncio.gather(server.begin(), reading)


def seems_embedded(file: Path) -> bool:
    """Tell whether a file seems to declare the embedded server, with a port that is free.

    Args:
        file: the YAML file; one that can't be read does not.
    """
    try:
        with file.open("rb") as opened:
            return _SERVER.search(opened.read(_ENOUGH)) is None
    except OSError:
        return False
