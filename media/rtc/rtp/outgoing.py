"""One kind of media on its way out of a leg."""

import asyncio
import logging
from collections.abc import Callable

from ...frames.frame import EncodedFrame, Kind
from ...sources.pacer import Pacer, Ticket
from ...sources.playback import Playback
from ...sources.silence import Silence
from ...sources.source import Source
from ...sources.unit import Unit
from .._aiortc import RtpStream
from .insert import Insert
from .key_presses import STEP, KeyPress, KeyPresses
from .picture_stream import PictureStream
from .splice import Splice

logger = logging.getLogger(__name__)

Send = Callable[[Unit, int], None]
Sent = Callable[[EncodedFrame], None]
Ended = Callable[[Playback], None]
GetCodec = Callable[[], tuple[str, int]]
GetTelephoneEvent = Callable[[], tuple[int, int] | None]
OpenSound = Callable[[], RtpStream]
OpenPictures = Callable[[], PictureStream]


FORWARDED = 30
"""Frames a second that are forwarded, about: a large one is spread over its time."""


class Outgoing:
    """Plays one source after the other into one RTP stream, on one unbroken timeline.

    The RTP timestamp follows the clock: it goes on through swaps, mutes, gaps and echoes (RFC 3550
    §5.1). After the end of a source, while muted and while held, silence or black goes out.

    Attributes:
        insert: What stands between what is played and what goes out; None for nothing.
    """

    def __init__(
        self,
        kind: Kind,
        source: Source,
        *,
        codec: GetCodec,
        sound: OpenSound,
        pictures: OpenPictures,
        bit_rate: Callable[[], int | None],
        telephone_event: GetTelephoneEvent,
        is_watched: Callable[[], bool],
        on_began: Callable[[], None],
        on_sent: Sent,
        on_ended: Ended,
    ) -> None:
        """Prepare to send; nothing is played before `start`.

        Args:
            kind: "audio" or "video".
            source: What to play first.
            codec: Gives the negotiated codec's name and clock rate in Hz, once there is one.
            sound: Opens the RTP stream that goes out, of audio.
            pictures: The same of video.
            bit_rate: Gives how many bits per second of video the peer can take; None while it has
                said nothing.
            telephone_event: Gives the payload type and clock rate (Hz) for keys that are pressed;
                None: the peer takes none.
            is_watched: Whether frames that go out are to be told.
            on_began: Called when the first packet goes out.
            on_sent: Called with each encoded frame that goes out, if so.
            on_ended: Called when a source is not played any more, for whatever reason.
        """
        self.kind = kind
        self.playback = Playback(kind, source, self._over)
        self._bit_rate = bit_rate
        self._codec = codec
        self._is_watched = is_watched
        self._is_closed = False
        self._open_sound = sound
        self._open_pictures = pictures
        self._sound: RtpStream | None = None
        self._pictures: PictureStream | None = None
        self._forwarded = Splice(kind)
        self._injected = Splice(kind)
        self.insert: Insert | None = None
        self._held = False
        self._hold_music: Playback | None = None
        self._idle: Playback | None = None
        self._keyframe_at = -1.0
        self._keys = KeyPresses()
        self._peer_may_ask_at = 0.0
        self._has_begun = False
        self._last = -1
        self._muted = False
        self._dark = asyncio.Event()
        self._name = ""
        self._paused = False
        self._on_began = on_began
        self._on_ended = on_ended
        self._on_sent = on_sent
        self._origin: float | None = None
        self._rate = 1
        self._telephone_event = telephone_event
        self._ticket: Ticket | None = None

    @property
    def codec(self) -> str:
        """The RTP encoding name of what goes out; empty before it is negotiated."""
        return self._name

    @property
    def has_started(self) -> bool:
        """Whether the sender has asked for the first packet: what is forwarded goes out."""
        return self._origin is not None

    @property
    def muted(self) -> bool:
        """Whether silence or black goes out instead of the source."""
        return self._muted

    def prepare(self) -> None:
        """Have the beginning encoded now that the codec is negotiated."""
        self._name, self._rate = self._codec()
        for playback in (self.playback, self._hold_music):
            if playback is not None:
                playback.prepare(self._name)

    def play(self, source: Source) -> Playback:
        """Swap what goes out.

        Args:
            source: What to play from its beginning.

        Returns:
            The playback, whose end can be awaited.

        Raises:
            ValueError: The source has no media of this kind.
        """
        playback = Playback(self.kind, source, self._over)
        if self._name:
            playback.prepare(self._name)
        self.playback.stop()
        self.playback = playback
        self._begin_anew()
        self._step_soon()
        return playback

    def mute(self, muted: bool) -> None:
        """Send silence or black in the place of the source, which stands still meanwhile.

        Args:
            muted: Whether to.
        """
        if muted == self._muted:
            return
        self._muted = muted
        self._dark.clear()
        if not muted:
            self._replay()
        self._step_soon()

    def hold(self, held: bool, music: Source | None = None) -> None:
        """Send something else in the place of the source, which stands still meanwhile.

        Args:
            held: Whether to; a second time changes what is sent.
            music: What to send; None sends silence or black. Muted, nothing of it is heard.

        Raises:
            ValueError: The music has no media of this kind, or is another leg's.
        """
        playback = None
        if held and music is not None:
            playback = Playback(self.kind, music, self._over)
            if playback.forwards:
                raise ValueError(f"{music} can't be played to who is on hold: play a source.")
            if self._name:
                playback.prepare(self._name)
        before, self._hold_music = self._hold_music, playback
        if before is not None:
            before.stop()
        is_back = self._held and not held
        self._held = held
        if is_back:
            self._replay()
        self._step_soon()

    async def darken(self) -> None:
        """Mute; return when silence or black has gone out, if anything does."""
        self.mute(True)
        if self._origin is not None and not self._paused:
            await self._dark.wait()
            self._replay()  # some show a picture only when the next one has come

    def pause(self, paused: bool) -> None:
        """Send nothing at all; the source stands still meanwhile.

        Args:
            paused: Whether to.
        """
        if paused == self._paused:
            return
        self._paused = paused
        if not paused:
            self._replay()

    def press(self, digits: str, seconds: float | None) -> list[KeyPress]:
        """Press keys after those that wait. The source stands still while a key is pressed.

        Args:
            digits: Of 0-9, *, # and A-D; a comma waits for two seconds.
            seconds: For how long each is pressed; None: until it is released.

        Returns:
            The presses.

        Raises:
            ValueError: One is no key, they are too many, or the peer takes none.
        """
        if self._telephone_event() is None:
            raise ValueError(
                "the peer takes no keys in this call: it has not agreed to telephone-event "
                "(RFC 4733). Play their tones, if it listens for those"
            )
        return self._keys.press(digits, seconds)

    def keyframe(self, *, by_peer: bool = False) -> None:
        """Send a key frame now, as the peer asked (RFC 4585 §6.3.1) or a recording needs.

        A live source is asked for one. Of others, what was sent since the last key frame is sent
        once more, that one first, on the time of one frame: no encoder is asked, and the picture
        is at once where it should be. Twice a second at most; for the peer only so often
        that it gets no more than twice what is sent.

        Args:
            by_peer: Whether it was the peer who asked.
        """
        now = asyncio.get_running_loop().time()
        if self.kind != "video" or self._origin is None:
            return
        if now < (self._peer_may_ask_at if by_peer else self._keyframe_at + 0.5):
            return
        if self.inserted is not None:
            self._keyframe_at = now
            self.inserted.request_keyframe()
            return
        self._keyframe_at = now
        again = sum(unit.duration for unit in self._current().since_keyframe) / self._rate
        self._peer_may_ask_at = now + max(0.5, again)
        self._replay()

    def since_keyframe(self) -> tuple[EncodedFrame, ...]:
        """Give the pictures since the last key frame as they went out, squeezed into a moment.

        Returns:
            The last one has the RTP timestamp that it went out with. None of what is live.
        """
        if self._paused or self.inserted is not None or self._origin is None:
            return ()
        units = self._current().since_keyframe
        step = self._rate // 1000
        first = self._last - step * (len(units) - 1)
        return tuple(
            self._frame(unit.data, first + step * number, unit.keyframe)
            for number, unit in enumerate(units)
        )

    def put_between(self, insert: Insert | None) -> None:
        """Let something stand between what is played and what goes out, or nothing any more.

        What is played goes on for itself. While muted or held it goes out all the same.

        Args:
            insert: Is given each frame that would go out; `inject` sends one in its place.
        """
        self.insert = insert
        self._injected = Splice(self.kind)
        if insert is None:
            self._begin_anew()
            self._replay()

    def inject(self, frame: EncodedFrame, *, anew: bool = False) -> bool:
        """Send a frame of who stands between.

        Args:
            frame: Of this kind; one in another codec than is sent is left out.
            anew: Whether it comes from elsewhere than the one before.

        Returns:
            False if the picture is left out because a key frame must come first.
        """
        if anew:
            self._injected = Splice(self.kind)
        return self._pass_on(frame, self._injected, self._put, goes_out=self.inserted is not None)

    def forward(self, frame: EncodedFrame, *, anew: bool = False) -> bool:
        """Send a frame that this leg or another one has received, if that is what is played.

        Pictures begin with a key frame, also after some were left out: a decoder can make nothing
        of those that come between.

        Args:
            frame: What came in, of this kind.
            anew: Whether it comes from another leg than the one before.

        Returns:
            False if the picture is left out because a key frame must come first.
        """
        if anew:
            self._begin_anew()
        if not self.playback.forwards:
            return True
        is_out = not (self._muted or self._held)
        return self._pass_on(frame, self._forwarded, self._send, goes_out=is_out)

    def _pass_on(self, frame: EncodedFrame, splice: Splice, send: Send, *, goes_out: bool) -> bool:
        if self._origin is None or frame.codec != self._name:
            return True
        if not goes_out or self._paused or self._keys.is_pressing:
            splice.skip()
            return True
        at = splice.place(frame, self._now(), self._rate)
        if at is not None:
            send(Unit(frame.data, self._rate // FORWARDED, frame.keyframe), at)
        return at is not None

    def _begin_anew(self) -> None:
        self._forwarded = Splice(self.kind)

    def close(self, *, with_call: bool = False) -> None:
        """Stop the clock, and send nothing more.

        Args:
            with_call: Whether the whole call is over, which live sources tell who writes.
        """
        self._is_closed = True
        if self._ticket is not None:
            self._ticket.cancel()
            self._ticket = None
        if self._pictures is not None:
            self._pictures.close()
        self._keys.close()
        for playback in (self.playback, self._hold_music, self._idle):
            if playback is not None:
                if with_call:
                    playback.source.call_over()
                playback.stop()

    def start(self) -> None:
        """Begin to play: what was negotiated can be sent from now on."""
        if self._is_closed:
            return
        self.prepare()
        if self.kind == "audio":
            self._sound = self._open_sound()
        else:
            self._pictures = self._open_pictures()
        self._ticket = Pacer.running().start(self._step)
        self._origin = self._ticket.due

    def _step(self, due: float) -> float:
        if not self._keys.is_idle and not self._paused and self._press(due):
            self.playback.pass_over()
            return due + STEP
        playback = self._current()
        if playback is not self.playback or self._paused:
            self.playback.pass_over()
        if playback.forwards or self._paused:
            return due + 2 * Pacer.GRID
        if self.kind == "video" and (bit_rate := self._bit_rate()) is not None:
            playback.limit(bit_rate)
        unit = playback.read()
        if unit is None and playback.is_over:
            unit = self._current().read()
        if unit is None:
            return due + Pacer.GRID
        self._send(unit, self._ticks(due))
        if self._muted and playback is self._idle and not self._waits:
            self._dark.set()
        return due + unit.duration / self._rate

    @property
    def _waits(self) -> bool:
        return self._pictures is not None and self._pictures.waits

    def _step_soon(self) -> None:
        """Show another picture now: the one before, like black, may be meant for seconds."""
        if self.kind != "video" or self._ticket is None:
            return
        if self._ticket.due > asyncio.get_running_loop().time() + Pacer.GRID:
            self._ticket.cancel()
            self._ticket = Pacer.running().start(self._step)

    def _over(self, playback: Playback) -> None:
        self._on_ended(playback)
        self._step_soon()

    def _press(self, due: float) -> bool:
        """Send what is to be sent of a key now; False: it is time for the source."""
        event, stream = self._telephone_event(), self._sound
        if event is None or stream is None or not stream.is_open:
            return False
        payload_type, rate = event
        next_one = max(self._ticks(due), self._last + 1)
        packets = self._keys.step(due, next_one, self._rate, rate)
        for packet in packets:
            stream.send_event(packet.payload, packet.timestamp, payload_type, marker=packet.marker)
            self._last = max(self._last, packet.timestamp)
        return bool(packets)

    def _current(self) -> Playback:
        wanted = self._hold_music if self._held else self.playback
        if not self._muted and wanted is not None and not wanted.is_over:
            return wanted
        if self._idle is None:
            self._idle = Playback(self.kind, Silence())
            self._idle.prepare(self._name)
        return self._idle

    @property
    def inserted(self) -> Insert | None:
        """Who stands between now: muted and held, nobody does."""
        return None if self._muted or self._held else self.insert

    def _now(self) -> int:
        return self._ticks(asyncio.get_running_loop().time())

    def _ticks(self, at: float) -> int:
        assert self._origin is not None  # noqa: S101 -- only called once started
        return round((at - self._origin) * self._rate)

    def _replay(self) -> None:
        """Send what was played since the last key frame once more, or a key frame of what is live.

        Nothing before the start, and while nothing is sent.
        """
        if self._origin is None or self._paused:
            return
        playback = self._current()
        if playback.request_keyframe():
            return
        gop = playback.since_keyframe
        if not gop:
            return
        # Squeezed in before the next frame, whose timestamp is at least one frame further on.
        step = max(1, min(unit.duration for unit in gop) // (len(gop) + 2))
        for unit in gop:
            again = Unit(unit.data, round(PictureStream.SPREAD * self._rate), unit.keyframe)
            self._send(again, self._last + step)

    def _send(self, unit: Unit, timestamp: int) -> None:
        """Send what is played, or give it to who stands between."""
        if self.inserted is None:
            self._put(unit, timestamp)
        else:
            self.inserted.take(self._frame(unit.data, timestamp, unit.keyframe))

    def _put(self, unit: Unit, timestamp: int) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._on_began()
        self._last = max(timestamp, self._last + 1)
        stream = self._pictures or self._sound
        if stream is not None:
            stream.send(unit, self._last)
        if self._is_watched():
            self._on_sent(self._frame(unit.data, self._last, unit.keyframe))

    def _frame(self, data: bytes, timestamp: int, keyframe: bool) -> EncodedFrame:
        return EncodedFrame(
            kind=self.kind,
            codec=self._name,
            data=data,
            timestamp=timestamp,
            clock_rate=self._rate,
            arrival=asyncio.get_running_loop().time(),
            keyframe=keyframe,
        )
