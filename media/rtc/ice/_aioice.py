"""The one place that touches aioice's private parts.

aioice leaves loopback out of its host candidates, binds every socket to port 0, those to TURN
servers too, and takes one server of each sort. Its public API can change none of this. Gathering is
replaced on one `Connection` object, never on the class, so other connections of the process are not
affected.

`tests/media/rtc/test_aioice_contract.py` fails when a name used here moves.
"""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aioice import Candidate, Connection, ice
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import (
    ICE_COMPLETED,
    CandidatePair,
    StunProtocol,
    server_reflexive_candidate,
)
from aioice.stun import Message, TransactionError
from aioice.turn import (
    DEFAULT_ALLOCATION_LIFETIME,
    DEFAULT_CHANNEL_REFRESH_TIME,
    TurnTransport,
)

from ...errors import NetworkError
from ._aioice_consent import COMPONENT, Consent
from ._aioice_sockets import Dropped, Socket, TcpClient, UdpClient
from .confinement import primary_address
from .datagram_queue import DatagramQueue
from .network import Network
from .queries import Query, ask
from .server import IceServer
from .udp_transport import UdpTransport

logger = logging.getLogger(__name__)

# Room for a burst of video (aioice uses the same size for its own sockets).
RECEIVE_BUFFER = 256 * 1024
FIRST, LAST = 65535, 0
"""Local preferences (RFC 8445 §5.1.2.1): of all addresses, and of the one within this machine."""
GATHERING = 5.0
"""Seconds that servers have to answer, as in aioice."""
INNER = "_TurnTransport__inner_protocol"
BETWEEN_CHECKS = 0.02
"""Seconds from the start of one check to the next (Ta, RFC 8445 §14), as in aioice."""

Found = tuple[Candidate, StunProtocol | None]
"""An address, and the relay behind it if it is one."""


def has_closed(connection: Connection) -> bool:
    """Tell whether a connection is closed or closing, by itself or by us."""
    return bool(connection._closing)  # noqa: SLF001


def is_closed(connection: Connection) -> bool:
    """Tell whether a connection was closed to the end, with its sockets."""
    return bool(connection._closed)  # noqa: SLF001


def bind_to(connection: Connection, network: Network, dropped: Dropped) -> None:
    """Make one ICE connection gather on the addresses and ports of a network.

    Args:
        connection: A connection that has not gathered yet.
        network: Where its sockets may stand.
        dropped: Where it is counted what they do not take.
    """

    async def gather() -> None:
        if connection._local_candidates_start:  # noqa: SLF001
            return
        connection._local_candidates_start = True  # noqa: SLF001
        candidates = await _gather(connection, network, dropped)
        connection._local_candidates += candidates  # noqa: SLF001
        connection._local_candidates_end = True  # noqa: SLF001

    if isinstance(connection._queue, asyncio.Queue):  # noqa: SLF001 -- else shared with another
        connection._queue = DatagramQueue()  # type: ignore[assignment] # noqa: SLF001
    connection.gather_candidates = gather  # type: ignore[method-assign]

    async def consented() -> None:
        try:
            await Consent(connection).lapse()
        except Exception:
            # Nobody would notice any more that the peer is gone.
            logger.exception("There was a fault while consent was asked for")
        connection._query_consent_task = None  # noqa: SLF001 -- close() would wait for us
        await connection.close()

    connection.query_consent = consented  # type: ignore[method-assign]
    _connect_at_once(connection)


def _connect_at_once(connection: Connection) -> None:
    """Let `connect` return as soon as a pair is found, and not when the next check is due.

    aioice starts a check every 20 ms, sleeps between them, and looks only then whether it has come
    through. Here a task starts them, and `connect` goes on to wait for what comes of them.
    """
    connect, check = connection.connect, connection._check_periodic  # noqa: SLF001

    async def connected() -> None:
        checking: asyncio.Task[None] | None = None

        def begin() -> bool:
            nonlocal checking
            goes_on = check()
            if goes_on and connection._check_list:  # noqa: SLF001 -- else it would call that a failure
                checking = asyncio.ensure_future(go_on())
                return False
            return goes_on

        connection._check_periodic = begin  # type: ignore[method-assign] # noqa: SLF001
        try:
            await connect()
        finally:
            if checking is not None:
                checking.cancel()
        _forget_checks(connection)

    async def go_on() -> None:
        try:
            goes_on = True
            while goes_on:
                await asyncio.sleep(BETWEEN_CHECKS)
                goes_on = check()
        except Exception:
            logger.exception("aioice failed while it checked")
            await connection.close()

    connection.connect = connected  # type: ignore[method-assign]


