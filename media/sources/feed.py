"""Live sound that a program writes while it is played."""

import asyncio
from collections import deque
from functools import partial
from typing import ClassVar, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from ..codecs.sound import FRAME_SECONDS, Samples, SoundEncoder, to_frame, to_samples
from ..codecs.threads import CodecThreads
from ..errors import shown
from ..frames.frame import Kind
from ..frames.quiet import QUIET
from .source import check_type
from .unit import Unit
from .written_source import WrittenSource

Sound = NDArray[np.int16] | bytes | bytearray | memoryview | av.AudioFrame
"""Sound that can be written: see `Feed.write`."""

RATES = (8_000, 192_000)
"""The lowest and the highest rate that sound may have, in Hz."""

FRAME = float(FRAME_SECONDS)

PATIENCE = 2
"""Frames of silence that go out before less than a frame of sound is filled up with silence."""


class Feed(WrittenSource["FeedReader"]):
    """Sound that is written while it is played, and heard at once.

    One frame of 20 ms is encoded ahead of the one that goes out. While nothing is written, silence
    goes out. A feed belongs to the one call that plays it.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def __init__(self, rate: int = 48_000, *, channels: int = 1, buffer: float = 0.5) -> None:
        """Make a feed that is empty.

        Args:
            rate: Samples a second of what is written as an array or as bytes, in Hz.
            channels: How many that has: 1 or 2. Two are sent as stereo where Opus is negotiated.
            buffer: Seconds of sound that may wait to be sent; `write` waits while it is full.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of range.
        """
        super().__init__()
        check_type("rate", rate, int, "a whole number of hertz, like 16000")
        check_type("channels", channels, int, "1 or 2")
        _check_rate(rate)
        if channels not in {1, 2}:
            raise ValueError(f"{channels} channels can't be sent: give 1 or 2.")
        if isinstance(buffer, bool) or not isinstance(buffer, int | float):
            raise TypeError(f"buffer is {type(buffer).__name__}: give seconds, like 0.5")
        if not 0.02 <= buffer <= 3600:
            raise ValueError(f"A buffer of {buffer} s is outside 0.02..3600 s.")
        self.rate = rate
        self.channels = channels
        self.buffer = float(buffer)
        self._waiting: deque[av.AudioFrame] = deque()
        self._waiting_seconds = 0.0

    def __repr__(self) -> str:
        return f"<Feed {self.rate} Hz, {self.channels} channel{'s' * (self.channels - 1)}>"

    async def write(self, sound: Sound) -> None:
        """Add sound, and return once it has its place in the buffer.

        Args:
            sound: Any length of 16-bit samples: an int16 array of shape (samples,) or (samples,
                channels), or bytes of them (little-endian, channels interleaved), at the feed's
                rate; or an `av.AudioFrame` of any rate, layout and format.

        Raises:
            CallOver: The call that plays it is over.
            SourceError: The feed is closed, or not played any more.
            TypeError: It is no sound.
            ValueError: The samples do not fit the feed's channels.
        """
        if self._reader is None or not self._reader.has_read:
            await asyncio.sleep(0)  # a loop that writes nothing, or clears, never waits for room
        else:
            self._reader.has_read = False
        for piece in self._pieces(sound):
            await self._check_open()
            while self._held >= self.buffer:
                await self._wait_for_room()
            self._waiting.append(piece)
            self._waiting_seconds += piece.samples / piece.sample_rate
            if self._reader is not None:
                self._reader.wake()
        await self._check_open()

    def clear(self) -> int:
        """Drop what has not been sent; silence follows at once.

        Returns:
            Milliseconds of what was written that went out, since the beginning or the last time.
        """
        self._waiting.clear()
        self._waiting_seconds = 0.0
        self._room.set()
        return 0 if self._reader is None else self._reader.clear()

    def take(self) -> tuple[list[av.AudioFrame], float]:
        """Take at least a frame's worth of what waits, if there is that much, for the encoder.

        Returns:
            Pieces of sound, and how long they last in seconds.
        """
        taken: list[av.AudioFrame] = []
        seconds = 0.0
        while self._waiting and seconds < FRAME:
            taken.append(self._waiting.popleft())
            seconds += taken[-1].samples / taken[-1].sample_rate
        self._waiting_seconds = max(0.0, self._waiting_seconds - seconds) if self._waiting else 0.0
        return taken, seconds

    def make_room(self) -> None:
        """Let go who waits to write, if there is room."""
        if self._held < self.buffer:
            self._room.set()

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and nothing waits."""
        return self._closed and not self._waiting

    @property
    def _held(self) -> float:
        return self._waiting_seconds + (0.0 if self._reader is None else self._reader.held)

    def _read(self, codec: str) -> "FeedReader":
        return FeedReader(self, codec)

    def _pieces(self, sound: Sound) -> list[av.AudioFrame]:
        """Cut sound into frames of at most 100 ms, so that no write takes the encoder for long."""
        if isinstance(sound, av.AudioFrame):
            if not sound.samples:
                return []
            _check_rate(sound.sample_rate)
            return [sound]
        samples = self._samples(sound)
        size = self.rate // 10
        cuts = range(0, len(samples), size)
        return [to_frame(samples[at : at + size], self.rate) for at in cuts]

    def _samples(self, sound: object) -> Samples:
        if isinstance(sound, bytes | bytearray | memoryview):
            if len(sound) % (2 * self.channels):
                raise ValueError(
                    f"{len(sound)} bytes are no whole number of samples: a sample has 2 bytes for "
                    f"each of {self.channels} channels."
                )
            return np.frombuffer(sound, "<i2").astype(np.int16).reshape(-1, self.channels)
        if not isinstance(sound, np.ndarray):
            raise TypeError(
                f"{type(sound).__name__} is no sound: write an int16 array, bytes or an AudioFrame"
            )
        if sound.dtype != np.int16:
            raise TypeError(f"the array holds {sound.dtype}: give int16 samples")
        shaped = sound[:, None] if sound.ndim == 1 and self.channels == 1 else sound
        if sound.ndim == 1 and self.channels == 2 and not len(sound) % 2:
            shaped = sound.reshape(-1, 2)
        if shaped.ndim != 2 or shaped.shape[1] != self.channels:
            raise ValueError(
                f"the array has the shape {sound.shape}: give (samples, {self.channels})"
            )
        return shaped


