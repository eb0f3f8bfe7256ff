"""Received sound on one unbroken timeline. Blocking; it uses no loop."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ..codecs.sound import Samples, SoundDecoder
from ..frames.frame import EncodedFrame

CLOCK = 48000
"""Ticks a second of the timeline. The clock rate of every codec of sound divides it."""

BLOCK = 960
"""Ticks of a block: 20 ms."""


class Block(NamedTuple):
    """20 ms of sound.

    Attributes:
        timestamp: When it begins, in ticks of `CLOCK` since the first block.
        rate: Samples a second, in Hz: the codec's.
        sound: By the number of channels, of shape (samples, channels).
    """

    timestamp: int
    rate: int
    sound: dict[int, Samples]


class SoundTimeline:
    """Decodes the frames of a leg, and makes up for what is missing between them.

    Frames may be of any duration. A gap is concealed by the codec for a moment and is silence then,
    so that time stays right. The timeline goes on when the codec, its clock or the RTP stream
    changes. What comes after silence had to take its place is left out.
    """

    CONCEALED = 5 * BLOCK
    """Ticks that the codec makes up for at most; libopus has faded out by then."""

    AHEAD = CLOCK
    """Ticks by which RTP timestamps may run ahead of the clock. Those that do are begun anew, or a
    packet could bring as much silence as it likes."""

    LATE = 0.2
    """Seconds for which frames may be late; then the sender's clock has stood still meanwhile."""

    NEAR = 3 * BLOCK
    """Ticks that a new RTP timeline may seem to begin after the old one by jitter alone."""

    MOST_SILENCE = 2 * CLOCK
    """Ticks of silence that are put in at once; a longer gap is a step of the timestamps."""

    def __init__(self) -> None:
        self._arrival = 0.0
        self._began = 0.0
        self._begun = 0  # samples of a block that is not whole yet
        self._channels: Collection[int] = ()
        self._clock_rate = 0
        self._codec = ""
        self._concealable = 0
        self._decoders: dict[int, SoundDecoder] = {}
        self._heard_to = 0
        self._last = 0
        self._late_since: float | None = None
        self._next = 0
        self._offset = 0
        self._rate = CLOCK
        self._rest: dict[int, Samples] = {}

    def hear(self, frame: EncodedFrame, channels: Collection[int]) -> list[Block]:
        """Take the next frame.

        Args:
            frame: What came in, in the order in which it was sent.
            channels: How many are wanted, each 1 or 2; G.711 gives 1 for both.

        Returns:
            The blocks that are whole now, those for the gap before the frame among them.
        """
        begins = self._place(frame)
        blocks: list[Block] = []
        if frame.codec != self._codec or channels != self._channels:
            blocks = self._use(frame.codec, channels)
        if begins > self._next:
            blocks += self._fill(begins - self._next)
        sounds = {each: decoder.decode(frame.data) for each, decoder in self._decoders.items()}
        if begins < self._next:
            late = (self._next - begins) * self._rate // CLOCK
            sounds = {each: sound[late:] for each, sound in sounds.items()}
        if len({len(sound) for sound in sounds.values()}) == 1:  # or a frame could not be decoded
            blocks += self._add(sounds)
        self._arrival, self._heard_to = frame.arrival, self._next
        self._concealable = self.CONCEALED
        return blocks

    def wait(self, until: float) -> list[Block]:
        """Put silence in for what should have come and has not.

        Args:
            until: Up to when, on the clock of the frames' arrival, in seconds.
        """
        if not self._codec:
            return []
        missing = self._heard_to + _ticks(until - self._arrival) - self._next
        return self._fill(missing // BLOCK * BLOCK) if missing >= BLOCK else []

    def _place(self, frame: EncodedFrame) -> int:
        """Tell where on the timeline a frame begins: before `_next` if it is late."""
        timestamp = frame.timestamp * (CLOCK // frame.clock_rate)
        step, self._last = timestamp - self._last, timestamp
        if not self._codec:
            self._began, self._offset = frame.arrival, -timestamp
        most = _ticks(frame.arrival - self._began) + self.AHEAD
        is_other = bool(self._codec) and frame.clock_rate != self._clock_rate
        self._clock_rate = frame.clock_rate
        begins = timestamp + self._offset
        if is_other or step < 0 or begins > most:
            by_clock = self._heard_to + _ticks(frame.arrival - self._arrival) - BLOCK
            begins = by_clock if self._next + self.NEAR < by_clock <= most else self._next
            self._offset = begins - timestamp
        if begins >= self._next:
            self._late_since = None
        elif self._late_since is None:
            self._late_since = frame.arrival
        elif frame.arrival - self._late_since > self.LATE:
            self._late_since = None
            self._offset += self._next - begins
            begins = self._next
        return begins

    def _use(self, codec: str, channels: Collection[int]) -> list[Block]:
        """Have decoders for a codec, as many as are wanted."""
        blocks: list[Block] = []
        self._channels = channels
        if codec != self._codec:
            blocks = self._complete()
            self._decoders, self._rest = {}, {}
            self._codec = codec
        wanted = {each if codec == "opus" else 1 for each in channels}
        for each in wanted - self._decoders.keys():
            self._decoders[each] = SoundDecoder(codec, each)
            self._rate = self._decoders[each].rate
            self._rest[each] = np.zeros((self._begun, each), np.int16)
        for each in self._decoders.keys() - wanted:
            del self._decoders[each], self._rest[each]
        return blocks

    def _fill(self, ticks: int) -> list[Block]:
        blocks: list[Block] = []
        end = self._next + ticks
        while self._next < end and self._concealable > 0:
            sounds = {each: decoder.conceal() for each, decoder in self._decoders.items()}
            made_up = min(map(len, sounds.values())) * CLOCK // self._rate
            if not made_up:
                break
            self._concealable -= made_up
            most = (end - self._next) * self._rate // CLOCK
            blocks += self._add({each: sound[:most] for each, sound in sounds.items()})
        self._concealable = 0
        if end - self._next > self.MOST_SILENCE:
            blocks += self._complete()
            self._next = end
        return blocks + self._silence(end - self._next)

    def _silence(self, ticks: int) -> list[Block]:
        samples = ticks * self._rate // CLOCK
        return self._add({each: np.zeros((samples, each), np.int16) for each in self._rest})

    def _complete(self) -> list[Block]:
        """Let silence follow up to the end of a block that has begun."""
        missing = BLOCK - self._begun * CLOCK // self._rate
        return self._silence(missing) if self._begun else []

    def _add(self, sounds: dict[int, Samples]) -> list[Block]:
        """Let sound follow, and cut off the blocks that are whole."""
        size = BLOCK * self._rate // CLOCK
        length = len(next(iter(sounds.values())))
        if length == size and not self._begun:
            self._next += BLOCK
            return [Block(self._next - BLOCK, self._rate, sounds)]
        begins = self._next - self._begun * CLOCK // self._rate
        for each, sound in sounds.items():
            rest = self._rest[each]
            self._rest[each] = np.concatenate((rest, sound)) if len(rest) else sound
        self._next += length * CLOCK // self._rate
        whole, self._begun = divmod(self._begun + length, size)
        blocks = [
            Block(
                begins + number * BLOCK,
                self._rate,
                {each: rest[number * size :][:size] for each, rest in self._rest.items()},
            )
            for number in range(whole)
        ]
        self._rest = {each: rest[whole * size :] for each, rest in self._rest.items()}
        return blocks


def _ticks(seconds: float) -> int:
    """Turn seconds into whole milliseconds' ticks, which are whole samples of every codec."""
    return round(seconds * 1000) * CLOCK // 1000
