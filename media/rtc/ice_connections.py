"""The ICE connections of one peer connection: each bound to its network, and each closed."""

from collections import Counter

from aioice import Connection
from aiortc import RTCPeerConnection

from . import _aiortc
from .ice import _aioice
from .ice.network import Network


class IceConnections:
    """All `aioice.Connection`s of a peer connection that may still be open.

    aiortc loses some of them: those of a transport that left a bundle while we were cancelled, and
    those that an ICE restart has replaced.

    Attributes:
        dropped: How many datagrams their sockets dropped, by reason.
    """

    def __init__(self, pc: RTCPeerConnection, network: Network) -> None:
        """Begin before the peer connection gathers candidates.

        Args:
            pc: The peer connection.
            network: Which addresses and ports its sockets may have.
        """
        self._pc = pc
        self._network = network
        self.dropped: Counter[str] = Counter()
        self._open: dict[int, Connection] = {}

    @property
    def open(self) -> tuple[Connection, ...]:
        """The connections that were not closed here."""
        return tuple(self._open.values())

    def bind(self) -> None:
        """Make the transports that are new since the last call gather on the network."""
        for transport in _aiortc.dtls_transports(self._pc):
            self.adopt(_aiortc.ice_connection(transport.transport))
            _aiortc.guard(transport, self.dropped)
            _aiortc.share_context(transport)

    def adopt(self, connection: Connection) -> None:
        """Make a connection gather on the network.

        Args:
            connection: One that has not gathered yet, or was adopted before.
        """
        if id(connection) not in self._open:
            self._open[id(connection)] = connection
            _aioice.bind_to(connection, self._network, self.dropped)

    def forget_closed(self) -> None:
        """Let go of connections that are closed, as those of transports that left a bundle."""
        for connection in self.open:
            if _aioice.is_closed(connection):
                del self._open[id(connection)]

    def pairs(self) -> tuple[str, ...]:
        """Return the nominated pairs of all transports, in words."""
        found = [_aioice.nominated(each) for each in _aiortc.ice_connections(self._pc)]
        return tuple(pair for pairs in found for pair in pairs)

    def candidates(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return our candidates and the peer's on all transports, in words, each once."""
        used = _aiortc.ice_connections(self._pc)
        own = dict.fromkeys(_aioice.described(c) for each in used for c in each.local_candidates)
        theirs = dict.fromkeys(
            _aioice.described(c) for each in used for c in each.remote_candidates
        )
        return tuple(own), tuple(theirs)

    async def close(self, *connections: Connection) -> None:
        """Close connections for good, even those that are closed already.

        Args:
            connections: Which ones. If none are given, all.
        """
        for connection in connections or self.open:
            await _aioice.close(connection)
            self._open.pop(id(connection), None)