def _forget_checks(connection: Connection) -> None:
    """Let go of what led to a pair, which is 6 KiB: nothing asks for it any more."""
    del connection.connect, connection._check_periodic  # noqa: SLF001
    connection._check_list_state = None  # type: ignore[assignment] # noqa: SLF001
    connection._early_checks = ()  # type: ignore[assignment] # noqa: SLF001


def own_address(connection: Connection) -> str | None:
    """Return the own address from which packets go out, be it to a relay; None while none do."""
    pair = next(iter(connection._nominated.values()), None)  # noqa: SLF001
    if pair is None:
        return None
    transport: Any = pair.protocol.transport
    if isinstance(transport, TurnTransport):
        transport = getattr(transport, INNER).transport
    name = transport.get_extra_info("sockname")
    return None if name is None else str(name[0]).partition("%")[0]


def nominated(connection: Connection) -> list[str]:
    """Return the nominated pairs, one for each component, in words."""
    return [
        f"{described(pair.local_candidate)} ↔ {described(pair.remote_candidate)}"
        for pair in connection._nominated.values()  # noqa: SLF001
    ]


def described(candidate: Candidate) -> str:
    """Return a candidate in words: its type, and its address with the port."""
    host = f"[{candidate.host}]" if ":" in candidate.host else candidate.host
    return f"{candidate.type} {host}:{candidate.port}"


async def close(connection: Connection) -> None:
    """Close a connection for good, also when an earlier close was cancelled half-way.

    aioice then awaits a future that the cancellation took along, and stops before the next socket.

    Args:
        connection: Any, closed ones too.
    """
    try:
        await connection.close()
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is None or current.cancelling():
            raise
    for protocol in connection._protocols:  # noqa: SLF001
        protocol.transport.close()


def abandon(connection: Connection) -> None:
    """Close the sockets that `close` left, as it was not done in time.

    Args:
        connection: Any.
    """
    for protocol in connection._protocols:  # noqa: SLF001
        protocol.transport.close()


def successor(connection: Connection) -> Connection:
    """Make a connection with new credentials, for a restart of ICE: aioice knows none.

    Args:
        connection: In whose place it will stand. Both put what they receive where it puts it.

    Returns:
        A connection that has not gathered.
    """
    fresh = Connection(ice_controlling=connection.ice_controlling)
    fresh.remote_is_lite = connection.remote_is_lite
    fresh._queue = connection._queue  # noqa: SLF001
    return fresh


def pass_watcher(old: Connection, fresh: Connection) -> None:
    """Let whoever awaits `get_event` of one connection hear of another one's end instead."""
    fresh._event_waiter, old._event_waiter = old._event_waiter, None  # noqa: SLF001


