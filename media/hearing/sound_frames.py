"""Received sound as frames of PyAV."""

import weakref
from fractions import Fraction

import av
import numpy as np

from ..codecs.sound import Samples
from .ear import Ear
from .frame_iterator import FrameIterator
from .timeline import CLOCK

LAYOUTS = {"mono": 1, "stereo": 2}
"""Channels by FFmpeg's name of the layout."""


def sound_frames(ear: Ear, *, limit: int, rate: int, layout: str) -> FrameIterator:
    """Begin to read decoded sound.

    Args:
        ear: The leg's.
        limit: How many frames may wait for a slow reader. The oldest are dropped.
        rate: Samples a second, in Hz.
        layout: "mono" or "stereo".

    Returns:
        An iterator over `av.AudioFrame`s of 20 ms. Nothing is decoded for it any more once it is
        closed, or nobody holds it.

    Raises:
        ValueError: There is no such rate or layout.
    """
    channels = LAYOUTS.get(layout)
    if channels is None:
        raise ValueError(f"There is no layout {layout!r}: give 'mono' or 'stereo'.")
    iterator = FrameIterator(limit)
    reader = weakref.ref(iterator)

    def frame(sound: Samples, timestamp: int) -> av.AudioFrame:
        flat = np.ascontiguousarray(sound).reshape(1, -1)
        made = av.AudioFrame.from_ndarray(flat, format="s16", layout=layout)
        made.sample_rate = rate
        made.pts = timestamp * rate // CLOCK
        made.time_base = Fraction(1, rate)
        return made

    def put(frame: av.AudioFrame) -> None:
        reading = reader()
        if reading is None:
            hearing.close()
        else:
            reading.put(frame)

    def end() -> None:
        reading = reader()
        if reading is not None:
            reading.end()

    hearing = ear.hear(rate, channels, frame, put, end)
    iterator.on_close = hearing.close
    return iterator
