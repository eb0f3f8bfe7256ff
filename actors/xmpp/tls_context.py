"""Which servers are trusted."""

import ssl
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=8)
def trust(ca: Path | None) -> ssl.SSLContext:
    """Return the TLS context of all accounts that trust the same authorities.

    It reads files and so blocks: call it off the loop. One context serves all accounts, since
    loading the system's authorities costs about 30 ms and 500 KiB each time.

    Args:
        ca: a PEM file to trust in the place of the system's authorities, or None.

    Raises:
        OSError: the file can't be read.
        ssl.SSLError: it holds no certificate.
    """
    return ssl.create_default_context(cafile=ca)
