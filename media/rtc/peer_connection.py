"""A peer connection: its descriptions, its ICE restarts, and its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any

from msgspec import structs

from ..frames.frame import KINDS, Kind
from ..late_event import LateEvent
from ..sources.source import Source
from . import _aiortc
from .connection_media import ConnectionMedia
from .connectivity import BROKEN, Connectivity, Milestone
from .data_channel import DataChannels
from .events import (
    AddressLost,
    Closed,
    Connected,
    IceConnected,
    IceRenewed,
    MediaEvent,
    MediaFailed,
)
from .ice import _aioice
from .ice.network import Network
from .ice.own_addresses import OwnAddresses, Watch
from .ice_connections import IceConnections
from .ice_renewal import IceRenewals
from .next_connection import NextConnection
from .offer_answer import Foreseen, GiveWay, OfferAnswer, at_once
from .owned_tasks import OwnedTasks, cancelled, owned
from .rtp.receive_path import ReceivePath
from .session_description import SessionDescription

logger = logging.getLogger(__name__)

LARGEST_PICTURE = 3840 * 2160
"""Pixels of a picture that is decoded, unless something else is said: 4K UHD."""

STEP = 3.0
"""Seconds for each step of closing; a TURN server that is gone takes one."""


async def _ended() -> str:
    return "the connection has ended"


class PeerConnection:
    """An `RTCPeerConnection` with its media, which is closed in bounded time.

    Use it on one event loop. Once it is closed, every method but `close` may raise
    `MediaClosedError`. `close` may be called at any moment, more than once.

    Attributes:
        media: The audio and video that is sent and received.
        data: The data channels (RFC 8831).
        tasks: What runs until it closes.
    """

    def __init__(
        self,
        *,
        network: Network,
        path: ReceivePath,
        on_event: Callable[[MediaEvent], None],
        ice_deadline: float = 30.0,
        dtls_deadline: float = 10.0,
        largest_picture: int = LARGEST_PICTURE,
        last_words: Callable[[], Awaitable[str]] = _ended,
    ) -> None:
        """Make a connection. It opens nothing before `get_ready`, `offer` or `answer`.

        Args:
            network: Which addresses and ports its sockets may have.
            path: What becomes of received media.
            on_event: Called on the loop with what happens; `Closed` is the last event.
            ice_deadline: Seconds until ICE must be connected, once both descriptions are known.
            dtls_deadline: Seconds from there until DTLS must be done.
            largest_picture: Pixels of the largest picture that is decoded.
                Larger ones are left out.
            last_words: Returns a sentence about the call's end, for who writes what it plays.
        """
        self._last_words = last_words
        self._on_event = on_event
        self._pc = NextConnection.running().take()
        self.tasks = OwnedTasks()
        self._closer: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[Any]] = set()
        self._may_connect = LateEvent()
        self._may_connect.set()
        self._connections = IceConnections(self._pc, network)
        self.media = ConnectionMedia(
            path,
            largest_picture=largest_picture,
            on_event=self._emit,
        )
        self.data = DataChannels(self._pc, self._emit)
        self._offer_answer = OfferAnswer(
            self._pc, self.media, self._connections, network, self.tasks.spawn
        )
        self._negotiating = asyncio.Lock()
        self._connectivity = Connectivity(
            self._pc,
            ice_deadline=ice_deadline,
            dtls_deadline=dtls_deadline,
            on_milestone=self._reached,
            on_failure=self._fail,
            on_peer_closed=lambda: self._close(by_peer=True),
            carriers=lambda: self._renewals.carriers,
        )
        self._pc.on("connectionstatechange", self.media.take_back)
        self._renewals = IceRenewals(
            self._pc,
            self._connections,
            self.tasks,
            deadline=ice_deadline,
            on_renewed=self._renewed,
            on_failure=self._connectivity.fail,
        )
        self._watch = Watch(self._renewals.own_addresses, self._address_lost)
        _aiortc.track_connecting(self._pc, self._connecting, self._may_connect, self._broken)

    @property
    def closed(self) -> bool:
        """Whether it is closed or closing."""
        return self._closer is not None

    @property
    def dropped(self) -> dict[str, int]:
        """How many datagrams were dropped, by reason: malformed, from strangers, and so on."""
        return dict(self._connections.dropped)

    @owned
    async def offer(
        self,
        *,
        audio: Source | None,
        video: Source | None,
        data: bool = False,
        prefer: Sequence[str] = (),
        give_way: GiveWay = at_once,
    ) -> str:
        """Make an offer with all candidates in it (RFC 8829 §4.1.8).

        Args:
            audio: What to play; None leaves audio out.
            video: What to play; None leaves video out.
            data: Whether to open a data channel too (XEP-0343).
            prefer: RTP encoding names of codecs that are offered before the others, in this order.
            give_way: What is awaited before the work begins, once `media` can be told what to play
                and who hears it.

        Returns:
            The local description, as SDP.

        Raises:
            NetworkError: No socket could be opened.
            MediaClosedError: The connection was closed meanwhile.
            ValueError: Neither audio nor video, or a source without that kind.
        """
        if audio is None and video is None:
            raise ValueError("An offer needs audio or video: give at least one source.")
        async with self._negotiating:
            if data:
                self.data.create()
            sources: dict[Kind, Source | None] = {"audio": audio, "video": video}
            return await self._offer_answer.offer(sources, prefer, give_way)

    @owned
    async def offer_more(self, *, audio: Source | None = None, video: Source | None = None) -> str:
        """Offer kinds that are not in the call (XEP-0166 §7.2.2). The rest goes on undisturbed.

        Give the peer's whole answer to `accept`. If the peer refuses, `withdraw` the kinds.

        Args:
            audio: What to play; None leaves audio as it is.
            video: What to play; None leaves video as it is.

        Returns:
            The whole local description, as SDP, with the new sections last.

        Raises:
            NetworkError: No socket could be opened; the call is as it was.
            MediaClosedError: The connection was closed meanwhile.
            ValueError: Nothing to offer, a kind that is already in the call, or another offer
                that still waits for its answer.
        """
        sources: dict[Kind, Source | None] = {"audio": audio, "video": video}
        wanted = [kind for kind in KINDS if sources[kind] is not None]
        if not wanted:
            raise ValueError("Nothing to add: give at least one source.")
        async with self._negotiating:
            for kind in wanted:
                if kind in self.media.by_kind:
                    raise ValueError(f"There is {kind} in this call: see `play`.")
            if self._pc.signalingState != "stable" or self._pc.remoteDescription is None:
                raise ValueError("An offer waits for its answer: add nothing meanwhile.")
            return await self._offer_answer.offer(sources)

    @owned
    async def withdraw(self, kinds: Collection[Kind]) -> None:
        """Take kinds out of the call: they are no longer sent, received or offered.

        For when the peer refuses what `offer_more` offered, or either side removes a content
        (XEP-0166 §7.2.5). The rest goes on undisturbed; a kind may be added again.

        Args:
            kinds: Which ones; those that are not in the call are ignored.

        Raises:
            MediaClosedError: The connection was closed meanwhile.
        """
        async with self._negotiating:
            await self._offer_answer.withdraw(kinds)

    @owned
    async def get_ready(self, kind: Kind) -> None:
        """Get ready for the first offer, which `answer` is given: open sockets, ask servers.

        It changes no answer, but that is there sooner. What an offer has no use for is closed.

        Args:
            kind: What the offer is expected to have as its first section.

        Raises:
            NetworkError: No socket could be opened; `answer` will try again.
            MediaClosedError: The connection was closed meanwhile.
        """
        async with self._negotiating:
            await self._offer_answer.get_ready(kind)

    @owned
    async def answer(
        self,
        offer: str,
        *,
        audio: Source | None,
        video: Source | None,
        refuse: Collection[Kind] = (),
        prefer: Sequence[str] = (),
        waits: bool = False,
        foreseen: Foreseen | None = None,
    ) -> str:
        """Take an offer and answer it, with all candidates in the answer.

        During a call, give it the peer's whole new offer (content-add and content-modify, XEP-0166
        §7.2): what runs goes on undisturbed. This takes back an offer of ours that still waits for
        its answer.

        Args:
            offer: The peer's description, as SDP.
            audio: What to play; None answers audio as `recvonly`. Audio that is already sent is
                not touched: see `ConnectionMedia.play`.
            video: The same for video.
            refuse: New kinds to answer as `inactive`. They keep their place, without media.
            prefer: RTP encoding names of codecs that new kinds have before the others; those follow
                in the order of the offer.
            waits: Whether to connect only once `connect` is called: the peer needs our answer for
                that, and checks of ours that it can't answer yet keep it from being told.
            foreseen: Awaited with the answer before it is made, where it is known by then: to a
                first offer of sound that came after `get_ready` and was answered before, but for
                what is each call's own. ICE's checks begin when that returns.

        Returns:
            The local description, as SDP.

        Raises:
            DescriptionError: The offer cannot be used. During a call, the call is as it was.
            IncompatibleMediaError: A kind has no codec in common.
            NetworkError: No socket could be opened.
            MediaClosedError: The connection was closed meanwhile.
            MediaError: What was foreseen is not what was made: end the call.
            ValueError: A source without that kind.
        """
        async with self._negotiating:
            if waits:
                self._may_connect.clear()
            sources: dict[Kind, Source | None] = {"audio": audio, "video": video}
            answer = await self._offer_answer.answer(offer, sources, refuse, prefer, foreseen)
            if not waits:
                self._negotiated()
            return answer

    def connect(self) -> None:
        """Connect, if `answer` was to wait with that."""
        if not self._may_connect.is_set() and not self.closed:
            self._negotiated()
            self._may_connect.set()

    def foresee(self, answer: str) -> None:
        """Begin ICE's checks with the peer's first answer, which `accept` is given next.

        Who has answered waits for them, and to take the answer is a long piece of work.

        Args:
            answer: The peer's description, as SDP. What is wrong with it shows in `accept`.
        """
        if not self.closed:
            self._offer_answer.foresee(answer)

    @owned
    async def accept(self, answer: str) -> None:
        """Take the peer's answer to our offer, and begin to connect.

        Args:
            answer: The peer's description, as SDP.

        Raises:
            DescriptionError: The answer cannot be used.
            IncompatibleMediaError: A kind has no codec in common.
            MediaClosedError: The connection was closed meanwhile.
        """
        async with self._negotiating:
            await self._offer_answer.accept(answer)
            self._negotiated()

    @owned
    async def restart_ice(self, description: str) -> str:
        """Follow the peer's restart of ICE (RFC 8445 §9, XEP-0176 §5.7).

        Media use the old pair of addresses until a new one is nominated (`IceRenewed`), so nothing
        is lost. Contents of a bundle restart together, others each on its own. If the peer answers
        a restart that `renew_ice` began, our description does not change.

        Args:
            description: The peer's whole description with its new ufrag and pwd, with or without
                candidates. More may be added as soon as this is called.

        Returns:
            Our whole description, as SDP, with our new ufrag, pwd and candidates.

        Raises:
            DescriptionError: It has no credentials.
            NetworkError: No socket could be opened; the old pair stays.
            MediaClosedError: The connection was closed meanwhile.
        """
        remote = SessionDescription(description)
        self._offer_answer.forget_candidates()
        remote.filter(self._offer_answer.keep)
        await self._renewals.follow(remote)
        return _aiortc.local_description(self._pc)

    @owned
    async def renew_ice(self) -> str:
        """Restart ICE ourselves, as when the network has changed.

        Tell the peer, and give its description with its new credentials to `restart_ice`.

        Returns:
            Our whole description, as SDP, with our new ufrag, pwd and candidates.

        Raises:
            NetworkError: No socket could be opened; all is as it was.
            MediaClosedError: The connection was closed meanwhile.
        """
        await self._renewals.begin()
        return _aiortc.local_description(self._pc)

    def restart_acknowledged(self) -> None:
        """Note that the peer has received what `restart_ice` or `renew_ice` returned.

        After the peer's own restart no pair of addresses is checked before that, for three seconds
        at most: the peer might not know our new addresses yet.
        """
        self._renewals.acknowledged()

    def give_up_restart(self) -> None:
        """Go on with the old addresses: the peer has not answered `renew_ice`."""
        self._renewals.give_up()

    @owned
    async def add_candidate(self, mid: str, candidate: str) -> None:
        """Take a candidate that the peer trickled. One that can't be used is ignored.

        Args:
            mid: The content that it is for (RFC 5888); in a bundle only the first one's count.
            candidate: The candidate-attribute of RFC 8839 §5.1. Empty: the end of candidates.

        Raises:
            DescriptionError: It is no candidate.
            MediaClosedError: The connection was closed meanwhile.
        """
        await self._offer_answer.add_candidate(mid, candidate)

    async def close(self) -> None:
        """End everything. When it returns, no task, socket or thread is left."""
        await asyncio.shield(self._close())

    def _close(self, *, by_peer: bool = False) -> "asyncio.Task[None]":
        if self._closer is None:
            self.media.stop()
            self._closer = asyncio.get_running_loop().create_task(self._shut(by_peer))
        return self._closer

    async def _shut(self, by_peer: bool) -> None:
        self._connectivity.stop()
        OwnAddresses.running().remove(self._watch)
        await _in_time("its tasks", self.tasks.close())
        media = tuple(self.media.by_kind.values())
        for medium in media:
            if medium.outgoing is not None:
                medium.outgoing.close(self._last_words)
            medium.reports.close()
        connections = tuple(self._connections.open)
        await _in_time("the peer connection", self._pc.close())
        self._may_connect.set()  # what waits for that finds it closed, and ends
        await _in_time("its sockets", self._connections.close())
        await _in_time("connecting", self._end_connecting())
        # Who became connected only now has begun to send, and to ask for consent (RFC 7675).
        await _in_time("its transceivers", self._stop_transceivers())
        await _in_time("its sockets", self._connections.close(*connections))
        for medium in media:
            medium.incoming.close()
        for connection in connections:
            _aioice.abandon(connection)
        if self.dropped:
            counts = ", ".join(f"{count} {why}" for why, count in self.dropped.items())
            logger.info("Datagrams of this call that were dropped: %s", counts)
        self._emit(Closed(by_peer))

    async def _stop_transceivers(self) -> None:
        await asyncio.gather(*(each.stop() for each in self._pc.getTransceivers()))

    async def _end_connecting(self) -> None:
        if self._connecting:
            await asyncio.wait(self._connecting, timeout=1)
        await cancelled(self._connecting)

    def _negotiated(self) -> None:
        for medium in self.media.by_kind.values():
            self.media.begin(medium, self._offer_answer.repairs(medium))
        self.data.negotiated()
        self._connectivity.start()

    def _reached(self, milestone: Milestone) -> None:
        if isinstance(milestone, Connected):
            OwnAddresses.running().add(self._watch)
            self._connections.forget_closed()
        if isinstance(milestone, IceConnected):
            milestone = structs.replace(milestone, pairs=self._connections.pairs())
        self._emit(milestone)

    def _renewed(self) -> None:
        pairs = self._connections.pairs()
        self._emit(IceRenewed(asyncio.get_running_loop().time(), ", ".join(pairs)))

    def _address_lost(self, address: str) -> None:
        self._emit(AddressLost(address, asyncio.get_running_loop().time()))

    def _fail(self, reason: str, text: str) -> None:
        own, theirs = self._connections.candidates()
        self._emit(MediaFailed(reason, text, self._connectivity.stage, own, theirs))
        self._close()

    def _broken(self) -> None:
        self._connectivity.fail(*BROKEN)

    def _emit(self, event: MediaEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            logger.exception("The handler of %s failed", type(event).__name__)


async def _in_time(what: str, step: Coroutine[Any, Any, None]) -> None:
    """Take a step of closing. One that fails, or does not end, does not hold up the others."""
    task = asyncio.get_running_loop().create_task(step)
    await asyncio.wait([task], timeout=STEP)
    if not task.done():
        logger.error("Closing a call: %s did not end within %g s", what, STEP)
        task.cancel()
        await asyncio.wait([task], timeout=STEP)
    elif not task.cancelled() and (error := task.exception()) is not None:
        logger.error("Closing a call: %s did not end in order", what, exc_info=error)
