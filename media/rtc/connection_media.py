"""The audio and video of one connection: what is played, what is received, what was counted."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from aiortc import RTCRtpTransceiver

from ..codecs.picture import BIT_RATE
from ..errors import MediaClosedError
from ..frames.frame import KINDS, Direction, EncodedFrame, Kind
from ..frames.frame_batch import FrameBatch
from ..sources.echo import Echo
from ..sources.forwarded import Forwarded
from ..sources.playback import Playback
from ..sources.source import Source
from . import _aiortc
from .events import (
    FirstMedia,
    KeyframeAsked,
    KeyframeCame,
    MediaBegan,
    PlaybackEnded,
    PlaybackStuck,
    VideoUnseen,
)
from .received_streams import ReceivedStreams
from .rtp.incoming import Incoming
from .rtp.insert import Insert
from .rtp.key_presses import KeyPress
from .rtp.medium import Medium, statistics
from .rtp.outgoing import STUCK, Outgoing
from .rtp.paced_stream import ShortWay
from .rtp.receive_path import ReceivePath
from .rtp.reports import Reports
from .rtp.statistics import MediaStatistics
from .rtp.telephone_event import DigitEvent
from .rtp.video.freezes import Freeze, Freezes
from .watchers import Watchers

logger = logging.getLogger(__name__)

DigitListener = Callable[[DigitEvent], None]
Sink = Callable[[Direction, EncodedFrame], None]
PatientSink = Callable[[Direction, Sequence[EncodedFrame]], None]

_Event = (
    FirstMedia
    | KeyframeAsked
    | KeyframeCame
    | MediaBegan
    | PlaybackEnded
    | PlaybackStuck
    | VideoUnseen
    | DigitEvent
)

REQUESTS_TOLD = 1.0
"""Seconds between two of the peer's requests for a key frame that are told."""

DARK = 2.0
"""Seconds in which the first black picture of a muted source must have gone out."""