def _check_rate(rate: int) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"A rate of {rate} Hz is outside {RATES[0]}..{RATES[1]} Hz.")


class FeedReader:
    """The leg that plays a feed.

    Attributes:
        closed: Whether the leg has stopped to play it.
        failure: Why it ended early; None otherwise.
        has_read: Whether a frame has gone out since somebody wrote.
        held: Seconds of sound that are here and not sent.
    """

    skipped = 0

    def __init__(self, feed: Feed, codec: str) -> None:
        self.closed = False
        self.failure: str | None = None
        self.has_read = False
        self.held = 0.0
        self._clear_count = 0
        self._encoding = _Encoding(codec, feed.channels)
        self._feed = feed
        self._is_encoding = False
        self._lane = CodecThreads.running().lane()
        self._quiet = Unit(QUIET[codec], self._encoding.duration)
        self._ready: tuple[Unit, float] | None = None
        self._sent = 0.0
        self._starved = 0

    @property
    def ended(self) -> bool:
        """Whether everything was sent, or can't be."""
        if self.failure is not None:
            return True
        is_empty = self._ready is None and not self._is_encoding and not self.held
        return self._feed.is_drained and is_empty

    def read(self) -> Unit | None:
        """Return the next frame: of silence, if none was written."""
        self.has_read = True
        if self._ready is None:
            if self.ended:
                return None
            self._starved += 1
            self.wake()
            return self._quiet
        unit, seconds = self._ready
        self._ready = None
        self._starved = 0
        self._sent += seconds
        self.wake()
        return unit

    def clear(self) -> int:
        """Drop what is here; returns the milliseconds that were sent since the last time."""
        sent, self._sent = self._sent, 0.0
        self._clear_count += 1
        self._ready = None
        self.held = 0.0
        return round(sent * 1000)

    def request_keyframe(self) -> bool:
        """Tell that frames are as they are."""
        return False

    def limit(self, bit_rate: int) -> None:
        """Leave the frames as they are."""

    def close(self) -> None:
        """Take nothing more; who waits to write is told."""
        self.closed = True
        self._ready = None
        self.held = 0.0
        self._lane.close()
        self._feed.clear()

    def wake(self) -> None:
        """Have the next frame encoded, if it is not yet and there is enough for it.

        Less than a frame waits for the rest, unless none comes.
        """
        if self.closed or self._is_encoding or self._ready is not None:
            return
        taken: list[av.AudioFrame] = []
        seconds = 0.0
        has_whole = self.held >= FRAME
        if not has_whole:
            taken, seconds = self._feed.take()
        fill = self._feed.is_drained or (self._starved >= PATIENCE and not taken)
        if not (taken or has_whole or (self.held and fill)):
            return
        self._is_encoding = True
        self.held += seconds
        job = partial(self._encoding.encode, taken, self._clear_count, fill=fill)
        self._lane.run(job, self._encoded)

    def _encoded(self, frame: "_Encoded | None", error: Exception | None) -> None:
        self._is_encoding = False
        if frame is None:
            self.failure = f"The feed can't be encoded: {error and shown(error)}"
        elif frame.clear_count == self._clear_count:
            self.held = frame.left
            if frame.data:
                self._ready = (Unit(frame.data, self._encoding.duration), frame.seconds)
        self._feed.make_room()
        if self._ready is None:
            self.wake()