def first_check(connection: Connection) -> asyncio.Event:
    """Tell when the peer's first check arrives; aioice answers it, and keeps it until `connect`.

    Args:
        connection: A connection that has not gathered.

    Returns:
        Set with the first check that knows our credentials.
    """
    arrived = asyncio.Event()
    receive = connection.request_received

    def request_received(message: Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
        receive(message, addr, protocol)
        if connection._early_checks:  # noqa: SLF001
            arrived.set()

    connection.request_received = request_received  # type: ignore[method-assign]
    return arrived


def when_valid(connection: Connection, then: Callable[[Callable[[bytes], object]], None]) -> None:
    """Tell, once, when a check of ours has come through, whether or not its pair is nominated.

    Args:
        connection: One that does not check yet.
        then: Called with what sends a datagram by that pair.
    """
    complete = connection.check_complete

    def check_complete(pair: CandidatePair) -> None:
        complete(pair)
        if pair.state is CandidatePair.State.SUCCEEDED:
            del connection.check_complete
            then(partial(pair.protocol.transport.sendto, addr=pair.remote_addr))

    connection.check_complete = check_complete  # type: ignore[method-assign]


def stop_asking_consent(connection: Connection) -> None:
    """Let a connection live without the peer's consent (RFC 7675): it would close itself."""
    task = connection._query_consent_task  # noqa: SLF001
    if task is not None:
        task.cancel()


def conclude(connection: Connection, by: Connection) -> None:
    """Let `connect` return, since another connection has got through in this one's place."""
    if not connection._check_list:  # noqa: SLF001 -- without a pair it would call that a failure
        connection._check_list = list(by._check_list)  # noqa: SLF001
    connection._check_list_done = True  # noqa: SLF001
    connection._check_list_state.put_nowait(ICE_COMPLETED)  # noqa: SLF001


class Exit:
    """The pair that a connection sends by, whose own properties are looked up only once.

    Attributes:
        address: Where it leads.
        send: Sends a datagram to an address, at once; aioice's own way is a coroutine for each.
        send_burst: Sends several, in their order.
    """

    __slots__ = ("_pair", "address", "send", "send_burst")

    def __init__(self) -> None:
        self._pair: CandidatePair | None = None
        self.address: Any = None
        self.send: Callable[[Any, Any], None]
        self.send_burst: Callable[[Any, Any], None]

    def find(self, connection: Connection) -> bool:
        """Find the pair that is in use now.

        Args:
            connection: One whose sockets are ours.

        Returns:
            False if there is none.
        """
        pair: Any = connection._nominated.get(COMPONENT)  # noqa: SLF001
        if pair is not self._pair:
            self._pair = pair
            if pair is not None:
                self.address = pair.remote_addr
                self.send = pair.protocol.transport.sendto
                self.send_burst = pair.protocol.send_burst
        return pair is not None


def arrivals(connection: Connection) -> DatagramQueue | None:
    """Return the queue that a connection puts what it receives in; None if it is not ours."""
    queue: Any = connection._queue  # noqa: SLF001
    return queue if isinstance(queue, DatagramQueue) else None


def detach(connection: Connection) -> None:
    """Let a connection's end not be the end of those that share its queue."""
    connection._queue = DatagramQueue()  # type: ignore[assignment] # noqa: SLF001


async def _gather(connection: Connection, network: Network, dropped: Dropped) -> list[Candidate]:
    protocols = []
    inner: list[StunProtocol] = []
    if not network.relay_only:
        refused: NetworkError | None = None
        for address in _own_addresses() if network.addresses is None else network.addresses:
            try:
                sock = network.bind(address)
            except NetworkError as error:  # one that is gone by now; another one may do
                refused = error
                continue
            protocols.append(_open(Socket(connection, dropped), sock))
            connection._protocols.append(protocols[-1])  # noqa: SLF001
        if refused is not None and not protocols and (network.addresses or network.ports):
            raise refused
        if network.within:
            inner = _open_within(connection, network, dropped)
    candidates = [protocol.local_candidate for protocol in (*protocols, *inner)]
    queries: list[Query[Found]] = [
        (server, partial(_reflexive, protocol, server))
        for server in network.servers
        if not server.relays and not server.secure  # STUN over TLS tells nothing of a UDP socket
        for protocol in protocols
        if ipaddress.ip_address(protocol.local_candidate.host).version == 4
    ]
    queries += [
        (server, partial(_relay, Socket(connection, dropped), network, server))
        for server in network.servers
        if server.relays
    ]
    found, why_not = await ask(queries, network, GATHERING, _give_up)
    for candidate, relay in found:
        if relay is not None and connection._closing:  # noqa: SLF001
            await relay.close()
            continue
        if relay is not None:
            connection._protocols.append(relay)  # noqa: SLF001
        candidates.append(candidate)
    if network.relay_only and not candidates and not connection._closing:  # noqa: SLF001
        raise NetworkError(
            f"Only relayed addresses may be used, and there is none: {why_not or 'no TURN server'}."
            " Give a TURN server that works, or let media.relay allow other ways."
        )
    return candidates


def _own_addresses() -> list[str]:
    """Return this machine's addresses, which takes aioice half a millisecond to find."""
    return ice.get_host_addresses(use_ipv4=True, use_ipv6=True)


def _open_within(connection: Connection, network: Network, dropped: Dropped) -> list[StunProtocol]:
    """Open a socket on the primary address; where that can't be done, the others must do."""
    address = primary_address()
    found: list[StunProtocol] = []
    if address is not None:
        with suppress(NetworkError):
            sock = network.bind(address, within=True)
            found.append(_open(Socket(connection, dropped), sock, LAST))
    connection._protocols += found  # noqa: SLF001
    return found


def _open(end: Socket, sock: socket.socket, preference: int = FIRST) -> StunProtocol:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    host, port = sock.getsockname()[:2]
    try:
        UdpTransport(sock, end, end.packets_received)
    except OSError as error:
        sock.close()
        raise NetworkError(f"No UDP socket can be used on {host}: {error.strerror}.") from None
    end.local_candidate = Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=COMPONENT,
        transport="udp",
        priority=candidate_priority(COMPONENT, "host", preference),
        host=host,
        port=port,
        type="host",
    )
    return end


