"""One call's media: a peer connection with its sources, its receive path and its counters."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import suppress
from typing import Any

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver

from ..errors import MediaClosedError
from ..frames.frame import Direction, EncodedFrame, Kind
from ..sources.echo import Echo
from ..sources.playback import Playback
from ..sources.source import Source
from . import _aiortc
from .connections import Connections
from .connectivity import BROKEN, Connectivity, Milestone
from .data_channel import DataChannels
from .description import Description
from .events import (
    AddressLost,
    Closed,
    Connected,
    FirstMedia,
    IceRenewed,
    MediaEvent,
    MediaFailed,
    PlaybackEnded,
    VideoUnseen,
)
from .ice import _aioice
from .ice.network import Network
from .ice.own_addresses import OwnAddresses, Watch
from .ice_restart import IceRestarts
from .negotiation import KINDS, Negotiation
from .owned_tasks import OwnedTasks, cancelled
from .rtp.incoming import LARGEST_PICTURE, Frame, Incoming, Listener
from .rtp.medium import Medium, statistics
from .rtp.outgoing import Outgoing
from .rtp.receive_path import ReceivePath
from .rtp.statistics import MediaStatistics
from .rtp.video.freezes import Freeze, Freezes

logger = logging.getLogger(__name__)

Sink = Callable[[Direction, EncodedFrame], None]

STEP = 3.0
"""Seconds for each step of closing; a TURN server that is gone takes one."""
DARK = 2.0
"""Seconds in which the first black picture of a muted source must have gone out."""


class PeerConnection:
    """An `RTCPeerConnection` that plays sources, hands on what comes in, and ends in time.

    Use it on one event loop. Every method but `close` may raise `MediaClosedError` once it is
    closed; `close` may be called at any moment, more than once.

    Attributes:
        sinks: Called on the loop with each encoded frame sent, and on the paths `packets` and
            `frames` with each one received. Use `add_sink` so that video starts with a key frame.
        listeners: Called on the loop with the kind and each decoded frame, on the path `frames`.
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
    ) -> None:
        """Make a connection; nothing is opened before an offer or an answer is asked for.

        Args:
            network: Which addresses and ports its sockets may have.
            path: What becomes of received media.
            on_event: Called on the loop with what happens, the last time with `Closed`.
            ice_deadline: Seconds from both descriptions being known until ICE must be connected.
            dtls_deadline: Seconds from there until DTLS must be done.
            largest_picture: Pixels of a picture that is decoded, on the path `frames`; larger ones
                are left out.
        """
        self.sinks: list[Sink] = []
        self.listeners: list[Listener] = []
        self._largest_picture = largest_picture
        self._path = path
        self._on_event = on_event
        self._pc = RTCPeerConnection(
            RTCConfiguration(
                # Always a list: without one aiortc asks a public STUN server. `_aioice` asks ours.
                iceServers=[],
                # A transport for each section, until the peer agrees to bundle them.
                bundlePolicy=RTCBundlePolicy.MAX_COMPAT,
            )
        )
        self._tasks = OwnedTasks()
        self._closer: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[Any]] = set()
        self._connections = Connections(self._pc, network)
        self._negotiation = Negotiation(
            self._pc,
            self._connections,
            network,
            outgoing=self._make_outgoing,
            incoming=self._make_incoming,
        )
        self._negotiating = asyncio.Lock()
        self._data = DataChannels(self._pc, self._emit)
        self._connectivity = Connectivity(
            self._pc,
            ice_deadline=ice_deadline,
            dtls_deadline=dtls_deadline,
            on_milestone=self._reached,
            on_failure=self._fail,
            on_peer_closed=lambda: self._close(by_peer=True),
            carriers=lambda: self._restarts.carriers,
        )
        self._restarts = IceRestarts(
            self._pc,
            self._connections,
            self._tasks,
            deadline=ice_deadline,
            on_renewed=lambda: self._emit(IceRenewed(asyncio.get_running_loop().time())),
            on_failure=self._connectivity.fail,
        )
        self._watch = Watch(self._restarts.own_addresses, self._address_lost)
        _aiortc.track_connecting(self._pc, self._connecting, self._broken)

    @property
    def path(self) -> ReceivePath:
        """What becomes of received media."""
        return self._path

    @property
    def closed(self) -> bool:
        """Whether it is closed or closing."""
        return self._closer is not None

    @property
    def dropped(self) -> dict[str, int]:
        """How many datagrams were dropped, by reason: malformed, from strangers, and so on."""
        return dict(self._connections.dropped)

    async def offer(self, *, audio: Source | None, video: Source | None, data: bool = False) -> str:
        """Make an offer with all candidates in it (RFC 8829 §4.1.8).

        Args:
            audio: What to play; None leaves audio out.
            video: What to play; None leaves video out.
            data: Whether to open a data channel next to them (XEP-0343); see `send`.

        Returns:
            The local description, as SDP.

        Raises:
            NetworkError: No socket could be opened.
            MediaClosedError: The connection was closed meanwhile.
            ValueError: Neither audio nor video, or a source without that kind.
        """
        sources: dict[Kind, Source | None] = {"audio": audio, "video": video}
        if audio is None and video is None:
            raise ValueError("An offer needs audio or video: give at least one source.")
        return await self._tasks.run(self._offer(sources, data))

    async def offer_more(self, *, audio: Source | None = None, video: Source | None = None) -> str:
        """Offer kinds that are not in the call (XEP-0166 §7.2.2); what runs goes on undisturbed.

        Give the peer's whole answer to `accept`; if it refuses, `withdraw` the kinds.

        Args:
            audio: What to play; None leaves audio as it is.
            video: What to play; None leaves video as it is.

        Returns:
            The whole local description, as SDP, the new sections last.

        Raises:
            NetworkError: No socket could be opened; the call is as it was.
            MediaClosedError: The connection was closed meanwhile.
            ValueError: Nothing to offer, a kind that is in the call already, or another offer
                waits for its answer.
        """
        sources: dict[Kind, Source | None] = {"audio": audio, "video": video}
        return await self._tasks.run(self._offer_more(sources))

    async def withdraw(self, kinds: Collection[Kind]) -> None:
        """Take kinds out of the call: neither sent nor received any more, and not offered.

        For when the peer refuses what `offer_more` offered, or a content is removed by either side
        (XEP-0166 §7.2.5). What else runs goes on undisturbed; a kind may be added again.

        Args:
            kinds: Those that are not in the call are ignored.

        Raises:
            MediaClosedError: The connection was closed meanwhile.
        """
        await self._tasks.run(self._withdraw(kinds))

    async def answer(
        self,
        offer: str,
        *,
        audio: Source | None,
        video: Source | None,
        refuse: Collection[Kind] = (),
    ) -> str:
        """Take an offer and make the answer to it, with all candidates in it.

        May be called again in mid-call, with the peer's whole new offer (content-add and
        content-modify, XEP-0166 §7.2): what runs goes on undisturbed. An offer of ours that waits
        for its answer is taken back by it.

        Args:
            offer: The peer's description, as SDP.
            audio: What to play; None answers audio `recvonly`. Where audio is sent already, it is
                not touched: see `play`.
            video: What to play, in the same way.
            refuse: New kinds that are answered `inactive`, which keeps them in place but without
                media.

        Returns:
            The local description, as SDP.

        Raises:
            DescriptionError: The offer cannot be used. In mid-call, the call is as it was.
            IncompatibleMediaError: A kind has no codec in common.
            NetworkError: No socket could be opened.
            MediaClosedError: The connection was closed meanwhile.
            ValueError: A source without that kind.
        """
        sources: dict[Kind, Source | None] = {"audio": audio, "video": video}
        return await self._tasks.run(self._answer(offer, sources, refuse))

    async def accept(self, answer: str) -> None:
        """Take the peer's answer to our offer; connecting begins.

        Args:
            answer: The peer's description, as SDP.

        Raises:
            DescriptionError: The answer cannot be used.
            IncompatibleMediaError: A kind has no codec in common.
            MediaClosedError: The connection was closed meanwhile.
        """
        await self._tasks.run(self._accept(answer))

    async def restart_ice(self, description: str) -> str:
        """Follow the peer's restart of ICE (RFC 8445 §9, XEP-0176 §5.7).

        Media go on over the old pair of addresses until the new one is nominated (`IceRenewed`);
        nothing is lost. Bundled contents are restarted together, others each for itself. Where
        the peer answers a restart that `renew_ice` began, our description does not change.

        Args:
            description: The peer's whole description with its new ufrag and pwd, with or without
                candidates; others may be added from the moment of the call on.

        Returns:
            Our whole local description with our new ufrag, pwd and candidates.

        Raises:
            DescriptionError: It has no credentials.
            NetworkError: No socket could be opened; the old pair stays.
            MediaClosedError: The connection was closed meanwhile.
        """
        return await self._tasks.run(self._restart(Description(description)))

    async def renew_ice(self) -> str:
        """Restart ICE of our own accord, as when the network has changed.

        Tell the peer, and give its description with its new credentials to `restart_ice`.

        Returns:
            Our whole local description with our new ufrag, pwd and candidates.

        Raises:
            NetworkError: No socket could be opened; all is as it was.
            MediaClosedError: The connection was closed meanwhile.
        """
        return await self._tasks.run(self._renew())

    def restart_acknowledged(self) -> None:
        """Take note that the peer has got what `restart_ice` or `renew_ice` gave.

        After its own restart we check no pair of addresses before, for a few seconds: it might
        not know them yet.
        """
        self._restarts.acknowledged()

    def give_up_restart(self) -> None:
        """Go on with the old addresses, as the peer has not answered `renew_ice`."""
        self._restarts.give_up()

    async def add_candidate(self, mid: str, candidate: str) -> None:
        """Take a trickled candidate; one that is of no use is left out silently.

        Args:
            mid: Which content it is for (RFC 5888); with BUNDLE only the first one's count.
            candidate: The candidate-attribute of RFC 8839 §5.1. Empty: the end of candidates.

        Raises:
            DescriptionError: It is no candidate.
            MediaClosedError: The connection was closed meanwhile.
        """
        await self._tasks.run(self._negotiation.add_candidate(mid, candidate))

    def play(self, kind: Kind, source: Source) -> Playback:
        """Swap what is being sent; the RTP timestamps go on.

        Args:
            kind: "audio" or "video".
            source: What to play from its beginning.

        Returns:
            The playback, whose end can be awaited.

        Raises:
            ValueError: The source has no such kind, or nothing of that kind is being sent.
            MediaClosedError: The connection is closed.
        """
        playback = self._sending(kind).play(source)
        if playback.live:
            self._check_echo(source)
            self.request_keyframe()
        return playback

    def playing(self, kind: Kind) -> Playback | None:
        """Give what is being sent.

        Args:
            kind: "audio" or "video".

        Returns:
            The playback, None if nothing of that kind is sent.
        """
        outgoing = self._outgoing(kind)
        return None if outgoing is None else outgoing.playback

    def mute(self, kind: Kind, muted: bool) -> None:
        """Send silence (or one black picture a second) in the place of the source, and back.

        The source stands still meanwhile; the RTP timestamps go on.

        Args:
            kind: "audio" or "video".
            muted: Whether to.

        Raises:
            ValueError: Nothing of that kind is being sent.
            MediaClosedError: The connection is closed.
        """
        outgoing = self._sending(kind)
        outgoing.mute(muted)
        if outgoing.playback.live and not muted:
            self.request_keyframe()

    async def darken(self, kind: Kind) -> None:
        """Send silence or a black picture in the place of the source; return when some is out.

        Args:
            kind: "audio" or "video"; nothing happens if nothing of it is being sent.
        """
        outgoing = self._outgoing(kind)
        if outgoing is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(DARK):
                await outgoing.darken()

    def pause(self, kind: Kind, paused: bool) -> None:
        """Send nothing of a kind, not even silence, and go on.

        What was negotiated stays: the peer need not be asked before it begins or ends. The source
        stands still meanwhile; the RTP timestamps go on.

        Args:
            kind: "audio" or "video".
            paused: Whether to.

        Raises:
            ValueError: Nothing of that kind is being sent.
            MediaClosedError: The connection is closed.
        """
        outgoing = self._sending(kind)
        outgoing.pause(paused)
        if outgoing.playback.live and not paused:
            self.request_keyframe()

    def send(self, data: str | bytes) -> None:
        """Send a message over the data channel, in order and without loss (RFC 8831).

        Args:
            data: Text or bytes, 64 KiB at most.

        Raises:
            ValueError: It is too long.
            DataChannelError: No channel is open (`DataOpened` tells), or the peer is too slow.
        """
        self._data.send(data)

    def add_sink(self, sink: Sink) -> None:
        """Add a sink, and have key frames sent both ways so that it can begin.

        Args:
            sink: Called on the loop; it must not block.
        """
        self.sinks.append(sink)
        self.send_keyframe()
        self.request_keyframe()

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink.

        Args:
            sink: One that was added; unknown ones are ignored.
        """
        with suppress(ValueError):
            self.sinks.remove(sink)

    def frames(self, kind: Kind, limit: int = 50) -> AsyncIterator[Frame]:
        """Iterate over the decoded frames of a kind, on the path `frames`.

        Args:
            kind: "audio" or "video".
            limit: How many frames wait for a slow reader, in 64 MiB at most; the oldest are
                dropped.

        Returns:
            An iterator that ends when the connection closes; what was not read by then is gone.

        Raises:
            ValueError: The path is not `frames`, or nothing of that kind is received.
        """
        medium = self._negotiation.media.get(kind)
        if self._path is not ReceivePath.FRAMES or medium is None:
            raise ValueError(f"There are no decoded {kind} frames: use the path 'frames'.")
        iterator = medium.incoming.iterate(limit)
        self.request_keyframe()
        return iterator

    def request_keyframe(self) -> None:
        """Ask the peer for a video key frame (PLI, RFC 4585 §6.3.1), and again until one comes.

        It is asked at once, or with its first packet if none has come yet; at most once a second,
        however many ask.
        """
        medium = self._negotiation.media.get("video")
        if medium is not None and not self.closed:
            medium.incoming.request_keyframe()

    def send_keyframe(self) -> None:
        """Send a video key frame now, if we send video."""
        outgoing = self._outgoing("video")
        if outgoing is not None:
            outgoing.keyframe()

    def statistics(self) -> tuple[MediaStatistics, ...]:
        """Give the counters, also after `close`.

        Returns:
            One entry for each kind that was negotiated, audio first.
        """
        media = [*self._negotiation.past, *self._negotiation.media.values()]
        by_kind = {kind: [m for m in media if m.kind == kind and m.negotiated] for kind in KINDS}
        return tuple(statistics(each) for each in by_kind.values() if each)

    def freezes(self) -> tuple[Freeze, ...]:
        """Give when received video stood still, the last 100 times; also after `close`.

        Returns:
            In order, on the loop's clock.
        """
        media = [*self._negotiation.past, *self._negotiation.media.values()]
        found = [each for medium in media for each in medium.incoming.freezes().last]
        return tuple(found[-Freezes.MOST :])

    async def close(self) -> None:
        """End everything; when it returns no task, socket or thread is left."""
        await asyncio.shield(self._close())

    def _close(self, *, by_peer: bool = False) -> "asyncio.Task[None]":
        if self._closer is None:
            self._closer = asyncio.get_running_loop().create_task(self._shut(by_peer))
        return self._closer

    async def _shut(self, by_peer: bool) -> None:
        self._connectivity.stop()
        OwnAddresses.running().remove(self._watch)
        await _in_time("its tasks", self._tasks.close())
        media = tuple(self._negotiation.media.values())
        for medium in media:
            if medium.outgoing is not None:
                medium.outgoing.close()
        connections = tuple(self._connections.open)
        await _in_time("the peer connection", self._pc.close())
        await _in_time("its sockets", self._connections.close())
        await _in_time("connecting", self._end_connecting())
        # Who became connected only now has begun to send, and to ask for consent (RFC 7675).
        await _in_time("its transceivers", self._stop_transceivers())
        await _in_time("its sockets", self._connections.close(*connections))
        for medium in media:
            await _in_time("what comes in", medium.incoming.close())
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

    async def _offer(self, sources: dict[Kind, Source | None], data: bool) -> str:
        async with self._negotiating:
            if data:
                self._data.create()
            return await self._negotiation.offer(sources)

    async def _offer_more(self, sources: dict[Kind, Source | None]) -> str:
        wanted = [kind for kind in KINDS if sources[kind] is not None]
        if not wanted:
            raise ValueError("Nothing to add: give at least one source.")
        async with self._negotiating:
            for kind in wanted:
                if kind in self._negotiation.media:
                    raise ValueError(f"There is {kind} in this call: see `play`.")
            if self._pc.signalingState != "stable" or self._pc.remoteDescription is None:
                raise ValueError("An offer waits for its answer: add nothing meanwhile.")
            return await self._negotiation.offer(sources)

    async def _answer(
        self, offer: str, sources: dict[Kind, Source | None], refuse: Collection[Kind]
    ) -> str:
        async with self._negotiating:
            answer = await self._negotiation.answer(offer, sources, refuse)
            self._negotiated()
            return answer

    async def _accept(self, answer: str) -> None:
        async with self._negotiating:
            await self._negotiation.accept(answer)
            self._negotiated()

    async def _withdraw(self, kinds: Collection[Kind]) -> None:
        async with self._negotiating:
            await self._negotiation.withdraw(kinds)

    async def _restart(self, remote: Description) -> str:
        self._negotiation.forget_candidates()
        remote.filter(self._negotiation.keep)
        await self._restarts.follow(remote)
        return _aiortc.local_description(self._pc)

    async def _renew(self) -> str:
        await self._restarts.begin()
        return _aiortc.local_description(self._pc)

    def _make_outgoing(self, kind: Kind, source: Source) -> Outgoing:
        self._check_echo(source)

        def medium() -> Medium:
            return self._negotiation.media[kind]

        return Outgoing(
            kind,
            source,
            codec=lambda: medium().codec,
            stream=lambda: medium().open_stream(),
            is_watched=lambda: bool(self.sinks),
            on_sent=self._sent,
            on_ended=self._playback_ended,
        )

    def _make_incoming(self, kind: Kind, transceiver: RTCRtpTransceiver) -> Incoming:
        return Incoming(
            kind,
            transceiver,
            self._path,
            _aiortc.hold_to_budgets(transceiver, self._broken),
            on_first=self._first_media,
            on_unseen=lambda at: self._emit(VideoUnseen(at)),
            on_frame=self._received,
            listeners=self.listeners,
            largest_picture=self._largest_picture,
        )

    def _negotiated(self) -> None:
        for medium in self._negotiation.media.values():
            self._begin(medium)
        self._data.negotiated()
        self._connectivity.start()

    def _begin(self, medium: Medium) -> None:
        medium.incoming.learn(self._negotiation.repairs(medium))
        if medium.outgoing is not None:
            medium.outgoing.prepare()
            sender = medium.transceiver.sender
            _aiortc.on_keyframe_request(sender, self._keyframe_requested)
        if self._path is ReceivePath.FRAMES:
            medium.incoming.start()

    def _check_echo(self, source: Source) -> None:
        if self._path is ReceivePath.NONE and isinstance(source, Echo):
            raise ValueError("An echo needs the path 'packets' or 'frames'.")

    def _outgoing(self, kind: Kind) -> Outgoing | None:
        medium = self._negotiation.media.get(kind)
        return None if medium is None else medium.outgoing

    def _sending(self, kind: Kind) -> Outgoing:
        if self.closed:
            raise MediaClosedError("The connection is closed.")
        outgoing = self._outgoing(kind)
        if outgoing is None:
            raise ValueError(f"This call sends no {kind}: offer or answer with a source.")
        return outgoing

    def _sent(self, frame: EncodedFrame) -> None:
        self._feed(Direction.SENT, frame)

    def _received(self, frame: EncodedFrame) -> None:
        outgoing = self._outgoing(frame.kind)
        if outgoing is not None:
            outgoing.echo(frame)
        self._feed(Direction.RECEIVED, frame)

    def _feed(self, direction: Direction, frame: EncodedFrame) -> None:
        for sink in tuple(self.sinks):
            try:
                sink(direction, frame)
            except Exception:
                logger.exception("A sink failed and is taken off")
                self.remove_sink(sink)

    def _keyframe_requested(self) -> None:
        outgoing = self._outgoing("video")
        if outgoing is not None and outgoing.playback.live:
            self.request_keyframe()
        elif outgoing is not None:
            outgoing.keyframe(by_peer=True)

    def _first_media(self, kind: Kind, at: float) -> None:
        self._emit(FirstMedia(kind, at))

    def _playback_ended(self, playback: Playback) -> None:
        if playback.failure is not None:
            logger.warning("A source ended early: %s", playback.failure)
        self._emit(PlaybackEnded(playback.kind, playback.failure))

    def _reached(self, milestone: Milestone) -> None:
        if isinstance(milestone, Connected):
            OwnAddresses.running().add(self._watch)
        self._emit(milestone)

    def _address_lost(self, address: str) -> None:
        self._emit(AddressLost(address, asyncio.get_running_loop().time()))

    def _fail(self, reason: str, text: str) -> None:
        self._emit(MediaFailed(reason, text))
        self._close()

    def _broken(self) -> None:
        self._connectivity.fail(*BROKEN)

    def _emit(self, event: MediaEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            logger.exception("The handler of %s failed", type(event).__name__)


async def _in_time(what: str, step: Coroutine[Any, Any, None]) -> None:
    """Take a step of closing; one that fails, or does not end, holds up no other."""
    task = asyncio.get_running_loop().create_task(step)
    await asyncio.wait([task], timeout=STEP)
    if not task.done():
        logger.error("Closing a call: %s did not end within %g s", what, STEP)
        task.cancel()
        await asyncio.wait([task], timeout=STEP)
    elif not task.cancelled() and (error := task.exception()) is not None:
        logger.error("Closing a call: %s did not end in order", what, exc_info=error)