class _Encoded(NamedTuple):
    """A frame.

    Attributes:
        data: Encoded; empty if there was not enough for one.
        seconds: How much of it was written, and is not fill.
        left: Seconds of sound that wait for the next one.
        clear_count: How often the feed had been cleared when it was asked for.
    """

    data: bytes
    seconds: float
    left: float
    clear_count: int


class _Encoding:
    """What the thread does: makes frames of 20 ms from pieces of any rate and length."""

    def __init__(self, codec: str, channels: int) -> None:
        self._encoder = SoundEncoder(codec, channels)
        self.duration = self._encoder.duration
        self._clear_count = 0
        self._from: tuple[int, str, str] | None = None
        self._layout = av.AudioLayout("stereo" if self._encoder.channels == 2 else "mono")
        self._resampler: av.AudioResampler | None = None
        self._sound = np.zeros((0, self._encoder.channels), np.int16)

    def encode(self, pieces: list[av.AudioFrame], clear_count: int, *, fill: bool) -> _Encoded:
        """Encode a frame, if there is enough for one or it is to be filled up with silence."""
        if clear_count != self._clear_count:
            self._clear_count = clear_count
            self._sound = self._sound[:0]
            self._resampler = self._from = None
        sound = self._sound
        if pieces:
            parts = [part for piece in pieces for part in self._resampled(piece)]
            if len(sound) or len(parts) != 1:
                parts = [np.concatenate((sound, *parts))]
            sound = parts[0]
        rate, size = self._encoder.rate, self._encoder.samples
        if len(sound) < size and not fill:
            self._sound = sound
            return _Encoded(b"", 0.0, len(sound) / rate, clear_count)
        whole, self._sound = sound[:size], sound[size:]
        written = len(whole)
        if written < size:
            whole = np.pad(whole, ((0, size - written), (0, 0)))
        encoded = self._encoder.encode(whole)
        return _Encoded(encoded, written / rate, len(self._sound) / rate, clear_count)

    def _resampled(self, piece: av.AudioFrame) -> list[Samples]:
        encoder = self._encoder
        rate, layout = piece.sample_rate, piece.layout
        if rate == encoder.rate and layout == self._layout and piece.format.name == "s16":
            return [to_samples(piece)]
        key = (rate, piece.format.name, layout.name)
        if self._resampler is None or self._from != key:
            self._from = key
            self._resampler = av.AudioResampler(
                format="s16", layout=self._layout, rate=encoder.rate
            )
        return [to_samples(frame) for frame in self._resampler.resample(piece)]
