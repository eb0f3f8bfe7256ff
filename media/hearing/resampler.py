"""From one sample rate to another. Blocking; it uses no loop."""

from contextlib import suppress
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.filter import Graph

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
        self._rest: Samples = np.zeros((to // self.AHEAD, channels), np.int16)
        self._samples = int(to * FRAME_SECONDS)
        self._taken = 0
        layout = "stereo" if channels == 2 else "mono"
        self._time_base = Fraction(1, rate)
        # `av.AudioResampler` is a graph like this, but has two threads of its own.
        self._graph = Graph()
        self._graph.threads = 1
        self._graph.link_nodes(
            self._graph.add_abuffer(
                format="s16", sample_rate=rate, layout=layout, time_base=self._time_base
            ),
            self._graph.add("aresample", str(to)),
            self._graph.add("aformat", "sample_fmts=s16"),
            self._graph.add("abuffersink"),
        ).configure()

    def resample(self, block: Samples) -> Samples:
        """Take 20 ms and give 20 ms.

        Args:
            block: Sound of shape (samples, channels).
        """
        frame = to_frame(block, self.rate)
        frame.time_base = self._time_base
        frame.pts = self._taken
        self._taken += len(block)
        self._graph.push(frame)
        parts = [self._rest]
        with suppress(av.error.BlockingIOError):
            while True:
                parts.append(to_samples(cast(av.AudioFrame, self._graph.pull())))
        sound = np.concatenate(parts)
        self._rest = sound[self._samples :]
        return sound[: self._samples]
