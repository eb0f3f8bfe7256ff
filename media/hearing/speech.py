"""Speech in received sound: when it begins and ends, and what was said."""

import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..codecs.sound import Samples
from .ear import Ear, Hearing
from .reader_queue import ReaderQueue
from .speech_options import SpeechOptions
from .timeline import CLOCK
from .voice_detector import VoiceDetector, check_speech

RATE, CHUNK = VoiceDetector.RATE, VoiceDetector.SAMPLES


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """Somebody has begun to speak.

    Attributes:
        began: When, in seconds since this listener began to hear.
    """

    began: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Somebody has spoken.

    Attributes:
        began: When it began, in seconds since this listener began to hear.
        ended: When it ended.
        pcm: What was heard, from `pre_roll` before it began up to the silence after it: samples of
            16 bits, 16000 a second, one channel.
    """

    began: float
    ended: float
    pcm: NDArray[np.int16] = field(repr=False, compare=False)


Speech = SpeechBegan | SpeechEnded


class SpeechFinder:
    """Finds where speech begins and ends in one stream of sound. Blocking; it uses no loop.

    The detector looks at each 32 ms. While nobody speaks, it also looks at once where sound has
    become louder: at the last 32 ms, of which it has seen a part. So a word need not wait until the
    next 32 ms are full.
    """

    LOUDER = 4.0
    """By how much the power must grow for such a look: 6 dB above the quietest of the last second.
    In steady noise it never comes to that."""

    LEAST = RATE // 125
    """Samples that such a look must have that the detector has not seen: 8 ms."""

    STAYS = 0.15
    """By how much less sure the detector may be while somebody speaks."""

    def __init__(
        self,
        options: SpeechOptions,
        probability: Callable[[NDArray[np.int16]], float],
    ) -> None:
        """Begin a stream.

        Args:
            options: What counts as speech.
            probability: Tells of each 32 ms how likely they are speech.
        """
        self._options = options
        self._probability = probability
        self._before: deque[NDArray[np.int16]] = deque()
        self._began = 0.0
        self._ended = 0.0
        self._first: int | None = None
        self._least = _chunks(options.min_speech, 1) * CHUNK
        self._length = 0  # samples of `_before`, or of `_said`
        self._powers: deque[float] = deque(maxlen=_chunks(1.0))
        self._rest = np.zeros(0, np.int16)
        self._seen = np.zeros(CHUNK, np.int16)  # the last that the detector has looked at
        self._silent = 0
        self._said: list[NDArray[np.int16]] | None = None
        self._spoken = 0  # samples

    def hear(self, sound: Samples, timestamp: int) -> list[Speech]:
        """Take the next block.

        Args:
            sound: At 16 kHz, of shape (samples, 1).
            timestamp: When it begins, in ticks of 48 kHz.

        Returns:
            What happened in it.
        """
        if self._first is None:
            self._first = timestamp
        begins = (timestamp - self._first) / CLOCK - len(self._rest) / RATE
        waiting = np.concatenate((self._rest, sound[:, 0]))
        whole = len(waiting) // CHUNK
        self._rest = waiting[whole * CHUNK :]
        happened: list[Speech] = []
        for number in range(whole):
            chunk = waiting[number * CHUNK :][:CHUNK]
            self._powers.append(_power(chunk))
            happened += self._look(chunk, begins + (number + 1) * CHUNK / RATE)
        if self._said is None and len(self._rest) >= self.LEAST and self._is_louder(self._rest):
            rest, self._rest = self._rest, self._rest[:0]
            happened += self._look(rest, begins + len(waiting) / RATE)
        return happened

    def end(self) -> list[Speech]:
        """Tell of the speech that goes on when there is nothing more to hear."""
        return [] if self._said is None else [self._cut()]

    def _is_louder(self, sound: NDArray[np.int16]) -> bool:
        """Tell whether sound is louder than the quietest of the last second, and can be heard."""
        power = _power(sound)
        floor = min(self._powers, default=power)
        return power > max(self.LOUDER * floor, VoiceDetector.SILENT**2)

    def _look(self, sound: NDArray[np.int16], now: float) -> list[Speech]:
        """Look at 32 ms that end now, the last of which are new."""
        chunk = sound
        if len(sound) < CHUNK:
            chunk = np.concatenate((self._seen[len(sound) :], sound))
        self._seen = chunk
        sure = self._probability(chunk)
        if self._said is None:
            return self._wait(sound, now, sure >= self._options.threshold)
        self._said.append(sound)
        self._length += len(sound)
        if sure >= self._options.threshold - self.STAYS:
            self._silent, self._ended = 0, now
        else:
            self._silent += 1
        is_long = self._length >= _chunks(self._options.longest, 1) * CHUNK
        if is_long or self._silent >= _chunks(self._options.min_silence, 1):
            return [self._cut()]
        return []

    def _wait(self, sound: NDArray[np.int16], now: float, is_speech: bool) -> list[Speech]:
        before = self._before
        before.append(sound)
        self._length += len(sound)
        most = _chunks(self._options.pre_roll) * CHUNK + self._least
        while self._length - len(before[0]) >= most:
            self._length -= len(before.popleft())
        if is_speech:  # a first look is at 32 ms, however much of them is new
            self._spoken = self._spoken + len(sound) if self._spoken else CHUNK
        else:
            self._spoken = max(0, self._spoken - len(sound))
        if self._spoken < self._least:
            return []
        self._began, self._ended = max(0.0, now - self._spoken / RATE), now
        self._said, self._silent, self._spoken = [*before], 0, 0
        before.clear()
        return [SpeechBegan(self._began)]

    def _cut(self) -> SpeechEnded:
        said, self._said = self._said or [], None
        self._length = 0
        return SpeechEnded(self._began, self._ended, np.concatenate(said))


def _power(sound: NDArray[np.int16]) -> float:
    wave = sound.astype(np.float32)
    return float(np.dot(wave, wave)) / len(wave)


def _chunks(seconds: float, least: int = 0) -> int:
    return max(least, round(seconds * RATE / CHUNK))


def hear_speech(
    ear: Ear,
    options: SpeechOptions,
    callback: Callable[[Speech], None],
    on_end: Callable[[], None] = lambda: None,
) -> Hearing:
    """Begin to listen for speech.

    Args:
        ear: The leg's.
        options: What counts as speech.
        callback: Called on the loop when speech has begun, and when it has ended; also for what is
            being said when there is nothing more to hear.
        on_end: Called on the loop after that.

    Raises:
        SpeechError: The extra `speech` is not installed.
    """
    check_speech()
    finders: list[SpeechFinder] = []

    def work(sound: Samples, timestamp: int) -> list[Speech] | None:
        if not finders:  # on the thread, because the detector reads a file
            finders.append(SpeechFinder(options, VoiceDetector().probability))
        return finders[0].hear(sound, timestamp) or None

    def last() -> list[Speech]:
        return finders[0].end() if finders else []

    def tell(happened: list[Speech]) -> None:
        for each in happened:
            callback(each)

    return ear.hear(RATE, 1, work, tell, on_end, last)


def read_speech(ear: Ear, options: SpeechOptions, *, limit: int) -> ReaderQueue[Speech]:
    """Begin to read when speech begins and ends.

    Args:
        ear: The leg's.
        options: What counts as speech.
        limit: How much may wait for a slow reader. The oldest is dropped.

    Returns:
        An iterator. It ends when there is nothing more to hear and all was read. Nothing is decoded
        for it any more once it is closed, or nobody holds it.

    Raises:
        SpeechError: The extra `speech` is not installed.
    """
    reader: ReaderQueue[Speech] = ReaderQueue(limit, _octets)
    reading = weakref.ref(reader)

    def put(speech: Speech) -> None:
        found = reading()
        if found is None:
            hearing.close()
        else:
            found.put(speech)

    def finish() -> None:
        found = reading()
        if found is not None:
            found.finish()

    hearing = hear_speech(ear, options, put, finish)
    reader.on_close = hearing.close
    return reader


def _octets(speech: Speech) -> int:
    return speech.pcm.nbytes if isinstance(speech, SpeechEnded) else 0