class ConnectionMedia:
    """The audio and video of one `PeerConnection`.

    Attributes:
        path: What becomes of received media.
        sinks: Called on the loop with each encoded frame sent, and on the paths `packets` and
            `frames` with each one received. Add to it by `add_sink`, so that video starts with a
            key frame.
        received: Who hears and sees what is received.
        digit_listeners: Called on the loop when the peer presses a key and when it lets it go.
        by_kind: What is in the call, for `OfferAnswer` to change.
        changes: How often what is sent has become something else: another source or none, another
            insert or codec, a kind more or less. Who has to follow looks whether it has grown.
        past: What was in the call, was used and is no longer in it.
    """

    def __init__(
        self,
        path: ReceivePath,
        *,
        largest_picture: int,
        on_event: Callable[[_Event], None],
    ) -> None:
        """Begin without any media.

        Args:
            path: What becomes of received media.
            largest_picture: Pixels of the largest picture that is decoded.
            on_event: Called on the loop with what happens.
        """
        self.path = path
        self._patient: dict[Sink, PatientSink] = {}
        self.sinks: Watchers[Sink] = Watchers(self.take_back)
        self.digit_listeners: list[DigitListener] = []
        self.by_kind: dict[Kind, Medium] = {}
        self.changes = 0
        self.past: list[Medium] = []
        self._on_event = on_event
        self._closed = False
        self._tell_request_at = 0.0
        self.received = ReceivedStreams(
            largest_picture=largest_picture,
            check=self._check_receiving,
            on_wanted=self.take_back,
            request_keyframe=self.request_keyframe,
        )

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is sent or received, for good."""
        return self._closed

    def play(self, kind: Kind, source: Source) -> Playback:
        """Replace what is sent. The RTP timestamps go on.

        Args:
            kind: "audio" or "video".
            source: What to play, from its beginning.

        Returns:
            The playback; its end can be awaited.

        Raises:
            ValueError: The source has no such kind, or nothing of that kind is sent.
            MediaClosedError: The connection is closed.
        """
        outgoing = self._sending(kind)
        self._check_echo(source)
        playback = outgoing.play(source)
        self.take_back()
        self.changes += 1
        self._ask_origin(outgoing)
        return playback

    def playing(self, kind: Kind) -> Playback | None:
        """Return what is sent.

        Args:
            kind: "audio" or "video".

        Returns:
            The playback; None if nothing of that kind is sent.
        """
        outgoing = self._outgoing(kind)
        return None if outgoing is None else outgoing.playback

    def press(self, digits: str, seconds: float | None) -> list[KeyPress]:
        """Press keys, in the place of the sound, after those that wait (RFC 4733).

        Also while the sound is muted; while it is paused, they wait.

        Args:
            digits: Of 0-9, *, # and A-D; a comma waits for two seconds.
            seconds: For how long each is pressed, 0.04 to 60; None: until it is released.

        Returns:
            The presses: each can be released, and its end can be awaited.

        Raises:
            ValueError: One is no key, they are too many, the peer takes none, or no audio is sent.
            MediaClosedError: The connection is closed.
        """
        return self._sending("audio").press(digits, seconds)

    def hold(self, kind: Kind, held: bool, music: Source | None = None) -> None:
        """Send silence, a black picture a second or music in place of the source; or stop it.

        The source pauses meanwhile. The RTP timestamps go on.

        Args:
            kind: "audio" or "video".
            held: Whether to; a second time changes what is sent.
            music: What to send in its place; None: silence or black.

        Raises:
            ValueError: Nothing of that kind is sent, or the music has no such kind.
            MediaClosedError: The connection is closed.
        """
        outgoing = self._sending(kind)
        outgoing.hold(held, music)
        if not held:
            self._ask_origin(outgoing)

    def mute(self, kind: Kind, muted: bool) -> None:
        """Send silence, or one black picture a second, in place of the source; or stop doing so.

        The source pauses meanwhile. The RTP timestamps go on.

        Args:
            kind: "audio" or "video".
            muted: Whether to mute.

        Raises:
            ValueError: Nothing of that kind is sent.
            MediaClosedError: The connection is closed.
        """
        outgoing = self._sending(kind)
        outgoing.mute(muted)
        if not muted:
            self._ask_origin(outgoing)

    async def darken(self, kind: Kind) -> None:
        """Mute a kind and wait, at most two seconds, until silence or a black picture is out.

        Args:
            kind: "audio" or "video". If nothing of it is sent, nothing happens.
        """
        outgoing = self._outgoing(kind)
        if outgoing is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(DARK):
                await outgoing.darken()

    def pause(self, kind: Kind, paused: bool) -> None:
        """Send nothing of a kind, not even silence; or go on.

        What was negotiated stays, so the peer is not asked. The source pauses meanwhile. The RTP
        timestamps go on.

        Args:
            kind: "audio" or "video".
            paused: Whether to pause.

        Raises:
            ValueError: Nothing of that kind is sent.
            MediaClosedError: The connection is closed.
        """
        outgoing = self._sending(kind)
        outgoing.pause(paused)
        if not paused:
            self._ask_origin(outgoing)

    def forward(self, frame: EncodedFrame, *, anew: bool = False) -> None:
        """Send a frame that another leg has received, where a `Forwarded` is played.

        Pictures begin with a key frame, also after a mute, a hold or a pause. Until it comes, where
        they come from is asked for one.

        Args:
            frame: Whole, as a sink of the other leg gets it; one of another kind or codec than is
                sent is left out.
            anew: Whether it comes from another leg than the one before.
        """
        medium = self.by_kind.get(frame.kind)
        outgoing = None if medium is None else medium.outgoing
        if outgoing is not None and not outgoing.forward(frame, anew=anew):
            self._ask_origin(outgoing)

    def short_way(self) -> ShortWay | None:
        """Return what sends sound of another leg like `forward`, with less asked for each frame.

        Returns:
            None while no sound is sent. It is given a frame, and says whether it went out; if not,
            the frame is for `forward`, and this is to be asked for again.
        """
        outgoing = self._outgoing("audio")
        return None if outgoing is None else outgoing.short_way

    def put_between(self, kind: Kind, insert: Insert) -> bool:
        """Let something stand between what is played and what goes out, with nobody else there.

        Args:
            kind: "audio" or "video". If nothing of it is sent, nothing happens.
            insert: Is given each frame that would go out; `inject` sends one in its place.

        Returns:
            Whether that begins now.
        """
        outgoing = self._outgoing(kind)
        if outgoing is None or outgoing.insert is insert:
            return False
        outgoing.put_between(insert)
        self.changes += 1
        return True

    def remove_insert(self, insert: Insert) -> None:
        """Let go out again what is played, beginning with a key frame.

        Args:
            insert: What stands between; another one is left there.
        """
        for medium in self.by_kind.values():
            if medium.outgoing is not None and medium.outgoing.insert is insert:
                medium.outgoing.put_between(None)
                self.changes += 1
                self._ask_origin(medium.outgoing)

    def inject(self, frame: EncodedFrame, *, anew: bool = False) -> None:
        """Send a frame of who stands between what is played and what goes out.

        Args:
            frame: Whole; one of another kind or codec than is sent is left out.
            anew: Whether it comes from elsewhere than the one before.
        """
        outgoing = self._outgoing(frame.kind)
        if outgoing is None or outgoing.insert is None:
            return
        if not outgoing.inject(frame, anew=anew):
            outgoing.insert.request_keyframe()

    def is_sending(self, kind: Kind) -> bool:
        """Tell whether frames of a kind that are forwarded go out, as far as we know."""
        outgoing = self._outgoing(kind)
        return outgoing is not None and outgoing.has_started

    def since_keyframe(self) -> tuple[EncodedFrame, ...]:
        """Return the pictures that were sent since the last key frame; none of what is live."""
        outgoing = self._outgoing("video")
        return () if outgoing is None else outgoing.since_keyframe()

    def renew_picture(self) -> None:
        """Send a key frame of what is live, from whomever it comes."""
        outgoing = self._outgoing("video")
        if outgoing is not None and not self._ask_origin(outgoing):
            outgoing.keyframe()

    def codec(self, kind: Kind) -> str | None:
        """Return the RTP encoding name of what is sent of a kind; None while nothing is."""
        outgoing = self._outgoing(kind)
        return None if outgoing is None else outgoing.codec or None

    def bit_rate(self) -> int:
        """Return the bits per second of video that the peer can take, as far as it has said so."""
        medium = self.by_kind.get("video")
        return (None if medium is None else medium.allowed_bit_rate) or BIT_RATE

    def add_sink(self, sink: Sink) -> None:
        """Add a sink, and get it a key frame of each direction to start with.

        Args:
            sink: Called on the loop; it must not block.
        """
        self.sinks.append(sink)
        self._send_keyframes()

    def add_patient_sink(self, sink: PatientSink) -> None:
        """Add a sink that may get frames of sound some seconds late, if nobody else wants them.

        Args:
            sink: Called on the loop with frames of one kind and direction, in their order; it must
                not block. `settle` gives it what there is.
        """

        def take(direction: Direction, frame: EncodedFrame) -> None:
            sink(direction, (frame,))

        self._patient[take] = sink
        self.sinks.append(take)
        self._send_keyframes()

    def _send_keyframes(self) -> None:
        self.send_keyframe()
        self.request_keyframe()

    def remove_sink(self, sink: Sink) -> None:
        """Remove a sink.

        Args:
            sink: One that was added; others are ignored.
        """
        self._patient.pop(sink, None)
        with suppress(ValueError):
            self.sinks.remove(sink)

    def take_back(self) -> None:
        """Look at each packet again: something else may be wanted, or possible, now."""
        for medium in self.by_kind.values():
            if medium.outgoing is not None:
                medium.outgoing.take_back()
            medium.incoming.take_back()

    def settle(self) -> None:
        """Give patient sinks what there is."""
        for medium in self.by_kind.values():
            if medium.outgoing is not None:
                medium.outgoing.settle()
            medium.incoming.settle()

    def request_keyframe(self) -> None:
        """Ask the peer for a video key frame (PLI, RFC 4585 §6.3.1), and again until one comes.

        The request goes out at once, or with the peer's first packet if none has come yet; at most
        one a second, however many ask.
        """
        medium = self.by_kind.get("video")
        if medium is not None and not self._closed:
            medium.incoming.request_keyframe()

    def send_keyframe(self) -> None:
        """Send a video key frame now, if we send video."""
        outgoing = self._outgoing("video")
        if outgoing is not None:
            outgoing.keyframe()

    def codecs(self, direction: Direction) -> dict[Kind, str]:
        """Return the codec of each kind of which the sinks get encoded frames, by what is agreed.

        Args:
            direction: Whether we send or receive.
        """
        if direction is Direction.RECEIVED and self.path is ReceivePath.NONE:
            return {}
        flowing = (kind for kind, medium in self.by_kind.items() if medium.flows(direction))
        return {kind: self.by_kind[kind].codec[0] for kind in flowing}

    def flowing(self, direction: Direction) -> dict[Kind, str]:
        """Return the codec of each kind of which the sinks get encoded frames, by what flows.

        A peer may send another codec than it has named first. Until something has come, what is
        agreed counts.

        Args:
            direction: Whether we send or receive.
        """
        flowing = self.codecs(direction)
        if direction is Direction.SENT:
            return {kind: self.codec(kind) or agreed for kind, agreed in flowing.items()}
        return {kind: self.received.codecs.get(kind, agreed) for kind, agreed in flowing.items()}

    def statistics(self) -> tuple[MediaStatistics, ...]:
        """Return the counters, also after the connection is closed.

        Returns:
            One entry for each kind that was negotiated, audio first.
        """
        media = [*self.past, *self.by_kind.values()]
        by_kind = {kind: [m for m in media if m.kind == kind and m.negotiated] for kind in KINDS}
        return tuple(statistics(each) for each in by_kind.values() if each)

    def freezes(self) -> tuple[Freeze, ...]:
        """Return when received video stood still, also after the connection is closed.

        Returns:
            The last 100 times, in order, on the loop's clock.
        """
        media = [*self.past, *self.by_kind.values()]
        found = [each for medium in media for each in medium.incoming.freezes().last]
        return tuple(found[-Freezes.MOST :])

    def can_play(self, kind: Kind, source: Source) -> bool:
        """Tell whether `outgoing` can be made of a source."""
        return kind in source.kinds and self._hears(source)

    def outgoing(self, kind: Kind, source: Source) -> Outgoing:
        """Make what sends a kind, for `OfferAnswer` to put into a transceiver.

        Args:
            kind: "audio" or "video".
            source: What to play first.

        Raises:
            ValueError: The source has no such kind, or is an echo where nothing is received.
        """
        self._check_echo(source)

        def medium() -> Medium:
            return self.by_kind[kind]

        self.changes += 1
        return Outgoing(
            kind,
            source,
            codec=lambda: medium().codec,
            sound=lambda: medium().open_sound(),
            pictures=lambda: medium().open_pictures(),
            bit_rate=lambda: medium().allowed_bit_rate,
            telephone_event=lambda: medium().telephone_event,
            watchers=self.sinks,
            is_patient=self._sinks_are_patient,
            on_began=lambda: self._on_event(MediaBegan(kind)),
            on_sent=self._sent,
            on_all_sent=partial(self._feed_all, Direction.SENT),
            on_ended=self._playback_ended,
            on_stuck=self._playback_stuck,
        )

    def incoming(self, kind: Kind, transceiver: RTCRtpTransceiver) -> Incoming:
        """Make what receives a kind.

        Args:
            kind: "audio" or "video".
            transceiver: Where it comes from; it has not started.
        """
        return Incoming(
            kind,
            transceiver,
            self.path,
            Reports(_aiortc.ReportWay(transceiver), kind),
            on_first=self._first_media,
            on_unseen=lambda at: self._on_event(VideoUnseen(at)),
            on_keyframe=self._keyframe,
            on_frame=self._received,
            on_frames=self._all_received,
            on_digit=self._digit,
            is_patient=lambda: self._is_patient(kind),
        )

    def begin(self, medium: Medium, repairs: dict[int, int]) -> None:
        """Start to send and receive what was negotiated, or follow a change of it.

        Args:
            medium: What was negotiated.
            repairs: Which of the peer's RTP streams repeat which, by their SSRCs (RFC 5576 §4.2).
        """
        medium.incoming.learn(repairs)
        if medium.outgoing is not None:
            medium.outgoing.prepare()
            medium.reports.on_keyframe = self._keyframe_requested
            self.changes += 1

    def send_no_more(self) -> None:
        """Send nothing any more, for good: what is counted from now on is all that was sent."""
        for medium in self.by_kind.values():
            if medium.outgoing is not None:
                medium.outgoing.send_no_more()

    def stop(self) -> None:
        """Take nothing more to play, and ask for nothing more: the connection closes."""
        self._closed = True
        self.received.end()

    def _check_receiving(self, kind: Kind) -> None:
        if self._closed:
            raise MediaClosedError("The connection is closed.")
        if kind not in self.by_kind:
            raise ValueError(f"This call receives no {kind}.")
        if self.path is ReceivePath.NONE:
            raise ValueError(f"There is no {kind} on the path 'none': use the path 'packets'.")

    def _check_echo(self, source: Source) -> None:
        if not self._hears(source):
            raise ValueError("An echo needs the path 'packets' or 'frames'.")

    def _hears(self, source: Source) -> bool:
        return self.path is not ReceivePath.NONE or not isinstance(source, Echo)

    def _outgoing(self, kind: Kind) -> Outgoing | None:
        medium = self.by_kind.get(kind)
        return None if medium is None else medium.outgoing

    def _sending(self, kind: Kind) -> Outgoing:
        if self._closed:
            raise MediaClosedError("The connection is closed.")
        outgoing = self._outgoing(kind)
        if outgoing is None:
            raise ValueError(f"This call sends no {kind}: offer or answer with a source.")
        return outgoing

    def _sinks_are_patient(self) -> bool:
        return all(sink in self._patient for sink in self.sinks)

    def _is_patient(self, kind: Kind) -> bool:
        """Tell whether nobody wants each frame that is received as it comes."""
        outgoing = self._outgoing(kind)
        echoes = outgoing is not None and type(outgoing.playback.source) is Echo
        return not echoes and not self.received.are_wanted(kind) and self._sinks_are_patient()

    def _sent(self, frame: EncodedFrame) -> None:
        self._feed(Direction.SENT, frame)

    def _received(self, frame: EncodedFrame) -> None:
        medium = self.by_kind.get(frame.kind)
        outgoing = None if medium is None else medium.outgoing
        # A source's class is abstract: `isinstance` would call Python functions for each frame.
        echoes = outgoing is not None and type(outgoing.playback.source) is Echo
        if outgoing is not None and echoes and not outgoing.forward(frame):
            self._ask_origin(outgoing)
        self.received.take(frame)
        self._feed(Direction.RECEIVED, frame)

    def _all_received(self, frames: Sequence[EncodedFrame]) -> None:
        """Take frames for which nobody but patient sinks has waited."""
        self.received.note(frames if isinstance(frames, FrameBatch) else frames[-1])
        self._feed_all(Direction.RECEIVED, frames)

    def _digit(self, event: DigitEvent) -> None:
        for listener in tuple(self.digit_listeners):
            try:
                listener(event)
            except Exception:
                logger.exception("A listener for keys failed and is taken off")
                self.digit_listeners.remove(listener)
        self._on_event(event)

    def _feed(self, direction: Direction, frame: EncodedFrame) -> None:
        for sink in tuple(self.sinks):
            try:
                sink(direction, frame)
            except Exception:
                logger.exception("A sink failed and is taken off")
                self.remove_sink(sink)

    def _feed_all(self, direction: Direction, frames: Sequence[EncodedFrame]) -> None:
        for sink, take in tuple(self._patient.items()):
            try:
                take(direction, frames)
            except Exception:
                logger.exception("A sink failed and is taken off")
                self.remove_sink(sink)

    def _keyframe(self, came: bool) -> None:
        self._on_event(KeyframeCame() if came else KeyframeAsked(by_peer=False))

    def _keyframe_requested(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._tell_request_at:  # a peer may ask more often than anybody wants to hear
            self._tell_request_at = now + REQUESTS_TOLD
            self._on_event(KeyframeAsked(by_peer=True))
        outgoing = self._outgoing("video")
        if outgoing is not None and not self._ask_origin(outgoing):
            outgoing.keyframe(by_peer=True)

    def _ask_origin(self, outgoing: Outgoing) -> bool:
        """Ask for a key frame where frames come from that are sent on; False if none are."""
        source = outgoing.playback.source
        if not isinstance(source, Forwarded) or outgoing.inserted is not None:
            return False
        if outgoing.kind == "video":
            (source.request_keyframe or self.request_keyframe)()
        return True

    def _first_media(self, kind: Kind, at: float) -> None:
        self._on_event(FirstMedia(kind, at))

    def _playback_ended(self, playback: Playback) -> None:
        self.changes += 1
        if not self._closed:  # else its end is the connection's
            self._on_event(PlaybackEnded(playback))

    def _playback_stuck(self, playback: Playback) -> None:
        self._on_event(PlaybackStuck(playback, STUCK))
