"""An RTP stream whose frames leave in time with the clock."""

import asyncio
from collections.abc import Callable, Sequence, Sized
from functools import partial

from ...frames.codec import follow
from ...frames.frame import EncodedFrame, Kind
from ...frames.packed_sound import PackedSound
from ...frames.picture_batch import PictureBatch
from ...frames.sound_batch import SoundBatch
from ...sources.pacer import Pacer, PacerStep, Ticket
from ...sources.unit import FrameRun, Unit, UnitRun
from .._aiortc import RtpStream
from ..flows.outbound_flow import Left, LeftSound, OutboundFlow, Pace
from .picture_stream import PictureStream
from .splice import Splice

Sent = Callable[[EncodedFrame], None]
AllSent = Callable[[Sequence[EncodedFrame]], None]
ShortWay = Callable[[EncodedFrame], bool]


class PacedStream:
    """Sends frames of one kind when they are due, on one unbroken timeline.

    The RTP timestamp follows the clock: it goes on through swaps, mutes, gaps and echoes (RFC 3550
    §5.1).

    A frame leaves by one of two ways, which give the same packets. The long one is `Outgoing`'s: it
    looks at all that may be wanted now, and sends by `put`. Where nothing is wanted but the next
    frame of what is played, it leaves a run of its frames here; and where nothing is wanted but
    sound of another leg, its splice. Then what follows takes the short way: a frame, its
    timestamp, and out. When the run is at its end, or who changes what is to leave has ended it
    (`look_again`), it is again the long way's turn.

    Attributes:
        kind: "audio" or "video".
        codec: The RTP encoding name; empty before it is negotiated.
        last: The RTP timestamp of the last frame, from the origin of the timeline.
        rate: Of the codec's RTP clock, in Hz.
        run: What leaves by the short way; None: the long one is to be taken.
        splice: Where sound of another leg stands that is forwarded by the short way; None: the long
            one is to be taken.
        stream: Where packets go out; None before the start.
    """

    __slots__ = (
        "_has_begun",
        "_is_patient",
        "_lends_next",
        "_lent",
        "_loop",
        "_on_all_sent",
        "_on_began",
        "_on_sent",
        "_origin",
        "_rests",
        "_send",
        "_sound",
        "_step",
        "_ticket",
        "_watchers",
        "codec",
        "kind",
        "last",
        "rate",
        "run",
        "splice",
        "stream",
    )

    def __init__(
        self,
        kind: Kind,
        step: PacerStep,
        *,
        watchers: Sized,
        is_patient: Callable[[], bool],
        on_began: Callable[[], None],
        on_sent: Sent,
        on_all_sent: AllSent,
    ) -> None:
        """Prepare to send.

        Args:
            kind: "audio" or "video".
            step: The long way: gets the time at which a frame is due, in seconds of `loop.time()`,
                and returns when the next one is; None: when `look_again` is called.
            watchers: Frames that go out are told while there are any.
            is_patient: Tells whether they may be told together, up to a second late.
            on_began: Called when the first packet goes out.
            on_sent: Called with each encoded frame that goes out, if so.
            on_all_sent: Called in its place with frames that have gone out where they were lent.
        """
        self.codec = ""
        self.kind: Kind = kind
        self.last = -1
        self.rate = 1
        self.run: UnitRun | None = None
        self.splice: Splice | None = None
        self.stream: RtpStream | PictureStream | None = None
        self._has_begun = False
        self._is_patient = is_patient
        self._lends_next = False
        self._lent: FrameRun | None = None
        self._loop = asyncio.get_running_loop()
        self._on_began = on_began
        self._on_sent = on_sent
        self._on_all_sent = on_all_sent
        self._origin = 0.0
        self._rests = False
        self._send: Callable[[Unit, int], None] = _nowhere
        self._sound: RtpStream | None = None
        self._step = step
        self._ticket: Ticket | None = None
        self._watchers = watchers

    @property
    def has_started(self) -> bool:
        """Whether the timeline has begun."""
        return self.stream is not None

    def start(self, stream: RtpStream | PictureStream) -> None:
        """Begin to step.

        Args:
            stream: Where packets go out.
        """
        self.stream = stream
        self._send = stream.send
        self._sound = stream if isinstance(stream, RtpStream) else None
        self._ticket = Pacer.running().start(self._next, at_once=True)
        self._origin = self._ticket.due

    def close(self) -> None:
        """Send nothing more."""
        self.take_back()
        self.run = self.splice = None
        self._rests = False
        if self._ticket is not None:
            self._ticket.cancel()
            self._ticket = None
        if isinstance(self.stream, PictureStream):
            self.stream.close()

    def look_again(self) -> None:
        """Take the long way again: something else may be wanted now."""
        self.take_back()
        self.run = self.splice = None
        if self._rests:
            self._rests = False
            self._ticket = Pacer.running().start(self._next)

    def settle(self) -> None:
        """Tell the watchers what has left where it was lent."""
        if self._lent is not None and self.stream is not None:
            self._tell(self.stream.left())

    def _tell(self, left: LeftSound | Left) -> None:
        if isinstance(left, LeftSound):
            unwrap = partial(follow, left.first)
            self._on_all_sent(PackedSound(self.codec, self.rate, left.records, unwrap))
            return
        units, timestamps, times = left
        if not units:
            return
        data = [unit.data for unit in units]
        if self.kind == "audio":
            self._on_all_sent(SoundBatch(self.codec, self.rate, data, timestamps, times))
            return
        keyframes = [unit.keyframe for unit in units]
        self._on_all_sent(PictureBatch(self.codec, self.rate, data, timestamps, times, keyframes))

    def take_back(self) -> None:
        """Take the frames that were lent back, and send what is left of them by ourselves."""
        if self._lent is not None and self.stream is not None:
            self._tell(self.stream.take_back(self._go_on))

    def _go_on(self, flow: OutboundFlow) -> None:
        """Go on with what is left of a run."""
        run, said = self._lent, flow.said
        assert run is not None  # noqa: S101 -- it was lent
        self._lends_next = True
        self._lent = run.borrower = None
        run.pass_by(flow.played, said.ticks)
        self.last = said.last
        self._ticket = Pacer.running().start(self._next, due=said.due, late=said.runs_at)

    def step_soon(self) -> None:
        """Step at the next point of the pacer's grid, if that is sooner than the next step."""
        if self._ticket is not None and self._ticket.due > self._loop.time() + Pacer.GRID:
            self._ticket.cancel()
            self._ticket = Pacer.running().start(self._next)

    def ticks(self, at: float) -> int:
        """Give the RTP timestamp of a moment.

        Args:
            at: In seconds of `loop.time()`, once it has started.
        """
        return round((at - self._origin) * self.rate)

    def now(self) -> int:
        """Give the RTP timestamp of this moment, once it has started."""
        return self.ticks(self._loop.time())

    def put(self, unit: Unit, timestamp: int) -> None:
        """Send a frame now.

        Args:
            unit: The frame.
            timestamp: Where it stands, in ticks from the origin; later if another one is there.
        """
        if not self._has_begun:
            self._has_begun = True
            self._on_began()
        self.last = max(timestamp, self.last + 1)
        self._send(unit, self.last)
        if self._watchers:
            self._on_sent(self.frame(unit.data, self.last, unit.keyframe))

    def forward(self, frame: EncodedFrame) -> bool:
        """Send sound of another leg, if that may take the short way.

        Args:
            frame: As it came in there.

        Returns:
            Whether it has; else it is to take the long one.
        """
        splice, sound = self.splice, self._sound
        if splice is None or splice.offset is None or frame.codec != self.codec or sound is None:
            return False
        timestamp = frame.timestamp + splice.offset
        rate = self.rate
        if not -rate <= timestamp - (self._loop.time() - self._origin) * rate <= rate:
            return False
        if timestamp <= self.last:
            timestamp = self.last + 1
        self.last = timestamp
        sound.send(frame, timestamp)
        if self._watchers:
            self._on_sent(self.frame(frame.data, timestamp, frame.keyframe))
        return True

    def frame(self, data: bytes, timestamp: int, keyframe: bool) -> EncodedFrame:
        """Put a frame into the form in which sinks get it.

        Args:
            data: The whole frame.
            timestamp: In ticks from the origin.
            keyframe: Whether a decoder can start here.
        """
        return EncodedFrame(
            self.kind, self.codec, data, timestamp, self.rate, self._loop.time(), keyframe
        )

    def _next(self, due: float) -> float | None:
        run = self.run
        unit = None if run is None else run.take()
        if unit is None:
            is_first = not self._has_begun
            then = self._step(due)
            self._rests = then is None
            if is_first:  # the peer waits for it, and to lend those behind it takes a moment
                self._lends_next = True
                return then
            return None if then is not None and self._lend(then, then - due) else then
        rate = self.rate
        timestamp = round((due - self._origin) * rate)
        if timestamp <= self.last:
            timestamp = self.last + 1
        self.last = timestamp
        self._send(unit, timestamp)
        if self._watchers:
            self._on_sent(self.frame(unit.data, timestamp, unit.keyframe))
        then = due + unit.duration / rate
        if self._lends_next:  # what is wanted now is known, whatever it was before
            self._lends_next = False
            return None if self._lend(then, then - due) else then
        return then

    def _lend(self, due: float, apart: float) -> bool:
        """Let the run's frames leave by the compiled part, where nobody waits for each of them."""
        run, stream, watchers = self.run, self.stream, self._watchers
        if stream is None or type(run) is not FrameRun or (watchers and not self._is_patient()):
            return False
        units = run.ahead()
        leaves = Pacer.after(due, self._loop.time(), apart)
        pace = Pace(self.rate, self._origin, *leaves, self.last)
        if not units or not stream.lend(
            units, pace, is_watched=bool(watchers), on_end=self.take_back
        ):
            return False
        self._lent, self._ticket = run, None
        run.borrower = self.take_back
        return True


def _nowhere(unit: Unit, timestamp: int) -> None:
    """Send nothing: there is no stream yet."""
