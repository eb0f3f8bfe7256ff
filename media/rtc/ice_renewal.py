"""ICE restarts while media flow (RFC 8445 §9, RFC 8839 §4.4.3, XEP-0176 §5.7)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aioice import Connection
from aiortc import RTCIceTransport, RTCPeerConnection
from aiortc.sdp import candidate_from_sdp

from ..errors import DescriptionError
from . import _aiortc
from .ice import _aioice
from .ice_connections import IceConnections
from .owned_tasks import OwnedTasks
from .session_description import Section, SessionDescription

LINGER = 2.0
"""Seconds for which the old addresses still receive: the peer may nominate later than we do."""

PATIENCE = 3.0
"""Seconds that we give a peer to learn our new addresses before we check them.

If our first check arrives before our candidates do, the peer takes the check's source address for a
peer-reflexive candidate of lower priority (RFC 8445 §7.1.1). libwebrtc then prunes the new pair,
because the old one works and ranks higher. The pair stays pruned when our candidates arrive, and we
would be the only one to check it.
"""


class Renewal:
    """One transport that moves from its ICE connection to a fresh one.

    Candidates and credentials are the fresh connection's from the beginning. Packets go out through
    the old one until the fresh one has a nominated pair, and come in through both.

    Attributes:
        transport: aiortc's transport.
        carrier: The connection that packets go out through.
        fresh: The connection that will replace it.
        remote: The peer's section with its new credentials; None until the peer has told them.
        known: Set when the peer knows the fresh connection's addresses.
        task: Connects the fresh connection.
    """

    def __init__(self, transport: RTCIceTransport, carrier: Connection, fresh: Connection) -> None:
        self.transport = transport
        self.carrier = carrier
        self.fresh = fresh
        self.remote: Section | None = None
        self.known = _aioice.first_check(fresh)
        self.task: asyncio.Task[None] | None = None


class IceRenewals:
    """Restarts ICE on a peer connection's transports. DTLS, RTP and tracks are not touched.

    aiortc has no call for it: a new aioice connection is put below its transport.
    """

    def __init__(
        self,
        pc: RTCPeerConnection,
        connections: IceConnections,
        tasks: OwnedTasks,
        *,
        deadline: float,
        on_renewed: Callable[[], None],
        on_failure: Callable[[str, str], None],
    ) -> None:
        """Be ready to restart ICE.

        Args:
            pc: The peer connection.
            connections: Its ICE connections.
            tasks: Its tasks.
            deadline: Seconds in which the new addresses must connect.
            on_renewed: Called when a transport has moved to its new addresses.
            on_failure: Called with a Jingle reason (XEP-0166 §7.4) and a sentence if it can't.
        """
        self._pc = pc
        self._connections = connections
        self._tasks = tasks
        self._deadline = deadline
        self._on_renewed = on_renewed
        self._on_failure = on_failure
        self._under_way: dict[int, Renewal] = {}

    async def begin(self) -> None:
        """Begin a restart ourselves, with new credentials and candidates for the peer.

        Raises:
            NetworkError: No socket could be opened; all is as it was.
        """
        transports = {each.transport for each in _aiortc.dtls_transports(self._pc)}
        running = [each for each in transports if each.state in {"checking", "completed"}]
        await asyncio.gather(*(self._gather(self._renew(transport)) for transport in running))

    async def follow(self, remote: SessionDescription) -> bool:
        """Follow the peer's restart, on each transport whose credentials have changed.

        Args:
            remote: The peer's whole description. More candidates may trickle from now on.

        Returns:
            Whether any credentials have changed.

        Raises:
            DescriptionError: Credentials or a candidate can't be read.
            NetworkError: No socket could be opened; all is as it was.
        """
        found = []
        for transport, section in self._sections(remote).items():
            if section.credentials is None:
                raise DescriptionError("The peer's restart of ICE lacks its ufrag or pwd.")
            renewal = self._under_way.get(id(transport))
            waiting = renewal is not None and renewal.remote is None
            heard = renewal.carrier if renewal and waiting else _aiortc.ice_connection(transport)
            if section.credentials == (heard.remote_username, heard.remote_password):
                continue
            if renewal is None or not waiting:
                renewal = self._renew(transport)
            else:
                renewal.known.set()  # for it answers what told them
            renewal.remote = section
            renewal.fresh.remote_username, renewal.fresh.remote_password = section.credentials
            found.append(renewal)
        await asyncio.gather(*(self._gather(renewal) for renewal in found))
        for renewal in found:
            if self._under_way.get(id(renewal.transport)) is renewal:
                renewal.task = self._tasks.spawn(self._connect(renewal))
        return bool(found)

    def own_addresses(self) -> set[str]:
        """Return the own addresses that media go out through now."""
        found: set[str | None] = set()
        for each in _aiortc.dtls_transports(self._pc):
            transport = each.transport
            if transport.state == "completed":
                renewal = self._under_way.get(id(transport))
                carrier = renewal.carrier if renewal else _aiortc.ice_connection(transport)
                found.add(_aioice.own_address(carrier))
        return {each for each in found if each is not None}

    def acknowledged(self) -> None:
        """Note that the peer has received our new candidates."""
        for renewal in self._under_way.values():
            renewal.known.set()

    @property
    def carriers(self) -> list[Connection]:
        """The connections that packets go through where a restart is under way."""
        return [renewal.carrier for renewal in self._under_way.values()]

    def give_up(self) -> None:
        """Go on with the old addresses wherever the peer has not answered our restart."""
        for renewal in [each for each in self._under_way.values() if each.remote is None]:
            self._return(renewal)
            self._tasks.spawn(self._retire(renewal.fresh))

    def _return(self, renewal: Renewal) -> None:
        """Put a transport back as it was before its restart."""
        del self._under_way[id(renewal.transport)]
        _aioice.pass_watcher(renewal.fresh, renewal.carrier)
        _aiortc.steer(renewal.transport, renewal.carrier)

    def _sections(self, remote: SessionDescription) -> dict[RTCIceTransport, Section]:
        """Return the first section on each transport, living ones first."""
        transports = _aiortc.transports_by_mid(self._pc)
        sections: dict[RTCIceTransport, Section] = {}
        for section in sorted(remote.sections, key=lambda each: each.rejected):
            dtls = transports.get(section.mid)
            if dtls is not None and dtls.transport.state in {"checking", "completed"}:
                sections.setdefault(dtls.transport, section)
        return sections

    def _renew(self, transport: RTCIceTransport) -> Renewal:
        """Put a fresh connection below a transport, and give up a renewal that is under way.

        Nothing is awaited here, so candidates that trickle right after the restart find it.
        """
        before = _aiortc.ice_connection(transport)
        carrier, previous = before, self._under_way.pop(id(transport), None)
        fresh = _aioice.successor(before)
        self._connections.adopt(fresh)
        _aioice.pass_watcher(before, fresh)
        _aiortc.steer(transport, fresh)
        if previous is not None:
            carrier = previous.carrier
            if previous.task is not None:
                previous.task.cancel()
            self._tasks.spawn(self._retire(previous.fresh))
        renewal = self._under_way[id(transport)] = Renewal(transport, carrier, fresh)
        return renewal

    async def _gather(self, renewal: Renewal) -> None:
        try:
            await renewal.fresh.gather_candidates()
        except Exception:
            if self._under_way.get(id(renewal.transport)) is renewal:
                self._return(renewal)
            await self._retire(renewal.fresh)
            raise

    async def _connect(self, renewal: Renewal) -> None:
        transport, carrier, fresh = renewal.transport, renewal.carrier, renewal.fresh
        # Consent for the old addresses may lapse meanwhile: often that is why ICE is restarted.
        _aioice.stop_asking_consent(carrier)
        for line in renewal.remote.candidates if renewal.remote is not None else ():
            await transport.addRemoteCandidate(candidate_from_sdp(line))
        try:
            async with asyncio.timeout(self._deadline):
                # With no old pair that works there is none that a peer could prefer.
                if transport.state == "completed" and not fresh.remote_is_lite:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(PATIENCE):
                            await renewal.known.wait()
                await fresh.connect()
        except (ConnectionError, TimeoutError):
            self._on_failure(
                "connectivity-error",
                f"After ICE was restarted no addresses connected within {self._deadline:g} s.",
            )
            return
        _aiortc.carry(transport, fresh)
        if transport.state == "checking":
            changed = asyncio.Event()
            transport.once("statechange", changed.set)
            _aioice.conclude(carrier, fresh)
            await changed.wait()
        del self._under_way[id(transport)]
        self._on_renewed()
        await asyncio.sleep(LINGER)
        await self._retire(carrier)

    async def _retire(self, connection: Connection) -> None:
        _aioice.detach(connection)
        await self._connections.close(connection)
