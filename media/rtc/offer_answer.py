"""Offers and answers of one peer connection, each time the call changes (RFC 3264, RFC 8829)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiortc import RTCPeerConnection, RTCRtpSender, RTCRtpTransceiver, RTCSessionDescription
from aiortc.exceptions import OperationError
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.sdp import candidate_from_sdp

from ..errors import DescriptionError, IncompatibleMediaError, MediaError
from ..frames.codec import CODECS
from ..frames.frame import KINDS, Kind
from ..sources.source import Source
from . import _aiortc
from .connection_media import ConnectionMedia
from .ice.network import Network
from .ice_connections import IceConnections
from .known_answers import KnownAnswers, is_same, question
from .rtp.medium import Medium
from .session_description import Section, SessionDescription

SourcesByKind = Mapping[Kind, Source | None]
GiveWay = Callable[[], Awaitable[None]]
Foreseen = Callable[[str], Awaitable[None]]

_ACTIVE = "a=setup:active\r\n"
_THEIRS = {"active": "server", "passive": "client"}
"""Our part in the DTLS handshake, by what the peer answers about its own (RFC 5763 §5)."""
_ICE_LITE = "a=ice-lite"
_UNTIL_CHECKS = 2
"""Turns of the loop in which ICE begins, and its checks leave; to make an answer is a long one."""


async def at_once() -> None:
    """Give way to nothing."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A transceiver that waits for an offer, and since when (the loop's time).

    Once its candidates are gathered it has the lines of the answer that it decides.
    """

    transceiver: RTCRtpTransceiver
    at: float
    own: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Foresight:
    """What a first offer asks, and the answer that was told before it was made, if one was."""

    question: bytes
    own: Sequence[str]
    answer: str | None

    def check(self, answer: str) -> None:
        """See that the answer that is made is the one that was told; learn it, if none was.

        Raises:
            MediaError: It is another one.
        """
        known = KnownAnswers.running()
        if self.answer is None:
            known.learn(self.question, self.own, answer)
        elif not is_same(self.answer, answer):
            known.forget(self.question)
            raise MediaError("The answer that was told is not the one that was made.")


class OfferAnswer:
    """Makes and takes descriptions, and changes the connection's media accordingly.

    aiortc wants each description whole, with every section that ever was in it, in their order. It
    has no rollback. So sections that are gone stay, as stubs, in what it gets.
    """

    MAX_CANDIDATES = 100

    FRESH = 10.0
    """Seconds for which candidates are good that no peer has been told: a NAT forgets."""

    def __init__(
        self,
        pc: RTCPeerConnection,
        media: ConnectionMedia,
        connections: IceConnections,
        network: Network,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        """Negotiate for a peer connection that has no description yet.

        Args:
            pc: The peer connection.
            media: What is sent and received on it.
            connections: Its ICE connections.
            network: Says which candidates are of use.
            spawn: Runs what is to end with the peer connection.
        """
        self._pc = pc
        self._media = media
        self._connections = connections
        self._network = network
        self._spawn = spawn
        self._candidates: set[str] = set()
        self._lines: list[str] = []
        self._remote: SessionDescription | None = None
        self._ready: _Ready | None = None
        self._answering: RTCDtlsTransport | None = None

    async def get_ready(self, kind: Kind) -> None:
        """Make what the first answer needs and no offer decides: a transceiver, its candidates.

        Args:
            kind: What the offer will have, probably as its first section. If not, the answer is
                made as if this had not been called.

        Raises:
            NetworkError: No socket could be opened; nothing is changed then.
        """
        if self._lines or self._ready is not None:
            return
        transceiver = self._pc.addTransceiver(kind, "inactive")
        self._ready = ready = _Ready(transceiver, asyncio.get_running_loop().time())
        try:
            self._connections.bind()
            await transceiver.receiver.transport.transport.iceGatherer.gather()
            own = _aiortc.own_lines(self._pc, transceiver)
            self._ready = replace(ready, own=own)
        except BaseException:
            await self._unready()
            raise

    async def offer(
        self, sources: SourcesByKind, prefer: Sequence[str] = (), give_way: GiveWay = at_once
    ) -> str:
        """Offer the kinds that have a source, beside what is already in the call.

        Args:
            sources: What to play, by kind.
            prefer: RTP encoding names of codecs that are offered before the others, in this order.
            give_way: What is awaited once the kinds are there, before the description is made.

        Returns:
            Our whole description, as SDP.

        Raises:
            NetworkError: No socket could be opened; nothing is changed then.
        """
        fresh = [kind for kind in KINDS if sources.get(kind) is not None]
        await self._unready()
        for kind in fresh:
            self._add(kind, sources[kind], "sendrecv", prefer)
        try:
            await give_way()
            await self._describe(await _aiortc.create_offer(self._pc))
        except Exception:
            if self._lines:
                await self.withdraw(fresh)
            raise
        sdp: str = self._pc.localDescription.sdp
        self._lines = SessionDescription(sdp).mids()
        return sdp

    async def answer(
        self,
        offer: str,
        sources: SourcesByKind,
        refuse: Collection[Kind],
        prefer: Sequence[str] = (),
        foreseen: Foreseen | None = None,
    ) -> str:
        """Take the peer's whole offer and answer it.

        New kinds have their codecs in the order of the offer (RFC 3264 §6.1).

        Args:
            offer: The peer's description, as SDP.
            sources: What to play, for kinds that send nothing yet.
            refuse: New kinds to answer as `inactive`.
            prefer: RTP encoding names of codecs that new kinds have before the others.
            foreseen: Awaited with our description before that is made, if it is known by then.

        Returns:
            Our whole description, as SDP.

        Raises:
            DescriptionError: The offer can't be used.
            MediaError: Another description was made than was foreseen.
            IncompatibleMediaError: We can take nothing in it.
            NetworkError: No socket could be opened.
        """
        if self._pc.signalingState == "have-local-offer":
            # Both offered at once, and the peer's stands (XEP-0166 §7.2.16).
            await self.withdraw(self._unanswered())
        description = SessionDescription(offer)
        offered = description.mids()
        refused = {
            index: section.refusal()
            for index, section in enumerate(description.sections)
            if self._is_refused(section)
        }
        description.remove(set(refused))
        if not any(section.media_kind for section in description.sections):
            raise IncompatibleMediaError("The offer has no audio or video that we can take.")
        await self._keep_ready(description)
        foresight: _Foresight | None = None
        if len(offered) == 1:
            source = None if "audio" in refuse else sources.get("audio")
            wishes = _direction("audio", source, refuse), *prefer
            foresight = await self._foresee(description, source, wishes, foreseen)
        fresh = self._make_room(description, sources, refuse, prefer)
        try:
            if self._lines:
                description.fit(self._lines, SessionDescription(self._pc.localDescription.sdp))
            await self._set_remote(description, "offer")
            await self._describe(await self._pc.createAnswer())
        except Exception:
            for kind in fresh if self._lines else ():
                await self._end(kind)
            raise
        answer = SessionDescription(self._pc.localDescription.sdp)
        self._lines = answer.mids()
        if any(offered):
            answer.sections = [each for each in answer.sections if each.mid in offered]
            answer.bundle = [mid for mid in answer.bundle if mid in offered]
        for index, section in refused.items():
            answer.sections.insert(index, section)
        if foresight is not None:
            foresight.check(str(answer))
        return str(answer)

    def foresee(self, answer: str) -> None:
        """Begin to connect with the first answer to our offer, before that is taken.

        Args:
            answer: The peer's description, as SDP.
        """
        if self._remote is not None or self._pc.signalingState != "have-local-offer":
            return
        description = SessionDescription(answer)
        living = [each for each in description.sections if not each.rejected]
        if not living or any(each.mid not in description.bundle for each in living[1:]):
            return
        lead = description.bundle[0] if description.bundle else living[0].mid
        section, transport = description.find(lead), _aiortc.transports_by_mid(self._pc).get(lead)
        role = None if section is None else _THEIRS.get(section.attribute("setup") or "")
        if section is None or transport is None or role is None:
            return
        if self._go_ahead(description, section, transport, role) and role == "server":
            self._answering = transport

    async def accept(self, answer: str) -> None:
        """Take the peer's whole answer to our offer. Kinds that it refuses leave the call.

        What is sent is what the answer names first (RFC 3264 §7).

        Args:
            answer: The peer's description, as SDP.

        Raises:
            DescriptionError: The answer can't be used.
            IncompatibleMediaError: A kind has no codec in common.
        """
        if self._answering is not None:
            await self._hear_early(self._answering)
        description = SessionDescription(answer)
        kept = {each.mid for each in description.sections if not each.rejected}
        for kind, medium in self._media.by_kind.items():
            section = description.find(medium.transceiver.mid or "")
            if section is not None and not medium.negotiated:
                _order_codecs(medium.transceiver, kind, section.codecs)
        description.fit(self._lines, SessionDescription(self._pc.localDescription.sdp))
        description.sections = [each for each in description.sections if each.mid in self._lines]
        await self._set_remote(description, "answer")
        _aiortc.keep_offered(self._pc)
        for kind, medium in list(self._media.by_kind.items()):
            if medium.transceiver.mid not in kept:
                await self._end(kind)

    async def withdraw(self, kinds: Collection[Kind]) -> None:
        """Take kinds out of the call. An offer of ours that holds nothing else is taken back.

        Args:
            kinds: Which ones; those that are not in the call are ignored.
        """
        unanswered = self._unanswered()
        if self._pc.signalingState == "have-local-offer" and set(unanswered) <= set(kinds):
            await self._roll_back()
        for kind in kinds:
            await self._end(kind)

    async def add_candidate(self, mid: str, candidate: str) -> None:
        """Take a trickled candidate.

        Args:
            mid: The content that it is for (RFC 5888).
            candidate: The candidate-attribute (RFC 8839 §5.1); empty for the end of candidates.

        Raises:
            DescriptionError: It is no candidate.
        """
        if not candidate:
            await self._pc.addIceCandidate(None)
            return
        if not self.keep(candidate):
            return
        try:
            parsed = candidate_from_sdp(candidate.removeprefix("candidate:"))
        except (AssertionError, ValueError, IndexError) as error:
            raise DescriptionError(f"{candidate!r} is no ICE candidate: {error}") from None
        parsed.sdpMid = mid
        await self._pc.addIceCandidate(parsed)

    def repairs(self, medium: Medium) -> dict[int, int]:
        """Give which of the peer's RTP streams repeat which, by their SSRCs, as far as it says."""
        section = None if self._remote is None else self._remote.find(medium.transceiver.mid or "")
        return {} if section is None else section.repairs

    def keep(self, candidate: str) -> bool:
        """Tell whether a remote candidate can be used, and is not one too many."""
        if not self._network.usable(candidate):
            return False
        place = " ".join(candidate.split()[4:6])
        if place not in self._candidates and len(self._candidates) >= self.MAX_CANDIDATES:
            return False
        self._candidates.add(place)
        return True

    def forget_candidates(self) -> None:
        """Start counting candidates again: ICE was restarted."""
        self._candidates.clear()

    async def _foresee(
        self,
        offer: SessionDescription,
        source: Source | None,
        wishes: Sequence[str],
        foreseen: Foreseen | None,
    ) -> _Foresight | None:
        """Tell the answer to a first offer of sound, if such an offer was answered before.

        What can't be played leads to no answer.
        """
        ready = self._ready
        if ready is None or ready.transceiver.kind != "audio":
            return None
        if source is not None and not self._media.can_play("audio", source):
            return None
        asked = question(offer, *wishes)
        answer = None if foreseen is None else KnownAnswers.running().find(asked, ready.own)
        if foreseen is not None and answer is not None:
            await foreseen(answer)
            # The peer has our answer, and can take checks while we make it.
            [section], transport = offer.sections, ready.transceiver.receiver.transport
            role = "client" if _ACTIVE in answer else "server"
            if self._go_ahead(offer, section, transport, role):
                await _in_turns()
        return _Foresight(asked, ready.own, answer)

    async def _hear_early(self, transport: RTCDtlsTransport) -> None:
        """Let checks leave and come back first, and reply to the hello of who was quick."""
        await _in_turns()
        _aiortc.hear_hello(transport)
        await _in_turns()

    def _go_ahead(
        self, remote: SessionDescription, section: Section, transport: RTCDtlsTransport, role: str
    ) -> bool:
        """Begin to connect, unless ICE is for us to lead; tell whether that was done.

        Args:
            remote: The peer's description.
            section: Its section that the transport is for.
            transport: One that has gathered.
            role: Ours in DTLS.
        """
        if section.credentials is None or _ICE_LITE in remote.session:
            return False
        candidates = [each for each in section.candidates if self.keep(f"candidate:{each}")]
        self._spawn(_aiortc.go_ahead(transport, section.credentials, candidates, role))
        return True

    async def _keep_ready(self, offer: SessionDescription) -> None:
        """Take out what is ready, unless it fits the first section of an offer in time."""
        ready = self._ready
        if ready is None:
            return
        is_fresh = asyncio.get_running_loop().time() - ready.at < self.FRESH
        if not is_fresh or offer.sections[0].kind != ready.transceiver.kind:
            await self._unready()

    async def _unready(self) -> None:
        ready, self._ready = self._ready, None
        if ready is not None:
            await _aiortc.take_out(self._pc, ready.transceiver)

    def _unanswered(self) -> list[Kind]:
        return [kind for kind, medium in self._media.by_kind.items() if not medium.negotiated]

    def _is_refused(self, section: Section) -> bool:
        """Tell whether aiortc can't take a section of an offer, or need not."""
        if section.mid not in self._lines:
            return section.rejected or not _aiortc.has_common_codec(section.lines)
        # What went out of the call can't come back under the same mid: its transceiver has ended.
        living = {medium.transceiver.mid for medium in self._media.by_kind.values()}
        return not section.rejected and bool(section.media_kind) and section.mid not in living

    def _make_room(
        self,
        description: SessionDescription,
        sources: SourcesByKind,
        refuse: Collection[Kind],
        prefer: Sequence[str],
    ) -> list[Kind]:
        """Make a transceiver for each section that has none; return the kinds that are new."""
        fresh: list[Kind] = []
        for section in description.sections:
            kind = section.media_kind
            if kind is None:
                continue
            source = None if kind in refuse else sources.get(kind)
            if self._lines and section.mid in self._lines:
                medium = self._media.by_kind.get(kind)
                if medium is not None and medium.transceiver.mid == section.mid:
                    self._give(medium, source)
            elif kind in self._media.by_kind:
                self._pc.addTransceiver(kind, "inactive")
            else:
                order = (*prefer, *section.codecs)
                self._add(kind, source, _direction(kind, source, refuse), order)
                fresh.append(kind)
        return fresh

    def _add(
        self, kind: Kind, source: Source | None, direction: str, prefer: Sequence[str]
    ) -> None:
        """Add a transceiver, with what it sends and receives."""
        outgoing = None if source is None else self._media.outgoing(kind, source)
        ready, self._ready = self._ready, None
        if ready is None:
            transceiver = self._pc.addTransceiver(kind, direction)
        else:
            transceiver = ready.transceiver
            transceiver.direction = direction
        if outgoing is not None:
            _aiortc.take_over(transceiver.sender, outgoing.start)
        _order_codecs(transceiver, kind, prefer)
        incoming = self._media.incoming(kind, transceiver)
        self._media.by_kind[kind] = Medium(kind, transceiver, incoming, outgoing)

    def _give(self, medium: Medium, source: Source | None) -> None:
        """Send a source in a kind that is in the call but sends nothing yet."""
        if source is None or medium.outgoing is not None:
            return
        medium.outgoing = self._media.outgoing(medium.kind, source)
        _aiortc.take_over(medium.transceiver.sender, medium.outgoing.start)
        medium.transceiver.direction = "sendrecv"

    async def _describe(self, description: RTCSessionDescription) -> None:
        self._connections.bind()
        await self._pc.setLocalDescription(description)

    async def _set_remote(self, description: SessionDescription, type_: str) -> None:
        description.filter(self.keep)
        transports = _aiortc.transports_by_mid(self._pc)
        for section in description.sections:
            transport = transports.get(section.mid)
            if transport is not None and transport.state in {"connecting", "connected"}:
                settled = "active" if _aiortc.dtls_role(transport) == "server" else "passive"
                section.set_up("actpass" if type_ == "offer" else settled)
            elif type_ == "answer" and section.rejected:
                section.set_up("active")
        if description.bundle:
            _aiortc.keep_shared(self._pc, description.bundle[0])
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(str(description), type_))
        except OperationError as error:
            raise IncompatibleMediaError(f"There is no codec in common: {error}") from error
        except (ValueError, AssertionError, LookupError, AttributeError) as error:
            raise DescriptionError(f"The peer's {type_} cannot be used: {error}") from error
        _aiortc.agree_on_events(self._pc)
        self._remote = description

    async def _roll_back(self) -> None:
        """Answer our own offer for the peer, refusing all that is new in it."""
        local = SessionDescription(self._pc.localDescription.sdp)
        known = [] if self._remote is None else self._remote.sections
        answer = SessionDescription(str(self._remote or ""))
        unanswered = {self._media.by_kind[kind].transceiver.mid for kind in self._unanswered()}
        answer.sections = [
            Section(list(each.lines)) for each in known if each.mid not in unanswered
        ]
        answer.fit(local.mids(), local)
        await self._set_remote(answer, "answer")
        self._lines = local.mids()

    async def _end(self, kind: Kind) -> None:
        medium = self._media.by_kind.pop(kind, None)
        if medium is None:
            return
        self._media.changes += 1
        await medium.end()
        if medium.used:
            self._media.past.append(medium)
        _aiortc.forget(medium.transceiver, self._lines)
        transport = medium.transceiver.receiver.transport
        if _aiortc.is_alone(self._pc, transport):
            await transport.stop()
            await transport.transport.stop()


async def _in_turns() -> None:
    for _ in range(_UNTIL_CHECKS):
        await asyncio.sleep(0)


def _direction(kind: Kind, source: Source | None, refuse: Collection[Kind]) -> str:
    """Return which way a kind goes that is new in an answer."""
    if kind in refuse:
        return "inactive"
    return "recvonly" if source is None else "sendrecv"


def _order_codecs(transceiver: RTCRtpTransceiver, kind: Kind, prefer: Sequence[str]) -> None:
    """Let a kind have some codecs before the others that we know."""
    capabilities = RTCRtpSender.getCapabilities(kind).codecs
    names = [name.lower() for name in CODECS[kind]]
    first = [name.lower() for name in prefer if name.lower() in names]
    order = [*dict.fromkeys((*first, *names)), "rtx"]
    known = [codec for codec in capabilities if codec.name.lower() in order]
    transceiver.setCodecPreferences(sorted(known, key=lambda c: order.index(c.name.lower())))
