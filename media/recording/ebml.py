"""EBML elements (RFC 8794), of which Matroska files are made: written, and read back.

Only what a recording needs: elements of known size, and the one of unknown size that a segment has
while it grows.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
"""The size of an element whose end is not known yet (RFC 8794 §6.2), eight octets long."""

VOID = 0xEC


class EbmlError(Exception):
    """What stands in the file is no whole EBML element."""


class Element(NamedTuple):
    """Where an element stands in a file.

    Attributes:
        id: The element's ID with its length marker, as specifications print it.
        offset: Where the element begins, in octets from the start of the file.
        start: Where its data begins.
        end: Where its data ends; the file's end when the size is unknown.
    """

    id: int
    offset: int
    start: int
    end: int


def element(id: int, data: bytes) -> bytes:  # noqa: A002 - RFC 8794's own word
    """Return an element: ID, size, data.

    Args:
        id: The element's ID with its length marker, such as 0x1A45DFA3.
        data: Its contents.
    """
    return joined_element(id, (data,))


def joined_element(id: int, parts: Sequence[bytes]) -> bytes:  # noqa: A002 - RFC 8794's own word
    """Return an element as `element` does.

    Args:
        id: The element's ID.
        parts: Its contents, one after the other.
    """
    return b"".join((_id(id), size(sum(map(len, parts))), *parts))


def size(length: int) -> bytes:
    """Return ``length`` (octets) as a variable-size integer, 1 to 8 octets (RFC 8794 §4)."""
    for octets in range(1, 9):
        if length < (1 << 7 * octets) - 1:
            return (length | 1 << 7 * octets).to_bytes(octets)
    raise ValueError("no EBML element is that long")


def wide_size(length: int) -> bytes:
    """Return ``length`` (octets) in eight octets, as long as `UNKNOWN_SIZE` which it replaces."""
    return (length | 1 << 56).to_bytes(8)


def unsigned(id: int, value: int) -> bytes:  # noqa: A002 - RFC 8794's own word
    """Return an unsigned integer element (RFC 8794 §7.2)."""
    return element(id, value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


def real(id: int, value: float) -> bytes:  # noqa: A002 - RFC 8794's own word
    """Return a float element of eight octets (RFC 8794 §7.3)."""
    return element(id, struct.pack(">d", value))


def text(id: int, value: str) -> bytes:  # noqa: A002 - RFC 8794's own word
    """Return a UTF-8 string element (RFC 8794 §7.5)."""
    return element(id, value.encode())


def void(length: int) -> bytes:
    """Return a Void element (RFC 8794 §11.3.2) that takes ``length`` octets in all, two or more."""
    if length < 2:
        raise ValueError("a Void element takes two octets at least")
    if length <= 128:
        return bytes((VOID, 0x80 | (length - 2))) + bytes(length - 2)
    return bytes((VOID,)) + wide_size(length - 9) + bytes(length - 9)


def elements(file: int, start: int, end: int) -> Iterator[Element]:
    """Read the elements that stand one after the other in a part of a file.

    Args:
        file: A file descriptor open for reading.
        start: Where the first element begins (octets).
        end: Where to stop reading (octets).

    Yields:
        Each whole element. An unknown size is taken to reach to ``end``.

    Raises:
        EbmlError: If an element reaches past ``end``, as the last one of a killed writer may.
    """
    while start < end:
        head = os.pread(file, min(12, end - start), start)
        id_length = _length(head, 0, 4)
        size_length = _length(head, id_length, 8)
        data = start + id_length + size_length
        raw = head[id_length : id_length + size_length]
        if len(raw) < size_length:
            raise EbmlError(f"an element is cut off at octet {start}")
        if raw == UNKNOWN_SIZE:
            stop = end
        else:
            stop = data + (int.from_bytes(raw) & ((1 << 7 * size_length) - 1))
        if stop > end:
            raise EbmlError(f"the element at octet {start} is cut off")
        yield Element(int.from_bytes(head[:id_length]), start, data, stop)
        start = stop


def _id(id: int) -> bytes:  # noqa: A002 - RFC 8794's own word
    return id.to_bytes((id.bit_length() + 7) // 8)


def _length(head: bytes, position: int, limit: int) -> int:
    """Return how many octets the variable-size integer at ``position`` takes."""
    if position >= len(head) or not head[position]:
        raise EbmlError("no EBML element stands here")
    octets = 9 - head[position].bit_length()
    if octets > limit:
        raise EbmlError("no EBML element stands here")
    return octets
