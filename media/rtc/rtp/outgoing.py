"""One kind of media on its way out of a leg."""

import asyncio
from collections.abc import Awaitable, Callable, Sized

from ...frames.frame import EncodedFrame, Kind
from ...late_event import LateEvent
from ...sources.pacer import Pacer
from ...sources.playback import Playback
from ...sources.source import Source
from ...sources.unit import Unit
from .._aiortc import RtpStream
from .insert import Insert
from .key_presses import STEP, KeyPress, KeyPresses
from .paced_stream import AllSent, PacedStream, Sent, ShortWay
from .picture_stream import PictureStream
from .program import Program
from .splice import Splice

Send = Callable[[Unit, int], None]
Ended = Callable[[Playback], None]
GetCodec = Callable[[], tuple[str, int]]
GetTelephoneEvent = Callable[[], tuple[int, int] | None]
OpenSound = Callable[[], RtpStream]
OpenPictures = Callable[[], PictureStream]


FORWARDED = 30
"""Frames a second that are forwarded, about: a large one is spread over its time."""

STUCK = 5.0
"""Seconds after which a source that gives nothing is told of: it blocks."""


class Outgoing:
    """Plays one source after the other into one RTP stream (`PacedStream`).

    After the end of a source, while muted and while held, silence or black goes out (`Program`).

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
        watchers: Sized,
        is_patient: Callable[[], bool],
        on_began: Callable[[], None],
        on_sent: Sent,
        on_all_sent: AllSent,
        on_ended: Ended,
        on_stuck: Ended,
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
            watchers: Frames that go out are told while there are any.
            is_patient: Tells whether they may be told together, up to a second late.
            on_began: Called when the first packet goes out.
            on_sent: Called with each encoded frame that goes out, if so.
            on_all_sent: Called in its place with frames that have gone out where they were lent.
            on_ended: Called when a source is not played any more, for whatever reason.
            on_stuck: Called once of a source that has given nothing for `STUCK` seconds.
        """
        self.insert: Insert | None = None
        self.kind = kind
        self._bit_rate = bit_rate
        self._codec = codec
        self._dark = LateEvent()
        self._forwarded = Splice(kind)
        self._injected = Splice(kind)
        self._is_closed = False
        self._keyframe_at = -1.0
        self._keys = KeyPresses()
        self._on_ended = on_ended
        self._on_stuck = on_stuck
        self._open_pictures = pictures
        self._open_sound = sound
        self._paced = PacedStream(
            kind,
            self._step,
            watchers=watchers,
            is_patient=is_patient,
            on_began=on_began,
            on_sent=on_sent,
            on_all_sent=on_all_sent,
        )
        self._awaited: tuple[Playback, float] | None = None  # since when it gives nothing
        self._paused = False
        self._peer_may_ask_at = 0.0
        self._program = Program(kind, source, self._over)
        self._telephone_event = telephone_event

    @property
    def codec(self) -> str:
        """The RTP encoding name of what goes out; empty before it is negotiated."""
        return self._paced.codec

    @property
    def has_started(self) -> bool:
        """Whether the sender has asked for the first packet: what is forwarded goes out."""
        return self._paced.has_started

    @property
    def muted(self) -> bool:
        """Whether silence or black goes out instead of the source."""
        return self._program.muted

    @property
    def playback(self) -> Playback:
        """What is played."""
        return self._program.playback

    def prepare(self) -> None:
        """Have the beginning encoded now that the codec is negotiated."""
        paced = self._paced
        paced.take_back()
        paced.codec, paced.rate = self._codec()
        self._program.prepare(paced.codec)

    def play(self, source: Source) -> Playback:
        """Swap what goes out.

        Args:
            source: What to play from its beginning.

        Returns:
            The playback, whose end can be awaited.

        Raises:
            ValueError: The source has no media of this kind.
        """
        playback = self._program.play(source)
        self._begin_anew()
        self._look_again()
        return playback

    def mute(self, muted: bool) -> None:
        """Send silence or black in the place of the source, which stands still meanwhile.

        Args:
            muted: Whether to.
        """
        if muted == self.muted:
            return
        self._program.muted = muted
        self._dark.clear()
        if not muted:
            self._replay()
        self._look_again()

    def hold(self, held: bool, music: Source | None = None) -> None:
        """Send something else in the place of the source, which stands still meanwhile.

        Args:
            held: Whether to; a second time changes what is sent.
            music: What to send; None sends silence or black. Muted, nothing of it is heard.

        Raises:
            ValueError: The music has no media of this kind, or is another leg's.
        """
        was_held = self._program.held
        self._program.hold(held, music)
        if was_held and not held:
            self._replay()
        self._look_again()

    async def darken(self) -> None:
        """Mute; return when silence or black has gone out, if anything does."""
        self.mute(True)
        if self.has_started and not self._paused:
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
        self._paced.look_again()

    def settle(self) -> None:
        """Tell the watchers what has left by now."""
        self._paced.settle()

    def take_back(self) -> None:
        """Tell the watchers of each frame as it leaves, from now on."""
        self._paced.take_back()

    def send_no_more(self) -> None:
        """Send nothing any more, for good; what is played ends with `close`."""
        self.pause(True)
        self._paced.close()

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
        self._paced.look_again()
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
        if self.kind != "video" or not self.has_started:
            return
        if now < (self._peer_may_ask_at if by_peer else self._keyframe_at + 0.5):
            return
        if self.inserted is not None:
            self._keyframe_at = now
            self.inserted.request_keyframe()
            return
        self._keyframe_at = now
        units = self._program.current.since_keyframe
        again = sum(unit.duration for unit in units) / self._paced.rate
        self._peer_may_ask_at = now + max(0.5, again)
        self._replay()

    def since_keyframe(self) -> tuple[EncodedFrame, ...]:
        """Give the pictures since the last key frame as they went out, squeezed into a moment.

        Returns:
            The last one has the RTP timestamp that it went out with. None of what is live.
        """
        if self._paused or self.inserted is not None or not self.has_started:
            return ()
        units, paced = self._program.current.since_keyframe, self._paced
        step = paced.rate // 1000
        first = paced.last - step * (len(units) - 1)
        return tuple(
            paced.frame(unit.data, first + step * number, unit.keyframe)
            for number, unit in enumerate(units)
        )

    def put_between(self, insert: Insert | None) -> None:
        """Let something stand between what is played and what goes out, or nothing any more.

        What is played goes on for itself. While muted or held it goes out all the same.

        Args:
            insert: Is given each frame that would go out; `inject` sends one in its place.
        """
        self.insert = insert
        self._paced.look_again()
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
        is_out = self.inserted is not None
        return self._pass_on(frame, self._injected, self._paced.put, goes_out=is_out)

    @property
    def short_way(self) -> ShortWay:
        """What sends sound of another leg where nothing is in its way, and else says False."""
        return self._paced.forward

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
        elif self._paced.forward(frame):
            return True
        if not self.playback.forwards:
            return True
        is_out = not (self.muted or self._program.held)
        sent = self._pass_on(frame, self._forwarded, self._send, goes_out=is_out)
        if is_out and self.kind == "audio" and self._is_plain:
            self._paced.splice = self._forwarded
        return sent

    def _pass_on(self, frame: EncodedFrame, splice: Splice, send: Send, *, goes_out: bool) -> bool:
        paced = self._paced
        if not paced.has_started or frame.codec != paced.codec:
            return True
        if not goes_out or self._paused or self._keys.is_pressing:
            splice.skip()
            return True
        at = splice.place(frame, paced.now(), paced.rate)
        if at is not None:
            send(Unit(frame.data, paced.rate // FORWARDED, frame.keyframe), at)
        return at is not None

    def _begin_anew(self) -> None:
        self._forwarded = Splice(self.kind)
        self._paced.splice = None

    def close(self, last_words: Callable[[], Awaitable[str]] | None = None) -> None:
        """Stop the clock, and send nothing more.

        Args:
            last_words: See `Program.close`.
        """
        self._is_closed = True
        self._paced.close()
        self._keys.close()
        self._program.close(last_words)

    def start(self) -> None:
        """Begin to play: what was negotiated can be sent from now on."""
        if self._is_closed:
            return
        self.prepare()
        self._paced.start(self._open_sound() if self.kind == "audio" else self._open_pictures())

    def _step(self, due: float) -> float | None:
        """Send what is due after a look at all that may be wanted: `PacedStream`'s long way."""
        playing, paced = self.playback, self._paced
        if not self._keys.is_idle and not self._paused and self._press(due):
            playing.pass_over()
            return due + STEP
        playback = self._program.current
        if playback is not playing or self._paused:
            playing.pass_over()
        if playback.forwards and self._keys.is_idle:
            return None  # its frames are pushed, until something else is wanted
        if playback.forwards or self._paused:
            return due + 2 * Pacer.GRID
        if self.kind == "video" and (bit_rate := self._bit_rate()) is not None:
            playback.limit(bit_rate)
        unit = playback.read()
        if unit is None and playback.is_over:
            playback = self._program.current
            unit = playback.read()
        if unit is None:
            self._wait_for(playback, due)
            return due + Pacer.GRID
        self._awaited = None
        self._send(unit, paced.ticks(due))
        is_dark = self._program.is_dark(playback)
        if is_dark and not self._waits:
            self._dark.set()
        is_alone = playback is self.playback or self.playback.is_over
        is_settled = self._dark.is_set() or not is_dark
        if is_alone and is_settled and self._is_plain:
            paced.run = playback.run()
        return due + unit.duration / paced.rate

    def _wait_for(self, playback: Playback, now: float) -> None:
        """Note that a source has nothing that could be sent, and tell of one that blocks."""
        if self._awaited is None or self._awaited[0] is not playback:
            self._awaited = playback, now
            return
        is_known = playback.is_told_stuck or playback.is_written or playback.is_over
        if not is_known and now - self._awaited[1] >= STUCK:
            playback.is_told_stuck = True
            self._on_stuck(playback)

    @property
    def _is_plain(self) -> bool:
        """Whether nothing else is wanted now than what goes out."""
        return self._keys.is_idle and self.inserted is None and not self._paused

    @property
    def _waits(self) -> bool:
        stream = self._paced.stream
        return isinstance(stream, PictureStream) and stream.waits

    def _look_again(self) -> None:
        """Take the long way again (`PacedStream.look_again`).

        Another picture is shown at once: the one before, like black, may be meant for seconds.
        """
        self._paced.look_again()
        if self.kind == "video":
            self._paced.step_soon()

    def _over(self, playback: Playback) -> None:
        self._on_ended(playback)
        self._look_again()

    def _press(self, due: float) -> bool:
        """Send what is to be sent of a key now; False: it is time for the source."""
        event, paced = self._telephone_event(), self._paced
        stream = paced.stream
        if event is None or not isinstance(stream, RtpStream) or not stream.is_open:
            return False
        payload_type, rate = event
        packets = self._keys.step(due, max(paced.ticks(due), paced.last + 1), paced.rate, rate)
        for packet in packets:
            stream.send_event(packet.payload, packet.timestamp, payload_type, marker=packet.marker)
            paced.last = max(paced.last, packet.timestamp)
        return bool(packets)

    @property
    def inserted(self) -> Insert | None:
        """Who stands between now: muted and held, nobody does."""
        return None if self.muted or self._program.held else self.insert

    def _replay(self) -> None:
        """Send what was played since the last key frame once more, or a key frame of what is live.

        Nothing before the start, and while nothing is sent.
        """
        paced = self._paced
        if not paced.has_started or self._paused:
            return
        playback = self._program.current
        if playback.request_keyframe():
            return
        gop = playback.since_keyframe
        if not gop:
            return
        # Squeezed in before the next frame, whose timestamp is at least one frame further on.
        step = max(1, min(unit.duration for unit in gop) // (len(gop) + 2))
        for unit in gop:
            again = Unit(unit.data, round(PictureStream.SPREAD * paced.rate), unit.keyframe)
            self._send(again, paced.last + step)

    def _send(self, unit: Unit, timestamp: int) -> None:
        """Send what is played, or give it to who stands between."""
        if self.inserted is None:
            self._paced.put(unit, timestamp)
        else:
            self.inserted.take(self._paced.frame(unit.data, timestamp, unit.keyframe))
