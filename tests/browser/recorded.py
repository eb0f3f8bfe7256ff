"""What a recording holds of one side, decoded. Blocking: not for a running loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import numpy as np
from callboard.actors.records.call_record import CallRecord
from callboard.media import Direction, Kind
from numpy.typing import NDArray

#: Seconds of sound that are looked at as one: short enough for a beep.
WINDOW = 0.02
#: The mean square under which a moment is silent: -50 dBFS.
SILENCE = 1e-5


@contextmanager
def _opened(record: CallRecord, kind: Kind, direction: Direction) -> Iterator[tuple[Any, Any]]:
    (recording,) = record.recordings
    assert recording.path is not None, recording.failure
    with av.open(recording.path) as container:
        found = [
            one for one in container.streams if one.type == kind and direction.value in _title(one)
        ]
        assert len(found) == 1, f"{len(found)} {kind} tracks are {direction.value}"
        yield container, found[0]


def _title(stream: Any) -> str:
    return str(stream.metadata.get("title") or stream.metadata.get("TITLE") or "")


def loudest(record: CallRecord, direction: Direction) -> tuple[float, float]:
    """Return the frequency (Hz) and the level (dBFS) of the loudest moment of one side.

    A moment begins at any sample: one that held half of a beep would have its edge as its loudest.
    """
    samples, rate = _samples(record, direction)
    size = int(rate * WINDOW)
    energy = np.cumsum(np.pad(samples.astype(float) ** 2, (1, 0)))
    powers = (energy[size:] - energy[:-size]) / size
    begin = powers.argmax()
    moment = samples[begin : begin + size]
    moment = moment - moment.mean()  # Chromium's beep has no negative half
    spectrum = np.abs(np.fft.rfft(moment * np.hanning(size), 16384))
    return spectrum.argmax() * rate / 16384, 10 * np.log10(powers.max() + 1e-12)


def longest_silence(record: CallRecord, direction: Direction) -> float:
    """Return the seconds of the longest silence between two sounds of one side."""
    samples, rate = _samples(record, direction)
    size = int(rate * WINDOW)
    moments = samples[: len(samples) // size * size].reshape(-1, size)
    [loud] = ((moments**2).mean(axis=1) > SILENCE).nonzero()
    return float((np.diff(loud) - 1).max() * WINDOW)


def _samples(record: CallRecord, direction: Direction) -> tuple[NDArray[np.float32], int]:
    """Return one side's sound, and its samples in a second."""
    with _opened(record, "audio", direction) as (container, stream):
        to_float = av.AudioResampler("fltp")
        frames = [one for frame in container.decode(stream) for one in to_float.resample(frame)]
        sound = np.concatenate([one.to_ndarray() for one in frames], axis=1)
        # A file of sound alone has both sides in one stream: the left ear and the right.
        both = all(one.value in _title(stream) for one in Direction)
        samples = sound[list(Direction).index(direction)] if both else sound.mean(axis=0)
        return samples, stream.rate


def pictures(record: CallRecord, direction: Direction) -> list[NDArray[np.int16]]:
    """Return the pictures of one side, shape (height, width, 3), 0 to 255."""
    with _opened(record, "video", direction) as (container, stream):
        return [one.to_ndarray(format="rgb24").astype(np.int16) for one in container.decode(stream)]
