"""What is to be heard and seen in a recording."""

from pathlib import Path

import av
import numpy as np
from callboard.actors.records.call_record import CallRecord
from callboard.media import inspect, read_clock
from numpy.typing import NDArray


def tones(path: Path) -> list[list[float]]:
    """Return the strongest frequency of each channel of each audio track, in Hz."""
    found = []
    with av.open(str(path)) as container:
        count = len(container.streams.audio)
    for index in range(count):
        with av.open(str(path)) as container:
            decoded = list(container.decode(container.streams.audio[index]))
        wave = np.concatenate([_channels(frame) for frame in decoded], axis=1)
        rate = decoded[0].sample_rate
        spectra = np.abs(np.fft.rfft(wave * np.hanning(wave.shape[1])))
        found.append([float(peak * rate / wave.shape[1]) for peak in spectra.argmax(axis=1)])
    return found


def clocks(path: Path, track: int) -> list[tuple[float, float]]:
    """Return (time in the file, clock in the picture) of each picture of a video track."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.video[track]
        for frame in container.decode(stream):
            picture = frame.to_ndarray(format="yuv420p").astype(np.uint8)
            clock = read_clock(picture[: frame.height])
            if clock is not None:
                found.append((float(frame.time or 0.0), clock))
    return found


def check_sound(path: Path, record: CallRecord) -> None:
    """A recording has all sound that its call received, and is no longer than the call.

    How much that is depends on the machine: what a busy one holds up, nobody sends later.
    """
    [received] = [one["received"] for one in record.media if one["kind"] == "audio"]
    assert record.answered is not None
    found = inspect(path).seconds
    assert received * 0.02 - 0.2 < found < record.ended - record.answered + 0.5


def _channels(frame: av.AudioFrame) -> NDArray[np.float64]:
    samples = frame.to_ndarray().astype(np.float64)
    if frame.format.is_planar:
        return samples
    return samples.reshape(-1, frame.layout.nb_channels).T
