"""From one sample rate to another. Blocking; it uses no loop."""

from typing import cast

import av
import numpy as np

from ..codecs.sound import FRAME_SECONDS, Samples


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
        self._channels = channels
        self._layout = "stereo" if channels == 2 else "mono"
        self._resampler = av.AudioResampler("s16", self._layout, to)
        self._rest: Samples = np.zeros((to // self.AHEAD, channels), np.int16)
        self._samples = int(to * FRAME_SECONDS)

    def resample(self, block: Samples) -> Samples:
        """Take 20 ms and give 20 ms.

        Args:
            block: Sound of shape (samples, channels).
        """
        flat = np.ascontiguousarray(block).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(flat, format="s16", layout=self._layout)
        frame.sample_rate = self.rate
        given = [cast(Samples, part.to_ndarray()) for part in self._resampler.resample(frame)]
        sound = np.concatenate([self._rest, *(part.reshape(-1, self._channels) for part in given)])
        self._rest = sound[self._samples :]
        return sound[: self._samples]
