"""DTLS after the handshake: what is left of a connection once both sides have the keys.

OpenSSL keeps 90 KiB for a DTLS connection as long as it lasts, most of it for a handshake that is
over. What still comes and goes are alerts, and the packets of data channels: records of DTLS 1.2
(RFC 6347 §4.1) in AES-GCM (RFC 5288), for which two keys and two counters do.

OpenSSL keeps a connection of another version or cipher, and one whose peer may still miss our last
flight (RFC 6347 §4.2.4): only a packet with a valid tag shows that it has come.
"""

import hmac
from collections import deque

from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from OpenSSL import SSL

from .transports import ROLE, STATE
from .transports import SSL as CONNECTION

VERSION, CIPHER = "DTLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"

_ALERT, _DATA = 21, 23
_WIRE_VERSION = b"\xfe\xfd"
_HEADER, _NONCE, _TAG = 13, 8, 16
_KEY, _FIXED = 16, 4
_CLOSE_NOTIFY = b"\x01\x00"
_FATAL = 2
_WINDOW = 64
"""Records before the newest one that are not too old (RFC 6347 §4.1.2.6)."""


def settle(transport: RTCDtlsTransport) -> None:
    """Let go of OpenSSL's connection, where what is left of it is known.

    Args:
        transport: One that has had a packet with a valid tag from its peer.
    """
    connection = getattr(transport, CONNECTION)
    if getattr(transport, STATE) is State.CONNECTED and isinstance(connection, SSL.Connection):
        settled = SettledDtls.of(connection, is_client=getattr(transport, ROLE) == "client")
        if settled is not None:
            setattr(transport, CONNECTION, settled)


