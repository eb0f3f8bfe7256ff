"""ICE restarts while media flow (RFC 8445 §9, RFC 8839 §4.4.3, XEP-0176 §5.7)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aioice import Connection
from aiortc import RTCIceTransport, RTCPeerConnection
from aiortc.sdp import candidate_from_sdp

from ..errors import DescriptionError
from . import _aiortc
from .connections import Connections
from .ice import _aioice
from .owned_tasks import OwnedTasks
from .session_description import Section, SessionDescription

LINGER = 2.0
"""Seconds for which the old addresses go on receiving: the peer may nominate later than we do."""

PATIENCE = 3.0
"""Seconds for which a peer that restarted may show that it knows our new addresses.

A check of ours that overtakes our candidates makes a peer-reflexive one of the address that it
comes from, of a lower priority (RFC 8445 §7.1.1). libwebrtc then prunes the new pair, for the old
one works and ranks higher; when our candidates arrive, the pair stays pruned, and ours would be
the only checks on it.
"""


class Renewal:
    """One transport on its way from the ICE connection that carries it to a fresh one.

    Candidates and credentials are the fresh one's from the beginning; packets go out through the
    old one until the fresh one has a nominated pair, and come in through both.

    Attributes:
        transport: aiortc's.
        carrier: Through which packets go out.
        fresh: What is to take its place.
        remote: The peer's section with its new credentials; None until it has told them.
        known: Set when the peer knows the fresh one's addresses.
        task: Connects the fresh one.
    """

    def __init__(self, transport: RTCIceTransport, carrier: Connection, fresh: Connection) -> None:
        self.transport = transport
        self.carrier = carrier
        self.fresh = fresh
        self.remote: Section | None = None
        self.known = _aioice.first_check(fresh)
        self.task: asyncio.Task[None] | None = None


class IceRenewals:
    """Restarts ICE of a peer connection's transports, without touching DTLS, RTP or the tracks.

    aiortc has no call for it: a new aioice connection is put under its transport.
    """

    def __init__(
        self,
        pc: RTCPeerConnection,
        connections: Connections,
        tasks: OwnedTasks,
        *,
        deadline: float,
        on_renewed: Callable[[], None],
        on_failure: Callable[[str, str], None],
    ) -> None:
        """Watch over a peer connection.

        Args:
            pc: The peer connection.
            connections: Keeps its ICE connections.
            tasks: Keeps the tasks.
            deadline: Seconds in which the new addresses must connect.
            on_renewed: Called when a transport goes over its new addresses.
            on_failure: Called with a Jingle reason and a sentence when it could not.
        """
        self._pc = pc
        self._connections = connections
        self._tasks = tasks
        self._deadline = deadline
        self._on_renewed = on_renewed
        self._on_failure = on_failure
        self._under_way: dict[int, Renewal] = {}

    async def begin(self) -> None:
        """Restart of our own accord: have new credentials and candidates to tell the peer.

        Raises:
            NetworkError: No socket could be opened; all is as it was.
        """
        transports = {each.transport for each in _aiortc.dtls_transports(self._pc)}
        running = [each for each in transports if each.state in {"checking", "completed"}]
        await asyncio.gather(*(self._gather(self._renew(transport)) for transport in running))

    async def follow(self, remote: SessionDescription) -> bool:
        """Follow the peer, on each transport for which its credentials are new.

        Args:
            remote: Its whole description; further candidates may trickle from now on.

        Returns:
            Whether any were new.

        Raises:
            DescriptionError: Credentials or a candidate are none.
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
        """Give the own addresses that media go out through now."""
        found: set[str | None] = set()
        for each in _aiortc.dtls_transports(self._pc):
            transport = each.transport
            if transport.state == "completed":
                renewal = self._under_way.get(id(transport))
                carrier = renewal.carrier if renewal else _aiortc.ice_connection(transport)
                found.add(_aioice.own_address(carrier))
        return {each for each in found if each is not None}

    def acknowledged(self) -> None:
        """Take note that the peer has got our new candidates."""
        for renewal in self._under_way.values():
            renewal.known.set()

    @property
    def carriers(self) -> list[Connection]:
        """The connections that packets go through where a restart is under way."""
        return [renewal.carrier for renewal in self._under_way.values()]

    def give_up(self) -> None:
        """Go on with the old addresses where the peer has not answered our restart."""
        for renewal in [each for each in self._under_way.values() if each.remote is None]:
            self._return(renewal)
            self._tasks.spawn(self._retire(renewal.fresh))

    def _return(self, renewal: Renewal) -> None:
        """Let a transport be as it was before its restart."""
        del self._under_way[id(renewal.transport)]
        _aioice.pass_watcher(renewal.fresh, renewal.carrier)
        _aiortc.steer(renewal.transport, renewal.carrier)

    def _sections(self, remote: SessionDescription) -> dict[RTCIceTransport, Section]:
        """Give the first living section on each transport."""
        transports = _aiortc.transports_by_mid(self._pc)
        sections: dict[RTCIceTransport, Section] = {}
        for section in sorted(remote.sections, key=lambda each: each.rejected):
            dtls = transports.get(section.mid)
            if dtls is not None and dtls.transport.state in {"checking", "completed"}:
                sections.setdefault(dtls.transport, section)
        return sections

    def _renew(self, transport: RTCIceTransport) -> Renewal:
        """Put a fresh connection under a transport; what was under way there is given up.

        Nothing is awaited here: candidates that trickle right after the restart find it.
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
