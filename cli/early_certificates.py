"""Certificates of a file's embedded server, begun before anything of the file is read."""

import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from ..server.certificates import HOST, EarlyCertificates

#: Octets of a file in which its server is looked for.
_ENOUGH = 65_536


def early_certificates(file: Path) -> AbstractContextManager[EarlyCertificates | None]:
    """Begin to make certificates if a file seems to declare the embedded server.

    They are made on another core while all that reads the file is imported. Whoever has guessed
    wrong here has made them for nothing, or makes them later.

    Args:
        file: the YAML file.
    """
    return EarlyCertificates(HOST) if _seems_embedded(file) else nullcontext()


def _seems_embedded(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            text = opened.read(_ENOUGH)
    except OSError:
        return False
    return b"embedded" in text or re.search(rb"^server\b", text, re.MULTILINE) is None
