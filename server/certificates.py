"""A server's certificates, and a child process that makes them while we do something else."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import NoReturn

from msgspec import Struct, msgpack

#: The XMPP domain of a server that is given none.
HOST = "localhost"
#: What may end us, and then ends the child without a word.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Certificates(Struct, frozen=True):
    """What a TLS server and its clients need, all of it PEM text.

    Attributes:
        authority: The certificate of the authority that signed ``chain``; clients trust this one.
        chain: The server's certificate.
        key: The server's private key (P-256, PKCS #8, not encrypted). The authority's key is not
            kept, so nothing else can ever be signed by it.
    """

    authority: str
    chain: str
    key: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


def certificates_for(host: str) -> Certificates:
    """Make certificates for one XMPP domain: see `make_certificates`. Blocks."""
    # What it is made with takes 30 ms to import, and no other server needs it.
    from .certificate import make_certificates  # noqa: PLC0415 - see above

    return make_certificates(host)


class EarlyCertificates:
    """Certificates that a child makes, which is forked at once; to be closed.

    Begin them while this process has one thread.

    Args:
        host: The XMPP domain.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._pipe, theirs = os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._child = os.fork()
        if not self._child:
            _make_in_child(host, theirs, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(theirs)

    def take(self, host: str) -> Certificates:
        """Return certificates for a domain: the child's, once, if they are for it. Blocks.

        Args:
            host: The XMPP domain.
        """
        octets = self._end() if host == self._host else b""
        return msgpack.decode(octets, type=Certificates) if octets else certificates_for(host)

    def close(self) -> None:
        """End the child, if nobody waits for it or has done so."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            self._end()

    def _end(self) -> bytes:
        """Wait for the child, and return what it has made: nothing if somebody else waits."""
        # Taken at once: who closes may come while a thread waits here, and the pipe is closed once.
        child, self._child = self._child, 0
        if not child:
            return b""
        with os.fdopen(self._pipe, "rb") as pipe:
            octets = pipe.read()
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
        return octets


def _make_in_child(host: str, pipe: int, mask: Iterable[int]) -> NoReturn:
    """Write certificates to a pipe, and end this process; whatever fails, nothing comes.

    Args:
        host: The XMPP domain.
        pipe: The file descriptor to write to.
        mask: The signals to block from here on.
    """
    try:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)  # our parent says what there is to say
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        octets = msgpack.encode(certificates_for(host))
        with os.fdopen(pipe, "wb") as out:
            out.write(octets)
    finally:
        os._exit(0)
