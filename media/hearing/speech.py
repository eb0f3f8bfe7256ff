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
    """Finds where speech begins and ends in one stream of sound. Blocking; it uses no loop."""

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
        self._before: deque[NDArray[np.int16]] = deque(
            maxlen=_chunks(options.pre_roll) + _chunks(options.min_speech, 1)
        )
        self._began = 0.0
        self._ended = 0.0
        self._first: int | None = None
        self._rest = np.zeros(0, np.int16)
        self._silent = 0
        self._said: list[NDArray[np.int16]] | None = None
        self._spoken = 0

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
            happened += self._look(chunk, begins + (number + 1) * CHUNK / RATE)
        return happened

    def end(self) -> list[Speech]:
        """Tell of the speech that goes on when there is nothing more to hear."""
        return [] if self._said is None else [self._cut()]

    def _look(self, chunk: NDArray[np.int16], now: float) -> list[Speech]:
        """Look at a chunk that ends now."""
        sure = self._probability(chunk)
        if self._said is None:
            return self._wait(chunk, now, sure >= self._options.threshold)
        self._said.append(chunk)
        if sure >= self._options.threshold - self.STAYS:
            self._silent, self._ended = 0, now
        else:
            self._silent += 1
        is_long = len(self._said) >= _chunks(self._options.longest, 1)
        if is_long or self._silent >= _chunks(self._options.min_silence, 1):
            return [self._cut()]
        return []

    def _wait(self, chunk: NDArray[np.int16], now: float, is_speech: bool) -> list[Speech]:
        self._before.append(chunk)
        self._spoken = self._spoken + 1 if is_speech else max(0, self._spoken - 1)
        if self._spoken < _chunks(self._options.min_speech, 1):
            return []
        self._began, self._ended = max(0.0, now - self._spoken * CHUNK / RATE), now
        self._said, self._silent, self._spoken = [*self._before], 0, 0
        self._before.clear()
        return [SpeechBegan(self._began)]

    def _cut(self) -> SpeechEnded:
        said, self._said = self._said or [], None
        return SpeechEnded(self._began, self._ended, np.concatenate(said))


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