async def _give_up(found: Found) -> None:
    if found[1] is not None:
        await found[1].close()


async def _reflexive(protocol: StunProtocol, server: IceServer) -> Found:
    """Ask a STUN server how a socket of ours is seen."""
    try:
        return await server_reflexive_candidate(protocol, (server.host, server.port))
    except TransactionError as error:
        raise NetworkError(f"{server.url} refused: {error}") from None
    except OSError as error:
        raise NetworkError(f"{server.url} can't be reached: {error.strerror or error}") from None


async def _relay(end: Socket, network: Network, server: IceServer) -> Found:
    """Allocate an address at a TURN server (RFC 8656 §7).

    As `aioice.ice.relayed_candidate`, which lets the system choose our own address and port.
    """
    try:
        protocol = await _allocate(end, network, server)
    except TransactionError as error:
        raise NetworkError(f"{server.url} refused: {error}") from None
    except OSError as error:
        raise NetworkError(f"{server.url} can't be reached: {error.strerror or error}") from None
    host, port = protocol.transport.get_extra_info("sockname")
    related = protocol.transport.get_extra_info("related_address")
    if network.relay_only:
        related = ("::" if ":" in host else "0.0.0.0", 9)  # noqa: S104 -- RFC 8839 §5.1
    protocol.local_candidate = Candidate(
        foundation=candidate_foundation("relay", "udp", host),
        component=COMPONENT,
        transport="udp",
        priority=candidate_priority(COMPONENT, "relay"),
        host=host,
        port=port,
        type="relay",
        related_address=related[0],
        related_port=related[1],
    )
    return protocol.local_candidate, protocol


async def _allocate(end: Socket, network: Network, server: IceServer) -> StunProtocol:
    """As `aioice.turn.create_turn_endpoint`, from an address and port of the network."""
    loop = asyncio.get_running_loop()
    kind = socket.SOCK_STREAM if server.transport == "tcp" else socket.SOCK_DGRAM
    found = await loop.getaddrinfo(server.host, server.port, type=kind)
    address, target = network.towards([info[4] for info in found])
    parameters = (
        end.dropped,
        target,
        server.username,
        server.credential,
        DEFAULT_ALLOCATION_LIFETIME,
        DEFAULT_CHANNEL_REFRESH_TIME,
    )
    inner: TcpClient | UdpClient
    if server.transport == "tcp":
        _, inner = await loop.create_connection(
            lambda: TcpClient(*parameters),
            *target,
            ssl=server.secure or None,
            server_hostname=server.host if server.secure else None,
            local_addr=None if address is None else (address, 0),
        )
    else:
        sock = network.bind(address or ("::" if ":" in target[0] else "0.0.0.0"))  # noqa: S104
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            sock.connect(target)
            inner = UdpClient(*parameters)
            UdpTransport(sock, inner)
        except OSError:
            sock.close()
            raise
    transport = TurnTransport(inner)
    connecting = loop.create_task(transport._connect(end))  # noqa: SLF001
    try:
        either: list[asyncio.Future[Any]] = [connecting, inner.broken]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            raise inner.broken.result()
        await connecting
    except BaseException:
        connecting.cancel()
        await asyncio.wait([connecting])
        inner.transport.close()
        raise
    return end
