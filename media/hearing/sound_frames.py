"""Received sound as frames of PyAV."""

import weakref
from fractions import Fraction

import av

from ..codecs.sound import Samples, to_frame
from .ear import Ear, check_rate
from .reader_queue import Frame, ReaderQueue, frame_octets
from .timeline import CLOCK

LAYOUTS = {"mono": 1, "stereo": 2}
"""Channels by FFmpeg's name of the layout."""


def channels_of(layout: str) -> int:
    """Tell how many channels a layout has.

    Args:
        layout: FFmpeg's name of it.

    Raises:
        ValueError: It is neither "mono" nor "stereo".
    """
    channels = LAYOUTS.get(layout)
    if channels is None:
        raise ValueError(f"There is no layout {layout!r}: give 'mono' or 'stereo'.")
    return channels


def sound_frames(ear: Ear, *, limit: int, rate: int, layout: str) -> ReaderQueue[Frame]:
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
    channels = channels_of(layout)
    check_rate(rate)
    reader = ReaderQueue(limit, frame_octets)
    reading = weakref.ref(reader)
    time_base = Fraction(1, rate)

    def frame(sound: Samples, timestamp: int) -> av.AudioFrame:
        made = to_frame(sound, rate)
        made.pts = timestamp * rate // CLOCK
        made.time_base = time_base
        return made

    def put(frame: av.AudioFrame) -> None:
        found = reading()
        if found is None:
            hearing.close()
        else:
            found.put(frame)

    def end() -> None:
        found = reading()
        if found is not None:
            found.end()

    hearing = ear.hear(rate, channels, frame, put, end)
    reader.on_close = hearing.close
    return reader
