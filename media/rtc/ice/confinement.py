"""Sockets on this machine's own address that the network can neither reach nor hear.

A browser's connections need not come from loopback: Firefox has none there, and pairs no other
address of its own with one on loopback. What a machine sends to itself goes through the loopback
device though, whatever the addresses are. So a socket that takes datagrams from this device alone,
and sends into it alone, serves the processes of this machine and nobody else.

Binding to the device (SO_BINDTODEVICE) does not do it: Linux then looks for the device that has the
address, and finds what comes from this machine to have come from there. A filter sees the device
that a datagram went through.

This is for IPv4 alone: over IPv6 Linux sends through another device than the one that was asked for
if only that one leads to an address.
"""

import ctypes
import socket
import struct
import sys

# asm-generic/socket.h and linux/in.h; Python has no names for them.
SO_ATTACH_FILTER = 26
SO_LOCK_FILTER = 44
IP_UNICAST_IF = 50

#: linux/filter.h: load the number of the device; is it this one? take all; take nothing.
_LOAD, _IS_EQUAL, _RETURN = 0x20, 0x15, 0x06
_DEVICE = 0xFFFFF000 + 8
_ALL, _NOTHING = 0xFFFFFFFF, 0

ELSEWHERE = ("198.51.100.1", 9)
"""An address that nobody has (RFC 5737): the way to it is the way to the Internet."""


def primary_address() -> str | None:
    """Return the IPv4 address from which this machine reaches the Internet; None without a route.

    Nothing is sent for it: connecting a UDP socket only looks up the route.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(ELSEWHERE)
            return str(sock.getsockname()[0])
    except OSError:
        return None


def confine(sock: socket.socket) -> None:
    """Let a socket take datagrams only from this machine, and send only to it, for good.

    Args:
        sock: A UDP socket of IPv4 that is not bound yet, so that nothing can have come in.

    Raises:
        OSError: The system can't do it.
    """
    if sys.platform != "linux":
        raise OSError("only Linux can confine a socket to this machine")
    device = socket.if_nametoindex("lo")
    program = b"".join(
        struct.pack("=HBBI", *each)
        for each in (
            (_LOAD, 0, 0, _DEVICE),
            (_IS_EQUAL, 0, 1, device),
            (_RETURN, 0, 0, _ALL),
            (_RETURN, 0, 0, _NOTHING),
        )
    )
    held = ctypes.create_string_buffer(program, len(program))
    pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(held))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)
    sock.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 1)
    sock.setsockopt(socket.IPPROTO_IP, IP_UNICAST_IF, struct.pack("!I", device))
