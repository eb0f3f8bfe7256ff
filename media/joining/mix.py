"""Sound of many, mixed so that each hears the others. Blocking; it uses no loop."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field

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

Sum = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Voice:
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


@dataclass(slots=True)
class Mixed:
    """What came of a block.

    Attributes:
        own: What each hears who has a mix of its own, encoded.
        shared: What all others hear, encoded, by RTP encoding name.
        levels: How loud each was who said something, in dBov.
    """

    own: dict[Hashable, bytes] = field(default_factory=dict)
    shared: dict[str, bytes] = field(default_factory=dict)
    levels: dict[Hashable, float] = field(default_factory=dict)


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

    def limit(self, block: Sum) -> Samples:
        """Bring a block into range.

        Args:
            block: A sum, of shape (samples,).

        Returns:
            The sound, of shape (samples, 1).
        """
        peak = int(np.abs(block).max(initial=0))
        wanted = min(1.0, self._gain * self.RELEASE, self.MOST / max(peak, 1))
        if wanted == self._gain == 1.0:
            return block.astype(np.int16)[:, None]
        gains = np.full(len(block), wanted)
        length = self.RAMP if wanted < self._gain else len(block)
        gains[:length] = np.linspace(self._gain, wanted, length)
        self._gain = wanted
        limited: Samples = np.clip(block * gains, -32_768, 32_767).astype(np.int16)
        return limited[:, None]


class _Output:
    """One mix on its way to who hears it."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self._encoder = SoundEncoder(codec)
        self._limiter = Limiter()
        rate = self._encoder.rate
        self._resampler = SoundResampler(RATE, rate, 1) if rate != RATE else None

    def encode(self, block: Sum) -> bytes:
        sound = self._limiter.limit(block)
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
        mixed = Mixed()
        total = np.zeros(BLOCK, np.int32)
        for voice in voices:
            if voice.sound is not None:
                total += voice.sound[:, 0]
                mixed.levels[voice.key] = level(voice.sound)
        if chime is not None:
            total += chime[:, 0]
        for gone in self._own.keys() - {voice.key for voice in voices if voice.alone}:
            del self._own[gone]
        codecs = set(wanted)
        for voice in voices:
            if voice.codec is None:
                continue
            if voice.alone:
                others = total if voice.sound is None else total - voice.sound[:, 0]
                mixed.own[voice.key] = _output(self._own, voice.key, voice.codec).encode(others)
            else:
                codecs.add(voice.codec)
        for gone in self._shared.keys() - codecs:
            del self._shared[gone]
        for codec in codecs:
            mixed.shared[codec] = _output(self._shared, codec, codec).encode(total)
        return mixed


def _output(outputs: dict[Hashable, _Output], key: Hashable, codec: str) -> _Output:
    output = outputs.get(key)
    if output is None or output.codec != codec:
        output = outputs[key] = _Output(codec)
    return output


def level(sound: Samples) -> float:
    """Tell how loud sound is: its power, in dB below the loudest square wave (RFC 6464 §3).

    Args:
        sound: Of any shape.

    Returns:
        From -90 (silence) to 0 dBov.
    """
    flat = sound.reshape(-1).astype(np.float32)
    power = float(flat @ flat) / max(len(flat), 1) / 32_768**2
    return max(SILENT, 10 * float(np.log10(max(power, 1e-9))))


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
