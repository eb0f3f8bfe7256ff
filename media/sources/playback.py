"""One leg that plays one source."""

from collections.abc import Callable
from math import isfinite

from ..errors import SourceError
from ..frames.codec import CLOCK_RATES
from ..frames.frame import Kind
from ..late_event import LateEvent
from .forwarded import Forwarded
from .playlist import PlaylistReader, as_playlist
from .source import LiveSource, Source
from .unit import Unit, UnitRun
from .volume import FAINTEST, LOUDEST, VolumeReader

LONGEST_RUN: dict[Kind, int] = {"audio": 1000, "video": 120}
"""Frames that a leg may take without asking. Of pictures that can be had at several bit rates they
are fewer, as it may want another one soon."""

LATEST = 24 * 3600.0
"""Seconds from the beginning to the latest place that can be sought."""


class Playback:
    """A source while one leg plays it.

    Attributes:
        kind: "audio" or "video".
        source: What is played.
        failure: Why it ended early, in one sentence; None otherwise.
        forwards: Whether frames are pushed, from a peer, and not read.
        is_told_stuck: Whether somebody was told that it gives nothing.
    """

    def __init__(
        self,
        kind: Kind,
        source: Source,
        on_over: Callable[["Playback"], None] = lambda _: None,
    ) -> None:
        """Name what is to be played.

        Args:
            kind: "audio" or "video".
            source: What to play.
            on_over: Called once, when it has ended, for whatever reason.

        Raises:
            SourceError: The source has no such kind.
        """
        if kind not in source.kinds:
            raise SourceError(f"{source} has no {kind}: play something that has.")
        self.kind = kind
        self.source = source
        self.failure: str | None = None
        self.forwards = isinstance(source, Forwarded)
        self.is_told_stuck = False
        self._codec: str | None = None
        self._done = LateEvent()
        self._gop: list[Unit] = []
        self._on_over = on_over
        self._position = 0.0
        self._reader: PlaylistReader | None = None
        self._run: UnitRun | None = None
        self._volume: VolumeReader | None = None
        self._wanted: tuple[float, float] = (0.0, 0.0)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, for any reason."""
        return self._done.is_set()

    @property
    def is_written(self) -> bool:
        """Whether a program gives what is played now when it likes to."""
        return self._reader is not None and self._reader.source.is_written

    @property
    def position(self) -> float:
        """Where it is, in seconds since the beginning of what is played now.

        Each item of a list begins at 0, and so does what is repeated. Time in which something else
        goes out, as while the leg is muted, does not count. At the end it stays where it was.
        """
        if self._reader is None or self._codec is None:
            return self._position
        self._end_run()
        ahead = 0 if self._volume is None else self._volume.ahead
        return max(0, self._reader.position - ahead) / CLOCK_RATES[self._codec]

    @property
    def since_keyframe(self) -> tuple[Unit, ...]:
        """What was played since the last key frame, including it; nothing of a live source."""
        self._end_run()
        return tuple(self._gop)

    async def ended(self) -> None:
        """Wait until the source was played to its end, was replaced, or the connection closed."""
        await self._done.wait()

    def prepare(self, codec: str) -> None:
        """Start to encode, so that the beginning is ready when the connection is.

        Args:
            codec: The RTP encoding name that was negotiated.

        Raises:
            SourceError: The source is live, and is played elsewhere.
        """
        if self.forwards or self._reader is not None or self.is_over:
            return
        self._codec = codec
        self._reader = as_playlist(self.source).open(self.kind, codec)
        seconds, decibels = self._wanted
        if seconds:
            self._reader.seek(seconds)
        if decibels:
            self.gain(decibels)

    def seek(self, seconds: float) -> None:
        """Go to another moment of what is played now. Past its end, what follows begins.

        Video goes on at the last key frame before that moment. Nothing happens once it has ended.

        Args:
            seconds: Since its beginning.

        Raises:
            SourceError: The source can't be opened any more.
            ValueError: It is no such number, or the source is live.
        """
        if not (isfinite(seconds) and 0 <= seconds <= LATEST):
            raise ValueError(f"seconds is {seconds}: give a number from 0 to {LATEST:.0f}")
        if self.is_over:
            return
        if self._reader is None:
            first = as_playlist(self.source).sources[0]
            if isinstance(first, LiveSource):
                first.open_at(self.kind, "", seconds)  # says why not
            self._wanted = (seconds, self._wanted[1])
            self._position = seconds
            return
        self._end_run()
        self._reader.seek(seconds)
        self._gop.clear()
        if self._volume is not None:
            self._volume.drop()

    def gain(self, decibels: float) -> None:
        """Make the sound louder or softer from now on, for this leg alone.

        Args:
            decibels: -100 to 20; 0 leaves it as it is.

        Raises:
            ValueError: It is no such number; or it is video, or frames of a peer that go on as they
                are.
        """
        if not FAINTEST <= decibels <= LOUDEST:
            raise ValueError(f"the gain is {decibels} dB: give {FAINTEST:.0f} to {LOUDEST:.0f} dB")
        if self.kind != "audio":
            raise ValueError("pictures have no volume: change the gain of audio")
        if self.forwards:
            raise ValueError(f"{self.source} goes out as it comes in: its volume can't be changed")
        self._wanted = (self._wanted[0], decibels)
        if self._reader is None or self._codec is None:
            return
        self._end_run()
        if self._volume is None and decibels:
            self._volume = VolumeReader(self._reader, self._codec)
        if self._volume is not None:
            self._volume.decibels = decibels

    def read(self) -> Unit | None:
        """Return the next frame.

        Returns:
            The frame. None if there is none yet, or no more (then `is_over` is true).
        """
        self._end_run()
        reader = self._volume or self._reader
        if reader is None or self._reader is None:
            return None
        unit = reader.read()
        if unit is None and reader.ended:
            self.failure = reader.failure or self._reader.failure
            self.stop()
        if unit is not None and self.kind == "video" and not self._reader.is_live:
            self._keep(unit)
        return unit

    def run(self) -> UnitRun | None:
        """Give the next frames to be taken without `read`, if they go out as they are.

        What is taken counts as read. Whatever else is asked of the playback ends the run.

        Returns:
            None if each frame has to be asked for.
        """
        self._end_run()
        if self._reader is None or self._volume is not None:
            return None
        self._run = self._reader.run(LONGEST_RUN[self.kind])
        return self._run

    def request_keyframe(self) -> bool:
        """Ask a live source for a key frame; False if frames are as they were encoded once."""
        return self._reader is not None and self._reader.request_keyframe()

    def limit(self, bit_rate: int) -> None:
        """Keep to what the peer can take: pictures are encoded for less, or for more again.

        A live source follows at once, another one at one of its next key frames.

        Args:
            bit_rate: Bits per second.
        """
        if self._reader is not None:
            self._reader.limit(bit_rate)

    def pass_over(self) -> None:
        """Let go what a live source gives while something else goes out; others stand still."""
        if self._reader is not None and self._reader.is_live:
            self.read()

    def stop(self) -> None:
        """Stop playing, and wake whoever waits for the end."""
        if self.is_over:
            return
        self._position = self.position
        if self._volume is not None:
            self._volume.close()
        if self._reader is not None:
            self._reader.close()
        self._reader = self._volume = None
        self._gop.clear()
        self._done.set()
        self._on_over(self)

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None and self._reader is not None:
            played = run.end()
            self._reader.skip(run.at, run.ticks)
            if self.kind == "video":
                for unit in played:
                    self._keep(unit)

    def _keep(self, unit: Unit) -> None:
        """Keep a picture that was played, for who can't begin without those before it."""
        if unit.keyframe:
            self._gop.clear()
        self._gop.append(unit)
