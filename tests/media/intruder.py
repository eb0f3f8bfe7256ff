"""Who sends what nobody asked for: to the sockets of a leg, from any address."""

import socket
import struct
from collections.abc import Iterator
from typing import Any, Self

from callboard.media.rtc import _aiortc

COOKIE = b"\x21\x12\xa4\x42"

Address = tuple[str, int]


def ends(leg: Any) -> list[Any]:
    """Give the sockets of a leg."""
    return [
        protocol
        for transport in _aiortc.dtls_transports(leg.pc._pc)
        for protocol in _aiortc.ice_connection(transport.transport)._protocols
    ]


def peers(leg: Any) -> Iterator[tuple[Any, Address]]:
    """Give each socket of a leg in use, with the address of its peer."""
    for transport in _aiortc.dtls_transports(leg.pc._pc):
        for pair in _aiortc.ice_connection(transport.transport)._nominated.values():
            yield pair.protocol, pair.remote_addr


def forge(leg: Any, *datagrams: bytes) -> None:
    """Send with the peer's own address as the source, as whoever is near can."""
    for end, address in peers(leg):
        for data in datagrams:
            end.datagram_received(data, address)


class Stranger:
    """A socket that nobody told a leg of."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, leg: Any, *datagrams: bytes) -> None:
        """Send to each socket of a leg that is on this machine."""
        for end in ends(leg):
            candidate = end.local_candidate
            for data in datagrams:
                self.socket.sendto(data, (candidate.host, candidate.port))

    @property
    def has_heard(self) -> bool:
        """Whether anything was sent back."""
        try:
            self.socket.recv(2048)
        except BlockingIOError:
            return False
        return True


def record(content: int, body: bytes, *, epoch: int = 0, number: int = 1) -> bytes:
    """A DTLS record (RFC 6347 §4.1)."""
    return struct.pack("!BHHHIH", content, 0xFEFD, epoch, 0, number, len(body)) + body


def message(kind: int, number: int, body: bytes) -> bytes:
    """A whole handshake message (RFC 6347 §4.2.2)."""
    size = len(body).to_bytes(3)
    return bytes([kind]) + size + number.to_bytes(2) + bytes(3) + size + body


def stun(method: int, *attributes: tuple[int, bytes], transaction: bytes = bytes(12)) -> bytes:
    """A STUN message (RFC 8489 §5)."""
    body = b"".join(
        struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
        for kind, value in attributes
    )
    return struct.pack("!HH", method, len(body)) + COOKIE + transaction + body


FATAL_ALERT = record(21, b"\x02\x28")
CLOSE_NOTIFY = record(21, b"\x01\x00")
SERVER_HELLO = record(22, message(2, 0, b"\xfe\xfd" + bytes(32) + b"\0" + b"\0\0" + b"\0"))
GARBAGE = (
    FATAL_ALERT,
    CLOSE_NOTIFY,
    SERVER_HELLO,
    record(22, message(2, 1, bytes(range(200)))),
    record(22, message(2, 0, b"")),
    record(22, b"\xff" * 60),
    record(22, message(1, 0, bytes(80))),
    record(22, message(11, 1, b"\0\0\3\0\0\0")),
    record(22, message(12, 2, bytes(70))),
    record(22, message(14, 1, b"")),
    record(22, message(20, 1, bytes(12))),
    record(20, b"\2"),
    record(23, b"hello"),
    record(24, b"\1\0\1"),
    FATAL_ALERT + SERVER_HELLO,
    # As if it were encrypted already, with keys that nobody has.
    record(21, bytes(40), epoch=1),
    record(22, bytes(60), epoch=1),
    record(20, b"\1", epoch=1),
    record(23, bytes(60), epoch=2),
    b"\x2f" + bytes(60),
)
"""What ends a handshake if it is listened to: none of it is the peer's."""

HEADER = bytes.fromhex("80 6f 0001 00000001 00000001")
REPORT = bytes.fromhex("80 c8 0006 00000001")

MISSHAPEN = (
    b"",
    *(bytes([first]) for first in range(256)),
    *(bytes([first]) * 1501 for first in range(256)),
    *(bytes([first, 200]) + bytes(20) for first in (*range(4, 20), *range(64, 128))),
    HEADER + bytes(1489),
    REPORT + bytes(1493),
    HEADER + bytes(9),  # no room for the tag
    bytes([0x8F]) + HEADER[1:] + bytes(60),  # fifteen contributing sources
    bytes([0x90]) + HEADER[1:] + b"\xbe\xde\xff\xff" + bytes(100),
    bytes([0x90]) + HEADER[1:] + bytes(10),
    b"\x80\xc8\xff\xff" + bytes(100),
    b"\x80\xd1\x00\x01" + bytes(100),  # a type of RTCP that is none
    REPORT + bytes(10),
    FATAL_ALERT[:-1],
    FATAL_ALERT + b"\x15",
    record(22, b""),
    record(27, bytes(20)),
    b"\x16\x03\x03" + bytes(40),
    b"\x20" * 17,
    stun(1)[:19],
    stun(1) + b"\0",
    stun(1) + bytes(4),
    stun(1).replace(COOKIE, bytes(4)),
    stun(1, (0x0020, bytes(5))),
    stun(1, (0x0024, bytes(2))),
    stun(0x101, (0x8028, b"")),
    stun(1, (0x0006, b"abcd")).replace(b"\0\6\0\4", b"\0\6\xff\xff"),
)
"""Datagrams that are of no kind, whatever they begin as."""
