"""Sound of many, mixed so that each hears the others. Blocking; it uses no loop."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..codecs.sound import Samples, SoundEncoder
from ..hearing.resampler import SoundResampler

RATE = 48_000
"""Samples a second of what is mixed, in Hz."""

BLOCK = RATE // 50
"""Samples of a block: 20 ms."""

SILENT = -90.0
"""The level of silence, in dBov: the least that 16 bits can hold."""

Sums = NDArray[np.float32]
"""Sums of 16-bit samples, of shape (sums, samples). They are whole numbers, up to 512 voices."""


class Voice(NamedTuple):
    """One member's part in a block of the mix.

    Attributes:
        key: Who it is.
        sound: What it says, of shape (`BLOCK`, 1); None for nothing.
        codec: The RTP encoding name of what it hears; None if it hears nothing.
        alone: Whether it needs a mix of its own, without what it says.
    """

    key: Hashable
    sound: Samples | None
    codec: str | None
    alone: bool


@dataclass(frozen=True, slots=True)
class Mixed:
    """What came of a block.

    Attributes:
        own: What each hears who has a mix of its own, encoded.
        shared: What all others hear, encoded, by RTP encoding name.
        levels: How loud each was who said something, in dBov.
    """

    own: dict[Hashable, bytes]
    shared: dict[str, bytes]
    levels: dict[Hashable, float]


class Limiter:
    """Keeps a sum within 16 bits without cutting its peaks off.

    It turns the sound down at once when a block would be too loud, and up again slowly.
    """

    MOST = 32_000
    RELEASE = 1.12
    """By how much the gain grows in a block: about 50 dB in a second."""

    RAMP = 96
    """Samples in which the gain goes down: 2 ms."""

    def __init__(self) -> None:
        self._gain = 1.0

    def gains(self, peak: float) -> tuple[float, float]:
        """Decide about the next block.

        Args:
            peak: The largest sample of it, without its sign.

        Returns:
            The gain at its beginning and the one at its end.
        """
        before = self._gain
        self._gain = min(1.0, before * self.RELEASE, self.MOST / max(peak, 1))
        return before, self._gain


def limit(sums: Sums, limiters: Sequence[Limiter]) -> Samples:
    """Bring a block of each sum into range, all of them at once.

    Args:
        sums: A row each, of any length. They are changed.
        limiters: One for each row.

    Returns:
        The sound, a row each.
    """
    peaks = np.maximum(sums.max(axis=1), -sums.min(axis=1)).tolist()
    gains = [limiter.gains(peak) for limiter, peak in zip(limiters, peaks, strict=True)]
    for row, (begins, ends) in zip(sums, gains, strict=True):
        if begins == ends:
            if ends != 1.0:
                np.multiply(row, ends, out=row)
            continue
        length = Limiter.RAMP if ends < begins else len(row)
        row[:length] *= _ramp(length) * (ends - begins) + begins
        row[length:] *= ends
    return np.clip(sums, -32_768, 32_767, out=sums).astype(np.int16)


@cache
def _ramp(length: int) -> NDArray[np.float32]:
    return np.linspace(0, 1, length, dtype=np.float32)


class _Output:
    """One mix on its way to who hears it."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self._encoder = SoundEncoder(codec)
        self.limiter = Limiter()
        rate = self._encoder.rate
        self._resampler = SoundResampler(RATE, rate, 1) if rate != RATE else None

    def encode(self, sound: Samples) -> bytes:
        if self._resampler is not None:
            sound = self._resampler.resample(sound)
        return self._encoder.encode(sound)


class Mix:
    """Mixes blocks of 20 ms: for each who speaks, all others; for who only listens, all."""

    def __init__(self) -> None:
        self._own: dict[Hashable, _Output] = {}
        self._shared: dict[Hashable, _Output] = {}

    def mix(
        self, voices: Sequence[Voice], chime: Samples | None = None, *, wanted: Collection[str] = ()
    ) -> Mixed:
        """Mix a block.

        Args:
            voices: Everybody.
            chime: What all hear besides, of shape (`BLOCK`, 1); None for nothing.
            wanted: Codecs in which the mix of all is wanted, whether anybody hears it or not.

        Returns:
            What each hears.
        """
        sounds = {voice.key: voice.sound[:, 0] for voice in voices if voice.sound is not None}
        said = np.zeros((len(sounds), BLOCK), np.float32)
        for row, sound in zip(said, sounds.values(), strict=True):
            row[:] = sound
        total = said.sum(axis=0)
        if chime is not None:
            total += chime[:, 0]
        own = [voice for voice in voices if voice.alone and voice.codec is not None]
        codecs = {*wanted, *(voice.codec for voice in voices if voice.codec and not voice.alone)}
        outputs = [
            *self._outputs(self._own, {voice.key: voice.codec or "" for voice in own}),
            *self._outputs(self._shared, {codec: codec for codec in codecs}),
        ]
        sums = np.tile(total, (len(outputs), 1))
        for mine, voice in zip(sums, own, strict=False):
            if voice.key in sounds:
                np.subtract(mine, sounds[voice.key], out=mine)
        limited = limit(sums, [output.limiter for output in outputs]) if outputs else ()
        encoded = [
            output.encode(sound[:, None]) for output, sound in zip(outputs, limited, strict=True)
        ]
        return Mixed(
            dict(zip((voice.key for voice in own), encoded, strict=False)),
            dict(zip(codecs, encoded[len(own) :], strict=True)),
            dict(zip(sounds, levels(said), strict=True)),
        )

    def _outputs(
        self, outputs: dict[Hashable, _Output], codecs: dict[Hashable, str]
    ) -> list[_Output]:
        """Give one for each key, and drop the others."""
        for gone in outputs.keys() - codecs.keys():
            del outputs[gone]
        for key, codec in codecs.items():
            if key not in outputs or outputs[key].codec != codec:
                outputs[key] = _Output(codec)
        return [outputs[key] for key in codecs]


def levels(sound: Sums) -> list[float]:
    """Tell how loud sound is: its power, in dB below the loudest square wave (RFC 6464 §3).

    Args:
        sound: A row for each, of one sample or more.

    Returns:
        For each row from -90 (silence) to 0 dBov.
    """
    powers = np.einsum("ij,ij->i", sound, sound) / (sound.shape[1] * 32_768**2)
    found: list[float] = (10 * np.log10(np.maximum(powers, 1e-9))).tolist()
    return [max(SILENT, each) for each in found]


def chime(*frequencies: int, seconds: float = 0.12, volume: float = 0.12) -> Samples:
    """Make a sequence of short tones.

    Args:
        frequencies: Of the tones, in Hz.
        seconds: How long each lasts.
        volume: Peak, 0 to 1 of full scale.

    Returns:
        Whole blocks, of shape (samples, 1).
    """
    size = round(seconds * RATE)
    time = np.arange(size) / RATE
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 0.01)
    tones = [np.sin(2 * np.pi * frequency * time) * fade for frequency in frequencies]
    wave = np.concatenate(tones) * volume * 32_767
    whole = np.pad(wave, (0, -len(wave) % BLOCK))
    return whole.astype(np.int16)[:, None]
