"""The ear of a leg: its received sound, decoded for those who listen."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numpy as np

from ..codecs.sound import Samples
from ..codecs.threads import CodecThreads, Lane
from ..frames.frame import EncodedFrame
from .resampler import SoundResampler
from .timeline import Block, SoundTimeline

logger = logging.getLogger(__name__)

T = TypeVar("T")

RATES = range(8000, 48001, 50)
"""Rates in Hz that can be asked for: 20 ms of each is a whole number of samples."""


def check_rate(rate: int) -> None:
    """See that a rate can be asked for.

    Args:
        rate: Samples a second, in Hz.

    Raises:
        ValueError: It can't.
    """
    if rate not in RATES:
        raise ValueError(f"There is no sound of {rate} Hz: give 8000 to 48000, a multiple of 50.")


class Hearing:
    """Somebody's listening to a leg, until it is closed.

    Attributes:
        rate: Samples a second that it gets, in Hz.
        channels: 1 or 2.
        last: Done on a thread when there is nothing more to hear, if there is such work.
    """

    def __init__(
        self,
        rate: int,
        channels: int,
        work: Callable[[Samples, int], Any],
        done: Callable[[Any], None],
        on_end: Callable[[], None],
        last: Callable[[], Any] | None,
        forget: Callable[["Hearing"], None],
    ) -> None:
        self.rate = rate
        self.channels = channels
        self.last = last
        self._done = done
        self._forget = forget
        self._is_open = True
        self._on_end = on_end
        self._work = work

    def close(self) -> None:
        """Listen no longer. Decoding ends with the last who listens."""
        if self._is_open:
            self._is_open = False
            self._forget(self)

    def end(self) -> None:
        """Close it because there is nothing more to hear, and say so."""
        if self._is_open:
            self.close()
            self._on_end()

    def work(self, sound: Samples, timestamp: int) -> Any:
        """Do the listener's work on 20 ms of sound. Runs on a thread."""
        try:
            return self._work(sound, timestamp)
        except Exception as error:
            return _Fault(error)

    def take(self, result: Any) -> None:
        """Give the listener what its work returned."""
        if not self._is_open:
            return
        try:
            if isinstance(result, _Fault):
                raise result.error
            self._done(result)
        except Exception:
            logger.exception("A listener failed and is taken off")
            self.end()


class Ear:
    """Decodes what a leg hears, once for all who listen, away from the loop.

    While nobody listens there is no decoder, no timer and no job. Blocks come about as they arrive;
    where none do, silence follows after a while.
    """

    BACKLOG = 50
    """Frames that may wait for their decoder: a second. Those after it are left out."""

    PATIENCE = 0.5
    """Seconds after which silence takes the place of what has not come."""

    PAUSE = 0.06
    """The same, once Opus has said that it sends nothing for now (RFC 7587 §3.1.3)."""

    EVERY = 0.1
    """Seconds between two looks while nothing comes."""

    def __init__(self) -> None:
        self._decoding: _Decoding | None = None
        self._ended = False
        self._listeners = _Listeners(())
        self._heard_at = 0.0
        self._lane: Lane | None = None
        self._patience = self.PATIENCE
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = 0

    @property
    def listens(self) -> bool:
        """Whether anybody does."""
        return bool(self._hearings)

    def hear(
        self,
        rate: int,
        channels: int,
        work: Callable[[Samples, int], T | None],
        done: Callable[[T], None],
        on_end: Callable[[], None] = lambda: None,
        last: Callable[[], T | None] | None = None,
    ) -> Hearing:
        """Begin to listen.

        Args:
            rate: Samples a second, in Hz: 8000 to 48000, a multiple of 50.
            channels: 1 or 2.
            work: Called on a thread with 20 ms of sound and its timestamp, see `Block`; in order,
                and never twice at once.
            done: Called on the loop with what that returned, if it is not None.
            on_end: Called on the loop when there is nothing more to hear.
            last: Called on the thread before that; what it returns goes to `done` too.

        Raises:
            ValueError: There is no such rate, or are no so many channels.
        """
        check_rate(rate)
        if channels not in {1, 2}:
            raise ValueError(f"There is no sound of {channels} channels: give 1 or 2.")
        hearing = Hearing(rate, channels, work, done, on_end, last, self._forget)
        if self._lane is None:
            self._lane = CodecThreads.running().lane()
            self._decoding = _Decoding()
            self._waiting = 0
        self._listeners = _Listeners((*self._hearings, hearing))
        return hearing

    def take(self, frame: EncodedFrame) -> None:
        """Decode a frame if somebody listens.

        Args:
            frame: Sound, in the order in which it was sent.
        """
        if self._decoding is None or self._ended or self._waiting >= self.BACKLOG:
            return
        self._heard_at = frame.arrival
        pauses = frame.codec == "opus" and len(frame.data) <= 2
        self._run(partial(self._decoding.hear, frame, self._listeners))
        patience = self.PAUSE if pauses else self.PATIENCE
        if self._timer is None or patience < self._patience:
            self._look_at(frame.arrival + patience)
        self._patience = patience

    def end(self) -> None:
        """Let everybody know that there is nothing more to hear."""
        self._ended = True
        for hearing in self._hearings:
            if hearing.last is None or self._lane is None:
                hearing.end()
            else:
                self._lane.run(hearing.last, partial(_end, hearing))

    @property
    def _hearings(self) -> tuple[Hearing, ...]:
        return self._listeners.hearings

    def _forget(self, hearing: Hearing) -> None:
        left = tuple(each for each in self._hearings if each is not hearing)
        self._listeners = _Listeners(left)
        if left or self._lane is None:
            return
        self._lane.close()
        self._lane = self._decoding = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self, job: Callable[[], "list[tuple[Hearing, Any]]"]) -> None:
        assert self._lane is not None  # noqa: S101 -- somebody listens
        self._waiting += 1
        self._lane.run(job, self._decoded)

    def _decoded(self, results: list[tuple[Hearing, Any]] | None, error: Exception | None) -> None:
        self._waiting -= 1
        if error is not None:
            logger.error("Sound could not be decoded", exc_info=error)
        for hearing, result in results or ():
            hearing.take(result)

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self._look)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        if now < self._heard_at + self._patience:
            self._look_at(self._heard_at + self._patience)
            return
        if self._ended:
            return
        if self._decoding is not None and self._waiting < self.BACKLOG:
            self._run(partial(self._decoding.wait, now - self._patience, self._listeners))
        self._look_at(now + self.EVERY)


