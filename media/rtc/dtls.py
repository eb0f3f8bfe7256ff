"""Which DTLS records can belong to a peer's handshake (RFC 6347 §4).

Until the handshake is done nothing is authenticated, and the source address of a datagram can be
forged. OpenSSL ends a handshake when it gets an alert, a malformed message or one out of turn. DTLS
allows us to drop what is invalid (RFC 6347 §4.1.2.7): the real message comes again.
"""

from collections.abc import Callable
from enum import IntEnum


class _Content(IntEnum):
    CHANGE_CIPHER_SPEC = 20
    HANDSHAKE = 22


_HEADER = 13
_LONGEST_MESSAGE = 1 << 15
"""Octets of a handshake message; a certificate chain is the longest."""

CIPHER_SUITES = frozenset(
    {
        *(0xC009, 0xC00A, 0xC02B, 0xCCA9),  # what aiortc offers (RFC 8422, RFC 5289, RFC 7905)
        *(0x1301, 0x1302, 0x1303),  # DTLS 1.3 (RFC 8446 §B.4)
    }
)
_VERSIONS = (b"\xfe\xfd", b"\xfe\xff")
_NEEDED_EXTENSIONS = frozenset({14, 43})
"""use_srtp (RFC 5764 §4.1.1), or in DTLS 1.3, where that is encrypted, supported_versions."""


class _Reader:
    """Reads the fields of a message; what is cut off raises `ValueError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise ValueError("a handshake message is cut off")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, octets: int) -> int:
        return int.from_bytes(self.take(octets))

    def vector(self, octets: int) -> bytes:
        """Read what has its length, of so many octets, in front (RFC 8446 §3.4)."""
        return self.take(self.number(octets))


def _client_hello(body: _Reader) -> bool:
    version, _ = body.take(2), body.take(32)
    session, cookie = body.vector(1), body.vector(1)
    suites, compressions = body.vector(2), body.vector(1)
    offered = {int.from_bytes(suites[at : at + 2]) for at in range(0, len(suites), 2)}
    return (
        version in _VERSIONS
        and len(session) <= 32
        and len(cookie) <= 255
        and len(suites) % 2 == 0
        and bool(offered & CIPHER_SUITES)
        and 0 in compressions
        and bool(_extensions(body) & _NEEDED_EXTENSIONS)
    )


def _server_hello(body: _Reader) -> bool:
    version, _, session = body.take(2), body.take(32), body.vector(1)
    suite, compression = body.number(2), body.number(1)
    return (
        version in _VERSIONS
        and len(session) <= 32
        and suite in CIPHER_SUITES
        and compression == 0
        and bool(_extensions(body) & _NEEDED_EXTENSIONS)
    )


def _extensions(body: _Reader) -> set[int]:
    inner = _Reader(body.vector(2))
    found = set()
    while not inner.is_done:
        found.add(inner.number(2))
        inner.vector(2)
    return found


def _hello_verify_request(body: _Reader) -> bool:
    version, cookie = body.take(2), body.vector(1)
    return version in _VERSIONS and len(cookie) > 0


def _certificate(body: _Reader) -> bool:
    inner = _Reader(body.vector(3))
    count = 0
    while not inner.is_done:
        # Each is a SEQUENCE of DER whose length takes two octets or three (X.690 §8.1.3).
        certificate = inner.vector(3)
        if certificate[:1] != b"\x30" or certificate[1:2] not in (b"\x81", b"\x82", b"\x83"):
            return False
        head = 2 + (certificate[1] & 0x7F)
        if len(certificate) != head + int.from_bytes(certificate[2:head]):
            return False
        count += 1
    return count > 0


def _server_key_exchange(body: _Reader) -> bool:
    curve_type, _, point = body.number(1), body.take(2), body.vector(1)
    _, signature = body.take(2), body.vector(2)
    return curve_type == 3 and len(point) > 0 and len(signature) > 0


def _certificate_request(body: _Reader) -> bool:
    kinds, algorithms, _ = body.vector(1), body.vector(2), body.vector(2)
    return len(kinds) > 0 and len(algorithms) > 0 and len(algorithms) % 2 == 0


def _server_hello_done(body: _Reader) -> bool:
    return body.is_done


def _client_key_exchange(body: _Reader) -> bool:
    return len(body.vector(1)) > 0


def _certificate_verify(body: _Reader) -> bool:
    return len(body.take(2)) == 2 and len(body.vector(2)) > 0


_Check = Callable[[_Reader], bool]

_MESSAGES: dict[str, dict[int, tuple[range, _Check]]] = {
    "client": {
        3: (range(1), _hello_verify_request),
        2: (range(2), _server_hello),
        11: (range(1, 3), _certificate),
        12: (range(2, 4), _server_key_exchange),
        13: (range(3, 5), _certificate_request),
        14: (range(3, 6), _server_hello_done),
    },
    "server": {
        1: (range(2), _client_hello),
        11: (range(1, 3), _certificate),
        16: (range(2, 4), _client_key_exchange),
        15: (range(3, 5), _certificate_verify),
    },
}
"""What each role hears before the keys change, as which messages of the handshake.

One further on after a HelloVerifyRequest (RFC 6347 §4.2.1). WebRTC always has certificates on both
sides, and always agrees on the key by ECDHE (RFC 8827 §6.5).
"""


def is_plausible(record: bytes, *, role: str, is_done: bool) -> bool:
    """Tell whether OpenSSL may see a record.

    Args:
        record: A whole one, with its header.
        role: Ours: "client" or "server".
        is_done: Whether the handshake is done. Then all that counts is encrypted.

    Returns:
        True if it is encrypted, so that OpenSSL can tell, or if it is what the peer may say now.
    """
    if record[0] >= 32 or record[3:5] != b"\0\0":
        return True
    if is_done:
        return False
    if record[0] == _Content.CHANGE_CIPHER_SPEC:
        return record[_HEADER:] == b"\1"
    return record[0] == _Content.HANDSHAKE and _are_messages(record[_HEADER:], role)


def _are_messages(data: bytes, role: str) -> bool:
    """Check each handshake message in a record (RFC 6347 §4.2.2)."""
    reader = _Reader(data)
    known = _MESSAGES.get(role, {})
    try:
        while not reader.is_done:
            kind, length, number = reader.number(1), reader.number(3), reader.number(2)
            offset, part = reader.number(3), reader.vector(3)
            if kind not in known or number not in known[kind][0]:
                return False
            if length > _LONGEST_MESSAGE or offset + len(part) > length or (length and not part):
                return False
            if len(part) == length:
                body = _Reader(part)
                if not known[kind][1](body) or not body.is_done:
                    return False
    except ValueError:
        return False
    return True
