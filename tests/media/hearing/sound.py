"""Sound for the tests of hearing, and what is heard of it."""

import numpy as np
from callboard.media.codecs.sound import Samples, SoundEncoder
from callboard.media.frames.codec import CLOCK_RATES
from callboard.media.frames.frame import EncodedFrame
from numpy.typing import NDArray


def tone(frequency: float, rate: int, seconds: float, level: int = 10_000) -> Samples:
    """Give a tone of one channel."""
    time = np.arange(round(rate * seconds)) / rate
    return (np.sin(2 * np.pi * frequency * time) * level).astype(np.int16)[:, None]


def packets(codec: str, sound: Samples) -> list[bytes]:
    """Encode sound in frames of 20 ms."""
    encoder = SoundEncoder(codec)
    size = encoder.samples
    return [encoder.encode(sound[at : at + size]) for at in range(0, len(sound), size)]


def frames(
    codec: str, data: list[bytes], *, begin: int = 0, arrival: float = 0.0
) -> list[EncodedFrame]:
    """Let packets come in every 20 ms.

    Args:
        codec: Their codec.
        data: What they carry.
        begin: The RTP timestamp of the first.
        arrival: When it comes, in seconds.
    """
    clock = CLOCK_RATES[codec]
    return [
        EncodedFrame(
            "audio", codec, each, begin + at * clock // 50, clock, arrival + at / 50, keyframe=True
        )
        for at, each in enumerate(data)
    ]


def pitch(sound: NDArray[np.int16], rate: int) -> float:
    """Give the strongest frequency of one channel, in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * rate / len(sound))


def level(sound: NDArray[np.int16]) -> float:
    """Give the root mean square."""
    return float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))
