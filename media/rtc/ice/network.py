"""Which addresses and UDP ports the sockets of a call may use."""

import errno
import ipaddress
import random
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from ...errors import NetworkError
from .confinement import confine
from .server import IceServer


class Network(Struct, frozen=True):
    """Which addresses and ports the sockets of a call may have, and which servers they may ask.

    Attributes:
        addresses: The IP addresses to bind to, one UDP socket each. None means every address of
            this machine but loopback (aioice's choice).
        ports: The lowest and the highest UDP port to bind to, both included. None means any.
        ice_servers: STUN and TURN servers; a plain `stun:` URL is enough. Empty means that no
            server is asked.
        relay_only: Whether peers are told only the addresses of TURN servers, and everything is
            sent through these, so that our own addresses stay private.
        account: Whose calls these are, for the log.
        within: Whether this machine's primary address is used too, where the system can keep the
            network from it: only the processes of this machine reach that socket.

    Raises:
        ValueError: An address is not an IP address, the range is empty or outside 1..65535, or a
            server's URL can't be read.
    """

    addresses: tuple[str, ...] | None = None
    ports: tuple[int, int] | None = None
    ice_servers: tuple[IceServer | str, ...] = ()
    relay_only: bool = False
    account: str = ""
    within: bool = False

    def __post_init__(self) -> None:
        if self.addresses is not None:
            if not self.addresses:
                raise ValueError("media.addresses is empty: name an address or leave the key out.")
            for address in self.addresses:
                ipaddress.ip_address(address)
        if self.ports is not None:
            low, high = self.ports
            if not 0 < low <= high <= 65535:
                raise ValueError(
                    f"media.ports {low}-{high} is no range of UDP ports: give two numbers from 1 "
                    "to 65535, the lower one first."
                )
        assert self.servers is not None  # noqa: S101 -- each URL is read once, and refused here

    @property
    def servers(self) -> tuple[IceServer, ...]:
        """The STUN and TURN servers."""
        return tuple(
            IceServer(server) if isinstance(server, str) else server for server in self.ice_servers
        )

    def usable(self, candidate: str) -> bool:
        """Tell whether a remote candidate can be used on this network.

        aioice pairs whatever it is given. Refused are TCP candidates, components other than RTP
        (RTCP is always multiplexed), multicast addresses, and, if our addresses are pinned or
        private, host names: resolving `.local` names sends multicast.

        Args:
            candidate: The candidate-attribute of RFC 8839 §5.1, with or without "candidate:".

        Returns:
            Whether aioice should get it.
        """
        fields = candidate.removeprefix("candidate:").split()
        if len(fields) < 8 or fields[1] != "1" or fields[2].lower() != "udp":
            return False
        try:
            address = ipaddress.ip_address(fields[4])
        except ValueError:
            private = self.relay_only or self.addresses is not None
            return not private and fields[4].lower().endswith(".local")
        return not (address.is_multicast or address.is_unspecified)

    def bind(self, address: str, *, within: bool = False) -> socket.socket:
        """Open a UDP socket on an address, with a free port from the range.

        Args:
            address: The IP address to bind to.
            within: Whether only the processes of this machine may reach it (IPv4).

        Returns:
            The bound, non-blocking socket. The caller owns it.

        Raises:
            NetworkError: The address is not one of this machine's, every port is taken, or the
                system can't keep the network from the socket.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        if within:
            try:
                confine(sock)
            except OSError as error:
                sock.close()
                raise NetworkError(
                    f"No UDP socket on {address} can be kept to this machine ({error}): let "
                    "media.addresses name an address."
                ) from None
        for port in self._ports():
            try:
                sock.bind((address, port))
            except PermissionError as error:
                sock.close()
                raise NetworkError(
                    f"UDP port {port} on {address} may not be opened ({error}): choose media.ports "
                    "above 1023."
                ) from None
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                sock.close()
                raise NetworkError(
                    f"No UDP socket can be opened on {address} ({error.strerror}): media.addresses "
                    "must name addresses of this machine."
                ) from None
            return sock
        sock.close()
        taken = "All" if self.ports is None else f"All UDP ports {self.ports[0]}-{self.ports[1]}"
        raise NetworkError(f"{taken} on {address} are taken: widen media.ports or end some calls.")

    def towards(self, targets: Sequence[tuple[Any, ...]]) -> tuple[str | None, tuple[str, int]]:
        """Choose which of a server's addresses to use, and which of ours to reach it from.

        Args:
            targets: The server's socket addresses, the best first.

        Returns:
            Our first address of the same family, None for any; and the server's address.

        Raises:
            NetworkError: No address of ours has the same family as one of the server's.
        """
        for target in targets:
            if self.addresses is None:
                return None, (target[0], target[1])
            for address in self.addresses:
                if (":" in address) == (":" in target[0]):
                    return address, (target[0], target[1])
        raise NetworkError(
            "The server has no address of the same family (IPv4 or IPv6) as media.addresses."
        )

    def _ports(self) -> Iterator[int]:
        if self.ports is None:
            yield 0
            return
        low, high = self.ports
        count = high - low + 1
        # A random start keeps the search short while the range is mostly free.
        start = random.randrange(count)  # noqa: S311
        for step in range(count):
            yield low + (start + step) % count
