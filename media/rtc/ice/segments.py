"""Several datagrams in one system call: Linux's UDP_SEGMENT and UDP_GRO (udp(7)).

Sent, they are of one size, but for the last, which may be shorter. Received, they come joined in
one buffer, with the size told beside it.
"""

import socket
import struct
from collections.abc import Iterator, Sequence
from typing import TypeVar

UDP_SEGMENT = 103
UDP_GRO = 104
"""Python's `socket` has no names for them."""

MOST = 64
"""Datagrams in one call: UDP_MAX_SEGMENTS of the oldest kernels that can."""

LARGEST = 65_000
"""Octets in one call: with its headers it must fit into an IP packet."""

ANCILLARY = socket.CMSG_SPACE(4)
"""Octets of room for the size that is told."""

_SIZE = struct.Struct("=i")
_SENT_SIZE = struct.Struct("=H")

Octets = TypeVar("Octets", bytes, memoryview)

Told = Sequence[tuple[int, int, bytes]]
"""Ancillary data, as `socket.recvmsg` returns it."""


def runs(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Divide datagrams into runs of which each can be sent by one call, in their order.

    Args:
        datagrams: What is to be sent.
    """
    sizes = [len(each) for each in datagrams]
    if sizes and _is_run(sizes):
        yield datagrams
        return
    start, octets = 0, 0
    for at, datagram in enumerate(datagrams):
        size = len(datagram)
        if at > start and (
            size > len(datagrams[start])
            or len(datagrams[at - 1]) < len(datagrams[start])
            or at - start >= MOST
            or octets + size > LARGEST
        ):
            yield datagrams[start:at]
            start, octets = at, 0
        octets += size
    if start < len(datagrams):
        yield datagrams[start:]


def _is_run(sizes: list[int]) -> bool:
    """Tell whether all of them are one run, as the packets of a picture are."""
    count = len(sizes)
    return (
        sizes[:-1].count(sizes[0]) == count - 1
        and sizes[-1] <= sizes[0]
        and count <= MOST
        and sum(sizes) <= LARGEST
    )


def segmented(size: int) -> list[tuple[int, int, bytes]]:
    """Return the ancillary data that lets the kernel cut what is sent into datagrams.

    Args:
        size: Of each but the last, in octets.
    """
    return [(socket.SOL_UDP, UDP_SEGMENT, _SENT_SIZE.pack(size))]


def size_told(ancillary: Told) -> int:
    """Return the size of the datagrams that were joined, in octets; 0 if it is a single one."""
    for level, kind, data in ancillary:
        if level == socket.SOL_UDP and kind == UDP_GRO and len(data) >= _SIZE.size:
            return max(0, int(_SIZE.unpack_from(data)[0]))
    return 0


def split(joined: Octets, size: int) -> list[Octets]:
    """Cut datagrams apart that the kernel has joined.

    Args:
        joined: What was received.
        size: Of each but the last, in octets; 0 if it is a single one.
    """
    if size <= 0 or size >= len(joined):
        return [joined]
    return [joined[at : at + size] for at in range(0, len(joined), size)]
