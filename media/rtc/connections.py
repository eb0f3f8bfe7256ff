"""The ICE connections of one peer connection: each bound to its network, and each closed."""

from collections import Counter

from aioice import Connection
from aiortc import RTCPeerConnection

from . import _aiortc
from .ice import _aioice
from .ice.network import Network


class Connections:
    """Every `aioice.Connection` that a peer connection has had and that may still be open.

    aiortc loses sight of some: a transport that lost its place in a bundle while we were cancelled,
    and those that a restart of ICE has replaced.

    Attributes:
        dropped: How many datagrams their sockets did not take, by reason.
    """

    def __init__(self, pc: RTCPeerConnection, network: Network) -> None:
        """Watch over a peer connection that has not gathered.

        Args:
            pc: The peer connection.
            network: Where its sockets may stand.
        """
        self._pc = pc
        self._network = network
        self.dropped: Counter[str] = Counter()
        self._open: dict[int, Connection] = {}

    @property
    def open(self) -> tuple[Connection, ...]:
        """Those that were not closed here."""
        return tuple(self._open.values())

    def bind(self) -> None:
        """Let the transports that have come up since the last time gather on the network."""
        for transport in _aiortc.dtls_transports(self._pc):
            self.adopt(_aiortc.ice_connection(transport.transport))
            _aiortc.guard(transport, self.dropped)

    def adopt(self, connection: Connection) -> None:
        """Let a connection gather on the network.

        Args:
            connection: One that has not gathered, or was adopted before.
        """
        if id(connection) not in self._open:
            self._open[id(connection)] = connection
            _aioice.bind_to(connection, self._network, self.dropped)

    async def close(self, *connections: Connection) -> None:
        """Close connections for good; those that are closed already, too.

        Args:
            connections: Which ones; none means all.
        """
        for connection in connections or self.open:
            await _aioice.close(connection)
            self._open.pop(id(connection), None)