class SettledDtls:
    """Stands where aiortc has OpenSSL's connection: the methods that it calls once it is connected.

    Args:
        own, peers: The key and the fixed part of the nonce of each side.
        last: The number of the last record that was sent, and its nonce.
    """

    __slots__ = ("_in", "_last", "_newest", "_nonce", "_out", "_own", "_peers", "_seen", "_state")

    def __init__(
        self, own: tuple[bytes, bytes], peers: tuple[bytes, bytes], last: tuple[int, int]
    ) -> None:
        self._own, self._peers = own, peers
        self._last, self._nonce = last
        # What OpenSSL has read could be repeated once. SCTP knows what it has had (RFC 9260 §6.2).
        self._newest = self._seen = self._state = 0
        self._in: bytes = b""
        self._out: deque[bytes] | tuple[()] = ()

    @classmethod
    def of(cls, connection: SSL.Connection, *, is_client: bool) -> "SettledDtls | None":
        """Take over from a connection, which can't be used any more then.

        Args:
            connection: One whose handshake is done, and from which all was read.
            is_client: Whether we are the client of the handshake.

        Returns:
            None if it has to stay.
        """
        if (connection.get_protocol_version_name(), connection.get_cipher_name()) != (
            VERSION,
            CIPHER,
        ) or connection.get_shutdown():
            return None
        secret, client, server = (
            connection.master_key(),
            connection.client_random(),
            connection.server_random(),
        )
        assert secret is not None  # noqa: S101 - these are there after a handshake
        assert client is not None  # noqa: S101
        assert server is not None  # noqa: S101
        block = _expanded(secret, b"key expansion" + server + client, 2 * (_KEY + _FIXED))
        keys = block[:_KEY], block[_KEY : 2 * _KEY]
        fixed = block[2 * _KEY : 2 * _KEY + _FIXED], block[2 * _KEY + _FIXED :]
        own, peers = (0, 1) if is_client else (1, 0)
        connection.shutdown()
        # It never leaves: only its number and its nonce tell which ones are used up.
        parting = connection.bio_read(1500)
        number = int.from_bytes(parting[3:11])
        nonce = int.from_bytes(parting[_HEADER : _HEADER + _NONCE])
        return cls((keys[own], fixed[own]), (keys[peers], fixed[peers]), (number, nonce))

    # -- what comes in -----------------------------------------------------------------------------

    def bio_write(self, record: bytes) -> int:
        """Take one record, which `recv` reads."""
        self._in = record
        return len(record)

    def recv(self, _: int) -> bytes:
        """Return the data of the record that has come.

        Raises:
            OpenSSL.SSL.ZeroReturnError: The peer has closed.
            OpenSSL.SSL.WantReadError: It is no data, is not the peer's, or has come before.
        """
        record, self._in = self._in, b""
        if self._state & SSL.RECEIVED_SHUTDOWN:
            raise SSL.ZeroReturnError
        plain = self._opened(record)
        if plain is None:
            raise SSL.WantReadError
        if record[0] == _DATA:
            return plain
        if plain == _CLOSE_NOTIFY or plain[:1] == bytes((_FATAL,)):
            self._state |= SSL.RECEIVED_SHUTDOWN
            raise SSL.ZeroReturnError
        raise SSL.WantReadError

    def _opened(self, record: bytes) -> bytes | None:
        length = len(record) - _HEADER - _NONCE - _TAG
        if length < 0 or record[0] not in (_ALERT, _DATA) or record[1:3] != _WIRE_VERSION:
            return None
        if int.from_bytes(record[11:13]) != len(record) - _HEADER:
            return None
        number = int.from_bytes(record[3:11])
        behind = self._newest - number
        if behind >= _WINDOW or (behind >= 0 and self._seen >> behind & 1):
            return None
        key, fixed = self._peers
        nonce, sealed = record[_HEADER : _HEADER + _NONCE], record[_HEADER + _NONCE :]
        try:
            plain = AESGCM(key).decrypt(fixed + nonce, sealed, _covered(record[:11], length))
        except InvalidTag:
            return None
        if behind < 0:
            self._seen = (self._seen << min(-behind, _WINDOW) | 1) & (1 << _WINDOW) - 1
            self._newest = number
        else:
            self._seen |= 1 << behind
        return plain

    # -- what goes out -----------------------------------------------------------------------------

    def send(self, data: bytes) -> int:
        """Make a record of data, which `bio_read` returns."""
        self._seal(_DATA, data)
        return len(data)

    def shutdown(self) -> bool:
        """Make the record that says that we close, once; tell whether the peer has closed too."""
        if not self._state & SSL.SENT_SHUTDOWN:
            self._state |= SSL.SENT_SHUTDOWN
            self._seal(_ALERT, _CLOSE_NOTIFY)
        return bool(self._state & SSL.RECEIVED_SHUTDOWN)

    def bio_read(self, _: int) -> bytes:
        """Return the next record that is to be sent.

        Raises:
            OpenSSL.SSL.WantReadError: There is none.
        """
        if not self._out:
            raise SSL.WantReadError
        assert isinstance(self._out, deque)  # noqa: S101 - the empty one is none
        record = self._out.popleft()
        if not self._out:
            self._out = ()
        return record

    def _seal(self, kind: int, data: bytes) -> None:
        self._last += 1
        self._nonce = (self._nonce + 1) % 2 ** (8 * _NONCE)
        key, fixed = self._own
        nonce = self._nonce.to_bytes(_NONCE)
        begin = bytes((kind,)) + _WIRE_VERSION + self._last.to_bytes(8)
        sealed = AESGCM(key).encrypt(fixed + nonce, data, _covered(begin, len(data)))
        if not isinstance(self._out, deque):
            self._out = deque()
        self._out.append(begin + (_NONCE + len(sealed)).to_bytes(2) + nonce + sealed)

    # -- what aiortc asks besides ------------------------------------------------------------------

    def get_shutdown(self) -> int:
        """Return who has closed, as OpenSSL's bits say it."""
        return self._state

    def DTLSv1_get_timeout(self) -> None:  # noqa: N802 - pyOpenSSL's name
        """Tell that nothing is to be sent again."""

    def DTLSv1_handle_timeout(self) -> bool:  # noqa: N802 - pyOpenSSL's name
        """Send nothing again."""
        return False


def _covered(begin: bytes, length: int) -> bytes:
    """Return what a record's tag covers besides its data (RFC 6347 §4.1.2.1, RFC 5246 §6.2.3.3).

    Args:
        begin: The record's header without its length.
        length: Octets of the data.
    """
    return begin[3:] + begin[:3] + length.to_bytes(2)


def _expanded(secret: bytes, seed: bytes, length: int) -> bytes:
    """Return so many octets of the function that makes keys (RFC 5246 §5), with SHA-256."""
    block, chained = b"", seed
    while len(block) < length:
        chained = hmac.digest(secret, chained, "sha256")
        block += hmac.digest(secret, chained + seed, "sha256")
    return block[:length]
