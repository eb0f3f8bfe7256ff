"""One call's media: a peer connection with its sources, its receive path and its counters."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from typing import Any

from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError
from aiortc.sdp import candidate_from_sdp

from . import _aioice, _aiortc
from .chores import Chores, cancelled
from .codec import CODECS
from .connectivity import Connectivity
from .description import Description
from .echo import Echo
from .errors import DescriptionError, IncompatibleMediaError, MediaClosedError
from .events import (
    Closed,
    FirstMedia,
    MediaEvent,
    MediaFailed,
    PlaybackEnded,
)
from .frame import Direction, EncodedFrame, Kind
from .incoming import Frame, Incoming, Listener
from .network import Network
from .outgoing import Outgoing
from .path import Path
from .playback import Playback
from .quality import mean_opinion_score
from .source import Source
from .statistics import MediaStatistics

logger = logging.getLogger(__name__)

Sink = Callable[[Direction, EncodedFrame], None]

KINDS: tuple[Kind, ...] = ("audio", "video")


class PeerConnection:
    """An `RTCPeerConnection` that plays sources, hands on what comes in, and ends in time.

    Use it on one event loop. Every method but `close` may raise `MediaClosedError` once it is
    closed; `close` may be called at any moment, more than once.

    Attributes:
        sinks: Called on the loop with each encoded frame sent, and on the paths `packets` and
            `frames` with each one received. Use `add_sink` so that video starts with a key frame.
        listeners: Called on the loop with the kind and each decoded frame, on the path `frames`.
    """

    MAX_CANDIDATES = 100

    def __init__(
        self,
        *,
        network: Network,
        path: Path,
        on_event: Callable[[MediaEvent], None],
        ice_deadline: float = 30.0,
        dtls_deadline: float = 10.0,
    ) -> None:
        """Make a connection; nothing is opened before an offer or an answer is asked for.

        Args:
            network: Which addresses and ports its sockets may have.
            path: What becomes of received media.
            on_event: Called on the loop with what happens, the last time with `Closed`.
            ice_deadline: Seconds from both descriptions being known until ICE must be connected.
            dtls_deadline: Seconds from there until DTLS must be done.
        """
        self.sinks: list[Sink] = []
        self.listeners: list[Listener] = []
        self._network = network
        self._path = path
        self._on_event = on_event
        # Always a list: without one aiortc asks a public STUN server. `_aioice` asks ours.
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._bound: dict[int, Any] = {}
        self._candidates = 0
        self._chores = Chores()
        self._closer: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[Any]] = set()
        self._incoming: dict[Kind, Incoming] = {}
        self._outgoing: dict[Kind, Outgoing] = {}
        self._transceivers: dict[Kind, RTCRtpTransceiver] = {}
        self._connectivity = Connectivity(
            self._pc,
            ice_deadline=ice_deadline,
            dtls_deadline=dtls_deadline,
            on_milestone=self._emit,
            on_failure=self._fail,
            on_peer_closed=lambda: self._close(by_peer=True),
        )
        _aiortc.track_connecting(self._pc, self._connecting)

    @property
    def path(self) -> Path:
        """What becomes of received media."""
        return self._path

    @property
    def closed(self) -> bool:
        """Whether it is closed or closing."""
        return self._closer is not None

    async def offer(self, *, audio: Source | None, video: Source | None) -> str:
        """Make an offer with all candidates in it (RFC 8829 §4.1.8).

        Args:
            audio: What to play; None leaves audio out.
            video: What to play; None leaves video out.

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
        return await self._chores.run(self._offer(sources))

    async def answer(
        self,
        offer: str,
        *,
        audio: Source | None,
        video: Source | None,
        refuse: Collection[Kind] = (),
    ) -> str:
        """Take an offer and make the answer to it, with all candidates in it.

        Args:
            offer: The peer's description, as SDP.
            audio: What to play; None answers audio `recvonly`.
            video: What to play; None answers video `recvonly`.
            refuse: Kinds that are answered `inactive`, which keeps them in place but without media.

        Returns:
            The local description, as SDP.

        Raises:
            DescriptionError: The offer cannot be used.
            IncompatibleMediaError: A kind has no codec in common.
            NetworkError: No socket could be opened.
            MediaClosedError: The connection was closed meanwhile.
            ValueError: A source without that kind.
        """
        sources: dict[Kind, Source | None] = {"audio": audio, "video": video}
        return await self._chores.run(self._answer(offer, sources, refuse))

    async def accept(self, answer: str) -> None:
        """Take the peer's answer to our offer; connecting begins.

        Args:
            answer: The peer's description, as SDP.

        Raises:
            DescriptionError: The answer cannot be used.
            IncompatibleMediaError: A kind has no codec in common.
            MediaClosedError: The connection was closed meanwhile.
        """
        await self._chores.run(self._accept(answer))

    async def add_candidate(self, mid: str, candidate: str) -> None:
        """Take a trickled candidate; one that is of no use is left out silently.

        Args:
            mid: Which content it is for (RFC 5888); with BUNDLE only the first one's count.
            candidate: The candidate-attribute of RFC 8839 §5.1. Empty: the end of candidates.

        Raises:
            DescriptionError: It is no candidate.
            MediaClosedError: The connection was closed meanwhile.
        """
        if not candidate:
            await self._chores.run(self._pc.addIceCandidate(None))
            return
        if not self._keep(candidate):
            return
        try:
            parsed = candidate_from_sdp(candidate.removeprefix("candidate:"))
        except (AssertionError, ValueError, IndexError) as error:
            raise DescriptionError(f"{candidate!r} is no ICE candidate: {error}") from None
        parsed.sdpMid = mid
        await self._chores.run(self._pc.addIceCandidate(parsed))

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
        outgoing = self._outgoing.get(kind)
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
            limit: How many frames wait for a slow reader; the oldest are dropped.

        Returns:
            An iterator that ends when the connection closes.

        Raises:
            ValueError: The path is not `frames`, or nothing of that kind is received.
        """
        incoming = self._incoming.get(kind)
        if self._path is not Path.FRAMES or incoming is None:
            raise ValueError(f"There are no decoded {kind} frames: use the path 'frames'.")
        iterator = incoming.iterate(limit)
        self.request_keyframe()
        return iterator

    def request_keyframe(self) -> None:
        """Ask the peer for a video key frame (PLI, RFC 4585 §6.3.1)."""
        incoming = self._incoming.get("video")
        if incoming is not None and incoming.ssrc is not None and not self.closed:
            self._chores.spawn(_aiortc.send_pli(incoming.receiver, incoming.ssrc))

    def send_keyframe(self) -> None:
        """Send a video key frame now, if we send video."""
        outgoing = self._outgoing.get("video")
        if outgoing is not None:
            outgoing.keyframe()

    def statistics(self) -> tuple[MediaStatistics, ...]:
        """Give the counters, also after `close`.

        Returns:
            One entry for each kind that was negotiated, audio first.
        """
        return tuple(
            self._statistics(kind, self._transceivers[kind])
            for kind in KINDS
            if kind in self._transceivers and _aiortc.codec_names(self._transceivers[kind])
        )

    async def close(self) -> None:
        """End everything; when it returns no task, socket or thread is left."""
        await asyncio.shield(self._close())

    def _close(self, *, by_peer: bool = False) -> "asyncio.Task[None]":
        if self._closer is None:
            self._closer = asyncio.get_running_loop().create_task(self._shut(by_peer))
        return self._closer

    async def _shut(self, by_peer: bool) -> None:
        self._connectivity.stop()
        await self._chores.close()
        for outgoing in self._outgoing.values():
            outgoing.close()
        try:
            await self._pc.close()
            # A transport that lost its place in a bundle while we were cancelled is not aiortc's
            # any more; closing twice does no harm.
            for connection in self._bound.values():
                await _aioice.close(connection)
            if self._connecting:
                await asyncio.wait(self._connecting, timeout=1)
            await cancelled(self._connecting)
            # Who became connected only now has begun to ask for consent (RFC 7675).
            for connection in self._bound.values():
                await _aioice.close(connection)
        except Exception:
            logger.exception("The peer connection did not close in order")
        for incoming in self._incoming.values():
            await incoming.close()
        self._emit(Closed(by_peer))

    async def _offer(self, sources: dict[Kind, Source | None]) -> str:
        for kind, source in sources.items():
            if source is not None:
                self._add(kind, source, "sendrecv")
        return await self._describe(await self._pc.createOffer())

    async def _answer(
        self, offer: str, sources: dict[Kind, Source | None], refuse: Collection[Kind]
    ) -> str:
        description = Description(offer)
        refused = {
            index: section.refusal()
            for index, section in enumerate(description.sections)
            if section.rejected or not _aiortc.has_common_codec(offer, index)
        }
        description.remove(set(refused))
        if not any(section.media_kind for section in description.sections):
            raise IncompatibleMediaError("The offer has no audio or video that we can take.")
        for section in description.sections:
            kind = section.media_kind
            if kind in self._transceivers:
                self._pc.addTransceiver(kind, "inactive")
            elif kind is not None:
                source = None if kind in refuse else sources[kind]
                self._add(kind, source, "inactive" if kind in refuse else None)
        await self._set_remote(description, "offer")
        answer = Description(await self._describe(await self._pc.createAnswer()))
        for index, section in refused.items():
            answer.sections.insert(index, section)
        self._negotiated()
        return str(answer)

    async def _accept(self, answer: str) -> None:
        await self._set_remote(Description(answer), "answer")
        self._negotiated()

    def _add(self, kind: Kind, source: Source | None, direction: str | None) -> None:
        """Add a transceiver, with everything that goes in and out of it."""
        trackable: Any = kind
        if source is not None:
            self._check_echo(source)
            outgoing = Outgoing(
                kind,
                source,
                codec=lambda: self._codec(kind),
                on_sent=self._sent,
                on_ended=self._playback_ended,
            )
            self._outgoing[kind] = outgoing
            trackable = outgoing.track
        chosen = direction or ("recvonly" if source is None else "sendrecv")
        transceiver = self._pc.addTransceiver(trackable, chosen)
        capabilities = RTCRtpSender.getCapabilities(kind).codecs
        names = [name.lower() for name in CODECS[kind]]
        known = [c for c in capabilities if c.name.lower() in (*names, "rtx")]
        known.sort(key=lambda c: (*names, "rtx").index(c.name.lower()))
        transceiver.setCodecPreferences(known)
        self._transceivers[kind] = transceiver
        self._incoming[kind] = Incoming(
            kind,
            transceiver,
            self._path,
            on_first=self._first_media,
            on_frame=self._received,
            listeners=self.listeners,
        )
        if kind in self._outgoing:
            _aiortc.on_keyframe_request(transceiver.sender, self._keyframe_requested)

    async def _describe(self, description: RTCSessionDescription) -> str:
        for connection in _aiortc.ice_connections(self._pc):
            if id(connection) not in self._bound:
                self._bound[id(connection)] = connection
                _aioice.bind_to(connection, self._network)
        await self._pc.setLocalDescription(description)
        return str(self._pc.localDescription.sdp)

    async def _set_remote(self, description: Description, type_: str) -> None:
        description.filter(self._keep)
        for section in description.sections:
            if section.rejected:
                section.silence()
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(str(description), type_))
        except OperationError as error:
            raise IncompatibleMediaError(f"There is no codec in common: {error}") from error
        except (ValueError, AssertionError, LookupError, AttributeError) as error:
            raise DescriptionError(f"The peer's {type_} cannot be used: {error}") from error

    def _keep(self, candidate: str) -> bool:
        if self._candidates >= self.MAX_CANDIDATES or not self._network.usable(candidate):
            return False
        self._candidates += 1
        return True

    def _negotiated(self) -> None:
        for outgoing in self._outgoing.values():
            outgoing.prepare()
        if self._path is Path.FRAMES:
            for incoming in self._incoming.values():
                incoming.start()
        self._connectivity.start()

    def _codec(self, kind: Kind) -> tuple[str, int]:
        return next(iter(_aiortc.codec_names(self._transceivers[kind]).values()))

    def _check_echo(self, source: Source) -> None:
        if self._path is Path.NONE and isinstance(source, Echo):
            raise ValueError("An echo needs the path 'packets' or 'frames'.")

    def _sending(self, kind: Kind) -> Outgoing:
        if self.closed:
            raise MediaClosedError("The connection is closed.")
        try:
            return self._outgoing[kind]
        except KeyError:
            raise ValueError(f"This call sends no {kind}: offer or answer with a source.") from None

    def _sent(self, frame: EncodedFrame) -> None:
        self._feed(Direction.SENT, frame)

    def _received(self, frame: EncodedFrame) -> None:
        outgoing = self._outgoing.get(frame.kind)
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
        outgoing = self._outgoing["video"]
        if outgoing.playback.live:
            self.request_keyframe()
        else:
            outgoing.keyframe()

    def _first_media(self, kind: Kind, at: float) -> None:
        self._emit(FirstMedia(kind, at))

    def _playback_ended(self, playback: Playback) -> None:
        self._emit(PlaybackEnded(playback.kind, playback.failure))

    def _statistics(self, kind: Kind, transceiver: RTCRtpTransceiver) -> MediaStatistics:
        reception = self._incoming[kind].reception
        codec, _ = self._codec(kind)
        received, lost = reception.received, reception.lost
        jitter_ms = reception.jitter * 1000
        rtt = _aiortc.round_trip(transceiver.sender)
        rtt_ms = None if rtt is None else max(0.0, rtt * 1000)
        mos = None
        if received:
            share = lost / (lost + received)
            mos = mean_opinion_score(codec, lost=share, jitter_ms=jitter_ms, rtt_ms=rtt_ms)
        return MediaStatistics(
            kind=kind,
            codec=codec,
            sent=_aiortc.packets_sent(transceiver.sender),
            received=received,
            lost=lost,
            jitter_ms=jitter_ms,
            rtt_ms=rtt_ms,
            mos=mos,
        )

    def _fail(self, reason: str, text: str) -> None:
        self._emit(MediaFailed(reason, text))
        self._close()

    def _emit(self, event: MediaEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            logger.exception("The handler of %s failed", type(event).__name__)
