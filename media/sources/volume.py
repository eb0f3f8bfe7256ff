"""The volume of what one leg plays."""

from functools import partial

import numpy as np

from ..codecs.sound import Samples, SoundDecoder, SoundEncoder
from ..codecs.threads import CodecThreads
from ..errors import shown
from .playlist import PlaylistReader
from .unit import Unit

LOUDEST = 20.0
"""The highest gain, in dB."""

FAINTEST = -100.0
"""The lowest gain, in dB: a full-scale tone is less than one step of 16 bits."""


class VolumeReader:
    """Makes the sound of a leg louder or softer, one frame ahead of what is played.

    What it reads is encoded once for all legs, so it is decoded, changed and encoded again for this
    one, on the threads for live sound. Without gain, frames go through as they are.

    Attributes:
        decibels: The gain.
        failure: Why it ended early, in one sentence; None otherwise.
        ahead: Ticks of the codec's RTP clock that were read and not yet played.
    """

    def __init__(self, frames: PlaylistReader, codec: str) -> None:
        self.ahead = 0
        self.decibels = 0.0
        self.failure: str | None = None
        self._frames = frames
        self._has_begun = False
        self._is_working = False
        self._lane = CodecThreads.running().lane()
        self._ready: Unit | None = None
        self._rest = 0
        self._sound = _Sound(codec)

    @property
    def ended(self) -> bool:
        """Whether everything was read, or can't be."""
        if self.failure is not None:
            return True
        return self._frames.ended and not self._is_working and self._ready is None

    def read(self) -> Unit | None:
        """Return the next frame; None if there is none yet, or no more (see `ended`)."""
        if self._ready is not None:
            ready, self._ready = self._ready, None
            self.ahead = max(0, self.ahead - ready.duration)
            self._work()
            return ready
        if self._is_working:
            return None
        if not self._has_begun:  # the first frame goes out as it is, while the next one is made
            unit = self._frames.read()
            self._has_begun = self.decibels != 0
            if self._has_begun:
                self._work()
            return unit
        self._work()
        return None

    def drop(self) -> None:
        """Forget what was read ahead: reading goes on at another place."""
        self._lane.close()
        self._lane = CodecThreads.running().lane()
        self._sound = _Sound(self._sound.codec)
        self._ready = None
        self._is_working = self._has_begun = False
        self.ahead = self._rest = 0

    def close(self) -> None:
        """Read no more."""
        self._lane.close()
        self._ready = None

    def _work(self) -> None:
        """Have the next frame made, if there is enough for it."""
        taken: list[bytes] = []
        ticks = 0
        goes_on = self.decibels != 0
        while goes_on and self._rest + ticks < self._sound.duration:
            unit = self._frames.read()
            if unit is None:
                break
            taken.append(unit.data)
            ticks += unit.duration
        fill = self._frames.ended or not goes_on
        if not taken and not (fill and self._rest):
            self._has_begun = goes_on
            return
        self.ahead += ticks
        self._is_working = True
        factor = 10 ** (self.decibels / 20)
        self._lane.run(partial(self._sound.change, taken, factor, fill=fill), self._made)

    def _made(self, made: tuple[bytes, int] | None, error: Exception | None) -> None:
        self._is_working = False
        if made is None:
            self.failure = f"The volume can't be changed: {error and shown(error)}"
            return
        data, self._rest = made
        if data:
            self._ready = Unit(data, self._sound.duration)
        else:
            self._work()


class _Sound:
    """What the thread does: makes frames of 20 ms that are louder or softer."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self._use(1)

    def _use(self, channels: int) -> None:
        self._decoder = SoundDecoder(self.codec, channels)
        self._encoder = SoundEncoder(self.codec, channels)
        self.duration = self._encoder.duration
        self._waiting: Samples = np.zeros((0, self._encoder.channels), np.int16)

    def change(self, frames: list[bytes], factor: float, *, fill: bool) -> tuple[bytes, int]:
        """Make a frame.

        Args:
            frames: What follows, encoded.
            factor: By which samples are multiplied; what is too loud is cut off.
            fill: Whether less than a frame is filled up with silence.

        Returns:
            The frame, encoded; empty if there was not enough for one. And the ticks that wait for
            the next one.
        """
        for data in frames:
            if self.codec == "opus" and data[0] & 4 and self._encoder.channels == 1:
                self._use(2)  # the stereo bit of RFC 6716 §3.1
            sound = self._decoder.decode(data) * np.float32(factor)
            cut = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
            self._waiting = np.concatenate((self._waiting, cut))
        size = self._encoder.samples
        whole, rest = self._waiting[:size], self._waiting[size:]
        if len(whole) < size:
            if not (fill and len(whole)):
                return b"", len(self._waiting) * self.duration // size
            whole = np.pad(whole, ((0, size - len(whole)), (0, 0)))
        self._waiting = rest
        return self._encoder.encode(whole), len(rest) * self.duration // size
