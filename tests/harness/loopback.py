"""All traffic of the tests stays on loopback: what would leave is refused, and fails the test.

Python's own sockets are seen by an audit hook, also in worker threads. uvloop and c-ares have
sockets that Python does not see, so their entrances are guarded. Hosts and names are told by what
they are called, UDP also by the address it is bound to: from a loopback one, the kernel sends
nowhere else, nor from one that is confined to this machine. Connecting UDP sends nothing at all.
"""

import ipaddress
import socket
import sys
from typing import Any

import aiodns
import uvloop
from callboard.media.rtc.ice.confinement import ELSEWHERE, IP_UNICAST_IF
from callboard.tests.harness.findings import report

RESERVED = ("localhost", "invalid")
"""Top-level names that RFC 6761 keeps from ever being somebody's."""

_is_installed = False


def is_local(host: object) -> bool:
    """Whether a host, as a name or address, is this machine alone (or nobody)."""
    if host is None or host in ("", b""):
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name.split("%")[0]).is_loopback
    except ValueError:
        return name.rstrip(".").rpartition(".")[2].lower() in RESERVED


def refuse(deed: str) -> OSError:
    """Note what was tried, and give the error to raise instead."""
    report(f"traffic off loopback: {deed}")
    return OSError(101, f"Network is unreachable (the tests stay on loopback): {deed}")


def install() -> None:
    """Guard this process, once and for good: an audit hook cannot be taken out again."""
    global _is_installed
    if _is_installed:
        return
    _is_installed = True
    sys.addaudithook(_audit)
    _guard_uvloop()
    _guard_resolver()


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event == "socket.getaddrinfo" and not is_local(args[0]):
        raise refuse(f"look-up of {args[0]!r}")
    if event == "socket.connect" and _asks_for_the_route(args[0], args[1]):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        carrier, address = args[0], args[1]
        if carrier.family not in (socket.AF_INET, socket.AF_INET6) or not address:
            return
        if event == "socket.bind":
            if _is_multicast(address[0]):
                raise refuse(f"bind to the multicast address {address}")
        elif not is_local(address[0]) and not _stays_here(carrier):
            raise refuse(f"{event.removeprefix('socket.')} to {address}")


def _stays_here(carrier: socket.socket) -> bool:
    """Tell whether the kernel lets none of its datagrams out; calls send to each candidate."""
    if carrier.type != socket.SOCK_DGRAM:
        return False
    return is_local(carrier.getsockname()[0]) or _is_confined(carrier)


def _is_confined(carrier: socket.socket) -> bool:
    """Tell whether it sends datagrams into the loopback device alone."""
    if sys.platform != "linux" or carrier.family != socket.AF_INET:
        return False
    way = carrier.getsockopt(socket.IPPROTO_IP, IP_UNICAST_IF, 4)
    return int.from_bytes(way) == socket.if_nametoindex("lo")


def _asks_for_the_route(carrier: socket.socket, address: Any) -> bool:
    """Tell whether UDP is connected with an address that is nobody's (RFC 5737)."""
    return carrier.type == socket.SOCK_DGRAM and address == ELSEWHERE


def _is_multicast(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.split("%", maxsplit=1)[0]).is_multicast
    except ValueError:
        return False


def _guard_uvloop() -> None:
    connect, datagram = uvloop.Loop.create_connection, uvloop.Loop.create_datagram_endpoint

    async def create_connection(
        self: uvloop.Loop, factory: Any, host: Any = None, port: Any = None, **kwargs: Any
    ) -> Any:
        if not is_local(host):
            raise refuse(f"connect to {host!r}, port {port}")
        return await connect(self, factory, host, port, **kwargs)

    async def create_datagram_endpoint(
        self: uvloop.Loop,
        factory: Any,
        local_addr: Any = None,
        remote_addr: Any = None,
        **kwargs: Any,
    ) -> Any:
        carrier = kwargs.get("sock")
        local = carrier.getsockname() if carrier is not None else local_addr
        is_unix = isinstance(local, str)
        if not is_unix and not (local and local[0] and is_local(local[0])):
            raise refuse(f"a UDP socket bound to {local}, which may send anywhere")
        return await datagram(self, factory, local_addr, remote_addr, **kwargs)

    uvloop.Loop.create_connection = create_connection  # type: ignore[method-assign,assignment]
    uvloop.Loop.create_datagram_endpoint = create_datagram_endpoint  # type: ignore[method-assign,assignment]


def _guard_resolver() -> None:
    def guarded(method: Any) -> Any:
        def look_up(self: aiodns.DNSResolver, name: str, *args: Any, **kwargs: Any) -> Any:
            if not is_local(name):
                raise refuse(f"DNS look-up of {name!r}")
            return method(self, name, *args, **kwargs)

        return look_up

    for name in ("query", "query_dns", "getaddrinfo", "gethostbyname"):
        setattr(aiodns.DNSResolver, name, guarded(getattr(aiodns.DNSResolver, name)))
