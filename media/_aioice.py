"""The one place that touches aioice's private parts.

Why: aioice leaves loopback out of its host candidates and binds every socket to port 0; neither
can be chosen through its public face. Gathering is replaced on one `Connection` object, never on
the class, so other connections of the process are not touched.

`tests/media/test_aioice.py` fails when one of the names used here moves.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, server_reflexive_candidate

from .errors import NetworkError
from .network import Network

# Room for a burst of video (aioice uses the same size for its own sockets).
RECEIVE_BUFFER = 256 * 1024

GatherComponent = Callable[..., Awaitable[list[Candidate]]]


def bind_to(connection: Connection, network: Network) -> None:
    """Make one ICE connection gather on the addresses and ports of a network.

    Args:
        connection: A connection that has not gathered yet.
        network: Where its sockets may stand.
    """

    async def gather(component: int, addresses: list[str], timeout: float = 5.0) -> list[Candidate]:
        return await _gather(connection, network, component, addresses, timeout)

    # gather_candidates() calls this for each component and stores what it returns.
    connection.get_component_candidates = gather  # type: ignore[method-assign]


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


async def _gather(
    connection: Connection,
    network: Network,
    component: int,
    addresses: list[str],
    timeout: float,
) -> list[Candidate]:
    protocols = []
    for address in addresses if network.addresses is None else network.addresses:
        try:
            sock = network.bind(address)
        except NetworkError:
            # An address that aioice found may be gone by now; one that was asked for may not.
            if network.addresses is None and network.ports is None:
                continue
            raise
        protocol = await _open(connection, sock, component)
        if connection._closing:  # noqa: SLF001 -- close() ran while we waited: it saw no socket
            await protocol.close()
            return []
        connection._protocols.append(protocol)  # noqa: SLF001
        protocols.append(protocol)
    candidates = [protocol.local_candidate for protocol in protocols]
    if connection.stun_server is not None:
        queries = [
            server_reflexive_candidate(protocol, connection.stun_server)
            for protocol in protocols
            if ipaddress.ip_address(protocol.local_candidate.host).version == 4
        ]
        candidates += await _within(timeout, queries)
    return candidates


async def _open(connection: Connection, sock: socket.socket, component: int) -> StunProtocol:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    host, port = sock.getsockname()[:2]
    loop = asyncio.get_running_loop()
    opening = loop.create_task(
        loop.create_datagram_endpoint(lambda: StunProtocol(connection), sock=sock)
    )
    try:
        _, protocol = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # uvloop loses the socket when it is cancelled here: let it finish, then close it.
        _, protocol = await opening
        await protocol.close()
        raise
    except OSError as error:
        sock.close()
        raise NetworkError(f"No UDP socket can be used on {host}: {error.strerror}.") from None
    protocol.local_candidate = Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host"),
        host=host,
        port=port,
        type="host",
    )
    return protocol


async def _within(
    timeout: float, queries: list[Coroutine[Any, Any, tuple[Candidate, None]]]
) -> list[Candidate]:
    if not queries:
        return []
    tasks = [asyncio.create_task(query) for query in queries]
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout)
    finally:
        for task in tasks:
            task.cancel()
    return [task.result()[0] for task in done if not task.cancelled() and task.exception() is None]
