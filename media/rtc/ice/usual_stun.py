"""STUN messages of a pair in use, written and read without an object for each (RFC 8489).

All checks of one pair are the same but for the number of their transaction, and what is computed
from it: integrity and fingerprint, which are always last here.
"""

import ipaddress
import struct
from hashlib import sha1
from hmac import compare_digest
from zlib import crc32

from aioice.stun import ATTRIBUTES_BY_TYPE

REQUEST, ANSWER = b"\0\1", b"\1\1"
"""The first octets of a binding request, and of an answer that grants it."""

TRANSACTION = slice(8, 20)
"""Where the number of the transaction is."""

SEAL = 32
"""Octets of integrity and fingerprint."""

KNOWN = frozenset(ATTRIBUTES_BY_TYPE)
"""Attributes that aioice reads, and may refuse."""

_BLOCK = 64
"""Octets that SHA-1 takes at once."""
_COOKIE = 0x2112A442
_HEAD = struct.Struct("!HHI12s")
_TYPES = {REQUEST: 0x0001, ANSWER: 0x0101}
_INTEGRITY = b"\0\x08\0\x14"
_FINGERPRINT = b"\x80\x28\0\4"
_XOR = 0x5354554E
_MAPPED = struct.Struct("!HHBBH")
_MAPPED_ADDRESS = 0x0020
_ATTRIBUTE = struct.Struct("!HH")
_USERNAME, _PRIORITY, _USE_CANDIDATE = 0x0006, 0x0024, 0x0025
CONTROLLED, CONTROLLING = 0x8029, 0x802A
"""The attributes by which who asks says what it is (RFC 8445 §7.1.3)."""
_ANSWERS = {
    20 + 4 + size + SEAL: (
        ANSWER + struct.pack("!HI", 4 + size + SEAL, _COOKIE),
        struct.pack("!HH", _MAPPED_ADDRESS, size),
        family,
    )
    for family, size in ((1, 8), (2, 20))
}
"""What answers begin with that tell an address and nothing else, by their length: header, attribute
and family."""


class Key:
    """What messages are signed with: an ICE password.

    OpenSSL looks up how HMAC is done for each code; here that is done once (RFC 2104 §2).
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, password: str) -> None:
        """Prepare to sign.

        Args:
            password: Any.
        """
        key = password.encode()
        if len(key) > _BLOCK:
            key = sha1(key, usedforsecurity=False).digest()
        key = key.ljust(_BLOCK, b"\0")
        self._inner, self._outer = (
            sha1(bytes(octet ^ mask for octet in key), usedforsecurity=False)
            for mask in (0x36, 0x5C)
        )

    def code(self, said: bytes) -> bytes:
        """Compute a message's HMAC-SHA1.

        Args:
            said: The message.
        """
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(said)
        outer.update(inner.digest())
        return outer.digest()


def sealed(kind: bytes, transaction: bytes, attributes: bytes, key: Key) -> bytes:
    """Write a message with its integrity and fingerprint.

    Args:
        kind: Its first octets.
        transaction: Twelve octets.
        attributes: All others, padded.
        key: Of who is asked.
    """
    size = len(attributes) + SEAL
    said = _HEAD.pack(_TYPES[kind], size - 8, _COOKIE, transaction) + attributes
    code = key.code(said)
    said = _HEAD.pack(_TYPES[kind], size, _COOKIE, transaction) + attributes + _INTEGRITY + code
    return said + _FINGERPRINT + (crc32(said) ^ _XOR).to_bytes(4)


def is_sealed(data: bytes) -> bool:
    """Tell whether a message ends with integrity and fingerprint, and with nothing else before."""
    return data[-32:-28] == _INTEGRITY and data[-8:-4] == _FINGERPRINT


def is_intact(data: bytes) -> bool:
    """Tell whether the fingerprint of a message that is sealed is right."""
    return crc32(data[:-8]) ^ _XOR == int.from_bytes(data[-4:])


def is_signed(data: bytes, key: Key) -> bool:
    """Tell whether the integrity of a message that is sealed is right.

    Args:
        data: The whole message.
        key: Of who was asked.
    """
    said = data[:2] + (len(data) - 28).to_bytes(2) + data[4:-SEAL]
    return compare_digest(data[-28:-8], key.code(said))


def is_usual_request(data: bytes, username: bytes, role: int) -> bool:
    """Tell whether a message asks what is asked by a pair in use, and is sealed.

    Args:
        data: The whole message.
        username: What it is to say.
        role: What it may say: `CONTROLLED` or `CONTROLLING`.
    """
    end = len(data) - SEAL
    if (
        end < 20
        or data[:8] != REQUEST + struct.pack("!HI", len(data) - 20, _COOKIE)
        or not is_sealed(data)
    ):
        return False
    said: dict[int, bytes] = {}
    at = 20
    while at < end:
        kind, size = _ATTRIBUTE.unpack_from(data, at)
        at += 4
        if kind in said:
            return False
        said[kind] = data[at : at + size]
        at += size + -size % 4
    lengths = {_USERNAME: len(username), _PRIORITY: 4, _USE_CANDIDATE: 0, role: 8}
    return (
        at == end
        and said.get(_USERNAME) == username
        and _PRIORITY in said
        and all(lengths.get(kind) == len(said[kind]) for kind in KNOWN & said.keys())
    )


def is_usual_answer(data: bytes) -> bool:
    """Tell whether a message tells an address and nothing else, and is sealed."""
    head, attribute, family = _ANSWERS.get(len(data), (b"", b"", 0))
    return data[:8] == head and data[20:24] == attribute and data[25] == family and is_sealed(data)


class MappedAddress:
    """An address as answers tell it (XOR-MAPPED-ADDRESS, RFC 8489 §14.2)."""

    __slots__ = ("_address", "_head", "_size")

    def __init__(self, address: tuple[str, int]) -> None:
        """Prepare what is the same in each answer.

        Args:
            address: Host and port.
        """
        found = ipaddress.ip_address(address[0])
        self._address = int(found)
        self._size = len(found.packed)
        family = 1 if found.version == 4 else 2
        port = address[1] ^ _COOKIE >> 16
        self._head = _MAPPED.pack(_MAPPED_ADDRESS, 4 + self._size, 0, family, port)

    def attribute(self, transaction: bytes) -> bytes:
        """Write the attribute.

        Args:
            transaction: The number of the answer's.
        """
        mask = (_COOKIE.to_bytes(4) + transaction)[: self._size]
        return self._head + (self._address ^ int.from_bytes(mask)).to_bytes(self._size)
