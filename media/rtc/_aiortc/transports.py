"""aiortc's transports: the ICE connections below them, and who uses which."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aioice import Connection
from aiortc import RTCIceParameters, RTCIceTransport, RTCPeerConnection, RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.sdp import candidate_from_sdp

from ...late_event import LateEvent
from ...sources.pacer import Pacer
from ..ice import _aioice
from .spare import compact

logger = logging.getLogger(__name__)

BUNDLED = "_bundled"
CONNECT = "_RTCPeerConnection__connect"
DTLS_TRANSPORTS = "_RTCPeerConnection__dtlsTransports"
ICE_TRANSPORTS = "_RTCPeerConnection__iceTransports"
TRANSCEIVERS = "_RTCPeerConnection__transceivers"
ROLE = "_role"
ROLE_SET = "_role_set"
SRTP_OUT = "_tx_srtp"
SSL = "_ssl"
STATE = "_state"


def ice_connections(pc: RTCPeerConnection) -> list[Connection]:
    """Return the aioice connections: aiortc has no public way to choose addresses and ports."""
    return [ice_connection(transport.transport) for transport in dtls_transports(pc)]


def ice_connection(transport: RTCIceTransport) -> Connection:
    """Return the aioice connection that a transport's candidates and credentials are of."""
    connection: Connection = transport.iceGatherer._connection  # noqa: SLF001
    return connection


def steer(transport: RTCIceTransport, connection: Connection) -> None:
    """Let candidates and credentials be those of another connection, for a restart of ICE."""
    transport._connection = connection  # noqa: SLF001
    transport.iceGatherer._connection = connection  # noqa: SLF001
    transport.iceGatherer._remote_candidates_end = False  # noqa: SLF001


def dtls_transports(pc: RTCPeerConnection) -> list[RTCDtlsTransport]:
    """Give each DTLS transport once (all public; bundled transceivers share one)."""
    return list({id(each): each for _, each in _uses(pc)}.values())


def transports_by_mid(pc: RTCPeerConnection) -> dict[str, RTCDtlsTransport]:
    """Return the DTLS transport of each section (all public)."""
    return {mid: transport for mid, transport in _uses(pc) if mid is not None}


def is_alone(pc: RTCPeerConnection, transport: RTCDtlsTransport) -> bool:
    """Tell whether no more than one section uses a transport (all public)."""
    return sum(each is transport for _, each in _uses(pc)) <= 1


async def take_out(pc: RTCPeerConnection, transceiver: RTCRtpTransceiver) -> None:
    """Take out a transceiver that no description names, and its transport, as if never made.

    aiortc keeps stopped ones, and waits for their transports to connect.

    Args:
        pc: The peer connection.
        transceiver: One of its own, whose transport no other one uses.
    """
    transport = transceiver.receiver.transport
    getattr(pc, TRANSCEIVERS).remove(transceiver)
    getattr(pc, DTLS_TRANSPORTS).discard(transport)
    getattr(pc, ICE_TRANSPORTS).discard(transport.transport)
    await transceiver.stop()
    await transport.stop()
    await transport.transport.stop()


def keep_shared(pc: RTCPeerConnection, first: str) -> None:
    """Let sections that share a transport keep it, whichever of them leads the bundle now.

    aiortc takes the section that led the first bundle for the transport's owner. Where another one
    leads later, as when the first was removed, it would stop that transport, and so the call.

    Args:
        pc: The peer connection, before it takes a remote description.
        first: The mid that leads the description's bundle.
    """
    shared = transports_by_mid(pc).get(first)
    if shared is None:
        return
    for each in pc.getTransceivers():
        if each.receiver.transport is shared:
            setattr(each, BUNDLED, each.mid != first)
    if pc.sctp is not None and pc.sctp.transport is shared:
        setattr(pc.sctp, BUNDLED, pc.sctp.mid != first)


def _uses(pc: RTCPeerConnection) -> list[tuple[str | None, RTCDtlsTransport]]:
    uses = [(each.mid, each.receiver.transport) for each in pc.getTransceivers()]
    return [*uses, (pc.sctp.mid, pc.sctp.transport)] if pc.sctp is not None else uses


def dtls_role(transport: RTCDtlsTransport) -> str:
    """Return our part in the DTLS handshake: "client", "server", or "auto" before it is decided.

    A later description that says otherwise (XMPP has no place to say it again) changes it in
    aiortc, and then what it tells the peer, who refuses that (RFC 8842 §5.5).
    """
    role: str = getattr(transport, ROLE)
    return role


def track_connecting(
    pc: RTCPeerConnection,
    tasks: "set[asyncio.Task[Any]]",
    may_connect: LateEvent,
    on_crash: Callable[[], None],
) -> None:
    """Collect the tasks in which aiortc connects: it keeps no handle, so close() could not wait.

    Args:
        pc: The peer connection.
        tasks: Where those that run are put.
        may_connect: What they wait for: aiortc begins as soon as there are two descriptions.
        on_crash: Called when one died; nobody else would hear of it.
    """
    connect: Callable[[], Coroutine[Any, Any, None]] = getattr(pc, CONNECT)

    async def tracked() -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        tasks.add(task)
        try:
            await may_connect.wait()
            await connect()
            Pacer.running().catch_up()  # the first frames are due, and the peer waits for them
        except Exception:
            logger.exception("aiortc failed while it connected")
            on_crash()
        finally:
            tasks.discard(task)

    setattr(pc, CONNECT, tracked)
    compact(pc)


async def begin_checks(
    transport: RTCIceTransport,
    credentials: tuple[str, str],
    candidates: Sequence[str],
    on_way: Callable[[Callable[[bytes], object]], None] | None = None,
) -> None:
    """Let ICE begin before aiortc has the peer's description; without an own one, as controlled.

    It begins there only once both descriptions are made, and finds then what goes on already.

    Args:
        transport: One that has gathered.
        credentials: The peer's ufrag and pwd.
        candidates: Its candidate-attributes (RFC 8839 §5.1), without "candidate:".
        on_way: Called with what sends a datagram to the peer, once a check has come through.
    """
    try:
        setattr(transport, ROLE_SET, True)
        if on_way is not None:
            _aioice.when_valid(transport._connection, on_way)  # noqa: SLF001
        for each in candidates:
            await transport.addRemoteCandidate(candidate_from_sdp(each))
        await transport.start(RTCIceParameters(*credentials))
    except (AssertionError, ValueError, IndexError):
        logger.debug("A candidate can't be read, as the offer's answer will say", exc_info=True)
    except Exception:
        logger.exception("aiortc failed while it checked")


def sent(sending: Any) -> bool:
    """Run a coroutine that waits for nothing; False if there is no connection."""
    try:
        sending.send(None)
    except StopIteration:
        return True
    except ConnectionError:
        return False
    sending.close()
    raise RuntimeError("aioice waits when it sends: it did not when this was written.")


def fingerprint_refused(transport: RTCDtlsTransport) -> bool:
    """Tell whether a failed DTLS transport failed because of the peer's fingerprint.

    aiortc only says "failed". `encrypted` (public) means that the handshake itself was done, and a
    chosen SRTP profile means that only the check of the certificate can have failed.
    """
    connection = getattr(transport, SSL)
    return bool(
        transport.state == "failed"
        and transport.encrypted
        and connection is not None
        and connection.get_selected_srtp_profile()
    )
