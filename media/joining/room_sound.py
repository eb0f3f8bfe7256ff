"""The sound of a room: decoded, mixed and encoded together. Blocking; it uses no loop."""

import logging
from collections import deque
from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

from ..codecs.sound import Samples
from ..frames.frame import EncodedFrame
from ..hearing.resampler import SoundResampler
from ..hearing.timeline import SoundTimeline
from .mix import RATE, SILENT, Mix, Mixed, Voice

logger = logging.getLogger(__name__)

QUIET = -55.0
"""dBov below which nobody is taken to speak."""

SPOKE = 50
"""Blocks for which who has spoken still gets a mix of its own: a second."""


class Part(NamedTuple):
    """One member's part in a block.

    Attributes:
        key: Who it is.
        frames: What has come in of it since the last block, in order; None if it is not heard.
        codec: The RTP encoding name of what it hears; None if it hears nothing.
    """

    key: Hashable
    frames: Sequence[EncodedFrame] | None
    codec: str | None


class RoomSound:
    """What a thread does for a room, every 20 ms, in one go.

    Frames wait until then and are decoded where they are mixed: a wake-up of a thread for each
    of them would cost as much as its decoder.
    """

    def __init__(self) -> None:
        self._mix = Mix()
        self._talks: dict[Hashable, _Talk] = {}

    def mix(
        self, parts: Sequence[Part], chime: Samples | None = None, *, wanted: Collection[str] = ()
    ) -> Mixed:
        """Mix the next block.

        Args:
            parts: Everybody's.
            chime: What all hear besides, as `Mix.mix` takes it; None for nothing.
            wanted: Codecs in which the mix of all is wanted, whether anybody hears it or not.

        Returns:
            What each hears, and how loud each was who said something.
        """
        for gone in self._talks.keys() - {part.key for part in parts if part.frames is not None}:
            del self._talks[gone]
        voices = []
        for part in parts:
            talk = self._talks.get(part.key)
            if talk is None:
                if not part.frames:
                    voices.append(Voice(part.key, None, part.codec, alone=False))
                    continue
                talk = self._talks[part.key] = _Talk()
            sound = talk.next(part.frames or ())
            voices.append(Voice(part.key, sound, part.codec, alone=talk.quiet < SPOKE))
        mixed = self._mix.mix(voices, chime, wanted=wanted)
        for key, talk in self._talks.items():
            talk.note(mixed.levels.get(key, SILENT))
        return mixed


class _Talk:
    """What one member says, on its way into the mix.

    Attributes:
        quiet: Blocks since it spoke.
    """

    MOST_WAITING = 5
    """Blocks that wait to be mixed: 100 ms. Above that the oldest are dropped."""

    SPARE = 50
    """Blocks after which one that was never needed meanwhile is dropped, and with it a delay."""

    def __init__(self) -> None:
        self.quiet = 0
        self._least = self.MOST_WAITING
        self._missed = 0
        self._resampler: SoundResampler | None = None
        self._taken = 0
        self._timeline = SoundTimeline()
        self._waiting: deque[Samples] = deque(maxlen=self.MOST_WAITING)

    def next(self, frames: Sequence[EncodedFrame]) -> Samples | None:
        """Take what came in, and give the next 20 ms; None if there is nothing."""
        for frame in frames:
            self._hear(frame)
        if not self._waiting:
            self._missed += 1
            self._least = 0
            return None
        self._missed = 0
        self._taken += 1
        self._least = min(self._least, len(self._waiting) - 1)
        if self._taken >= self.SPARE:
            if self._least:
                self._waiting.popleft()
            self._taken, self._least = 0, self.MOST_WAITING
        return self._waiting.popleft()

    def note(self, level: float) -> None:
        """Note how loud it was, in dBov."""
        self.quiet = 0 if level > QUIET else min(SPOKE, self.quiet + 1)

    def _hear(self, frame: EncodedFrame) -> None:
        try:
            blocks = self._timeline.hear(frame, (1,))
            sounds = [self._at_rate(block.sound[1], block.rate) for block in blocks]
        except Exception:
            logger.exception("Sound in a room could not be decoded")
            self._timeline = SoundTimeline()
            return
        # What makes up for a gap comes too late for the blocks that were mixed without it.
        late = min(self._missed, len(sounds) - 1)
        self._waiting.extend(sounds[max(0, late) :])

    def _at_rate(self, sound: Samples, rate: int) -> Samples:
        if rate == RATE:
            self._resampler = None
            return sound
        if self._resampler is None or self._resampler.rate != rate:
            self._resampler = SoundResampler(rate, RATE, 1)
        return self._resampler.resample(sound)