def _end(hearing: Hearing, result: Any, error: Exception | None) -> None:
    if error is not None:
        logger.error("A listener's last work failed", exc_info=error)
    elif result is not None:
        hearing.take(result)
    hearing.end()


class _Fault:
    """What a listener's work raised."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Listeners:
    """All who listen at one time, and what they want.

    Attributes:
        hearings: They.
        wanted: Rates and channels, each once.
        channels: How many are wanted, each number once.
    """

    def __init__(self, hearings: tuple[Hearing, ...]) -> None:
        self.hearings = hearings
        self.wanted = {(hearing.rate, hearing.channels) for hearing in hearings}
        self.channels = frozenset(hearing.channels for hearing in hearings)


class _Decoding:
    """What happens on the thread: frames become blocks, and blocks what each listener wants."""

    def __init__(self) -> None:
        self._resamplers: dict[tuple[int, int], SoundResampler] = {}
        self._timeline = SoundTimeline()

    def hear(self, frame: EncodedFrame, listeners: _Listeners) -> list[tuple[Hearing, Any]]:
        """Decode a frame, and let the listeners work on what comes of it."""
        return self._give(self._timeline.hear(frame, listeners.channels), listeners)

    def wait(self, until: float, listeners: _Listeners) -> list[tuple[Hearing, Any]]:
        """Let the listeners work on the silence that takes the place of what has not come."""
        return self._give(self._timeline.wait(until), listeners)

    def _give(self, blocks: list[Block], listeners: _Listeners) -> list[tuple[Hearing, Any]]:
        if self._resamplers:
            for gone in self._resamplers.keys() - listeners.wanted:
                del self._resamplers[gone]
        results = []
        for block in blocks:
            sounds = {each: self._convert(block, *each) for each in listeners.wanted}
            for hearing in listeners.hearings:
                sound = sounds[hearing.rate, hearing.channels]
                result = hearing.work(sound, block.timestamp)
                if result is not None:
                    results.append((hearing, result))
        return results

    def _convert(self, block: Block, rate: int, channels: int) -> Samples:
        sound = block.sound.get(channels)
        if sound is None:
            sound = _mixed(next(iter(block.sound.values())), channels)
        if rate == block.rate:
            if self._resamplers:
                self._resamplers.pop((rate, channels), None)
            return sound
        resampler = self._resamplers.get((rate, channels))
        if resampler is None or resampler.rate != block.rate:
            resampler = SoundResampler(block.rate, rate, channels)
            self._resamplers[rate, channels] = resampler
        return resampler.resample(sound)


def _mixed(sound: Samples, channels: int) -> Samples:
    """Make stereo of mono, or the other way round."""
    if channels == 2:
        return np.repeat(sound, 2, axis=1)
    return cast(Samples, sound.mean(axis=1, keepdims=True).astype(np.int16))
