"""From one sample rate to another. Blocking; it uses no loop."""

import av
import numpy as np

from ..codecs.sound import FRAME_SECONDS, Samples, to_frame, to_samples


class SoundResampler:
    """Changes the sample rate of one stream of 20 ms blocks, which stay 20 ms.

    FFmpeg's resampler withholds up to 2 ms at first, so silence goes in front of it.

    Attributes:
        rate: Samples a second that it takes, in Hz.
    """

    AHEAD = 250
    """This part of a second is the silence in front: 4 ms."""

    def __init__(self, rate: int, to: int, channels: int) -> None:
        """Begin a stream.

        Args:
            rate: Samples a second that it takes, in Hz.
            to: Samples a second that it gives, in Hz; 20 ms of them is a whole number.
            channels: 1 or 2.
        """
        self.rate = rate
        self._resampler = av.AudioResampler("s16", "stereo" if channels == 2 else "mono", to)
        self._rest: Samples = np.zeros((to // self.AHEAD, channels), np.int16)
        self._samples = int(to * FRAME_SECONDS)

    def resample(self, block: Samples) -> Samples:
        """Take 20 ms and give 20 ms.

        Args:
            block: Sound of shape (samples, channels).
        """
        given = self._resampler.resample(to_frame(block, self.rate))
        sound = np.concatenate([self._rest, *map(to_samples, given)])
        self._rest = sound[self._samples :]
        return sound[: self._samples]
