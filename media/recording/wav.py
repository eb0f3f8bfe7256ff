"""WAV files of 16 bits at 48 kHz: decoded stereo, us left and them right, or one side as mono."""

import os
import struct
from collections.abc import Sequence
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from ..frames.frame import Direction, EncodedFrame
from ..frames.frame_batch import FrameBatch
from .container import (
    BOTH,
    KINDS_OF_FILE,
    MUXER,
    Chunk,
    DamagedError,
    Directions,
    channels_title,
    write_all,
)

RATE = 48000
WINDOW = 4 * RATE
"""Samples that are kept, so that one direction may come up to some seconds later than the other."""

SLIP = RATE * 15 // 1000
"""Samples by which a direction may be off its time before silence is put in, or a packet left out:
less than a packet."""

LARGEST = 2**32 - 1
"""Octets that a WAV file can have: its lengths have 32 bits. Stereo is 6 hours 12 minutes of it."""

_CODECS = {"OPUS": "libopus", "PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}


class Wav:
    """A WAV file. What it hands out begins with a header that fits what is there.

    Args:
        directions: Both for stereo, or one for mono. Frames of another are an error.
    """

    def __init__(self, directions: Directions = BOTH) -> None:
        self.seconds = 0.0
        self.problem: str | None = None
        self._lanes: dict[Direction, _Lane] = {}
        self._directions = directions
        self._header = len(_header(directions, 0))
        self._longest = _longest(directions)
        self._canvas: NDArray[np.int16] = np.zeros((2 * WINDOW, len(directions)), np.int16)
        self._base = 0
        self._dirty: int | None = None
        self._end = 0
        self._chunks: list[Chunk] = []

    def write(self, direction: Direction, frame: EncodedFrame, seconds: float) -> None:
        """Decode a frame and put it at its time (see `Container.write`)."""
        codec = _CODECS.get(frame.codec.upper())
        if frame.kind != "audio" or codec is None:
            if frame.kind == "audio":
                self.problem = (
                    f"The {direction} {frame.codec} is not in the recording: WAV files made here "
                    "take Opus, PCMU and PCMA; let the account negotiate one of these"
                )
            return
        lane = self._lanes.get(direction)
        if lane is None or lane.codec != codec:
            lane = self._lanes[direction] = _Lane(codec)
        samples = lane.decode(frame.data)
        due = round(seconds * RATE)
        if lane.end is not None and due < lane.end - SLIP:
            return
        if lane.end is None or due > lane.end + SLIP:
            lane.end = due
        self._paint(lane.end, samples, column=self._directions.index(direction))
        lane.end += len(samples)

    def takes_run(self, direction: Direction, codec: str) -> bool:
        """See `Container.takes_run`: what is painted late is lost, so all comes in order."""
        return False

    def write_run(
        self, direction: Direction, frames: FrameBatch, seconds: Sequence[float], *, is_even: bool
    ) -> None:
        """Take frames (see `Container.write_run`)."""
        for frame, at in zip(frames, seconds, strict=True):
            self.write(direction, frame, at)

    def take(self, now: float) -> list[Chunk]:
        """Hand out the samples that are new or changed, and the header (see `Container.take`)."""
        self._cut()
        self._forget()
        chunks, self._chunks = self._chunks, []
        return [*chunks, (0, _header(self._directions, self._end))] if chunks else []

    def finish(self) -> list[Chunk]:
        """Hand out the rest."""
        return self.take(self.seconds)

    def _cut(self) -> None:
        """Set aside what is new or changed."""
        if self._dirty is not None:
            samples = self._canvas[self._dirty - self._base : self._end - self._base]
            offset = self._header + _width(self._directions) * self._dirty
            self._chunks.append((offset, samples.astype("<i2").tobytes()))
            self._dirty = None

    def _paint(self, at: int, samples: NDArray[np.int16], *, column: int) -> None:
        if at + len(samples) > self._longest:
            hours = self._longest // RATE // 3600
            self.problem = (
                f"The recording stops after {hours} hours, where a WAV file is full: "
                'record long calls as .ogg or .mkv (format "auto")'
            )
            return
        late = max(0, self._base - at)
        samples, at = samples[late:], at + late
        if not len(samples):
            return
        if at - self._end > WINDOW:  # a long hold stays a hole in the file, which reads as silence
            self._cut()
            self._canvas[:] = 0
            self._base = self._end = at
        room = at + len(samples) - self._base
        if room > len(self._canvas):
            more = np.zeros((room + WINDOW - len(self._canvas), self._canvas.shape[1]), np.int16)
            self._canvas = np.concatenate((self._canvas, more))
        place = at - self._base
        self._canvas[place : place + len(samples), column] = samples
        self._dirty = min(at, self._end, at if self._dirty is None else self._dirty)
        self._end = max(self._end, at + len(samples))
        self.seconds = self._end / RATE

    def _forget(self) -> None:
        """Let go of what has left the window."""
        gone = self._end - WINDOW - self._base
        if gone > WINDOW // 2:
            kept = self._canvas[gone : self._end - self._base].copy()
            self._canvas = np.zeros((2 * WINDOW, self._canvas.shape[1]), np.int16)
            self._canvas[: len(kept)] = kept
            self._base += gone


class _Lane:
    """One direction's decoder."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.end: int | None = None
        self._decoder = cast(AudioCodecContext, av.CodecContext.create(codec, "r"))
        self._decoder.sample_rate = RATE if codec == "libopus" else 8000
        self._decoder.layout = "mono"
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)

    def decode(self, data: bytes) -> NDArray[np.int16]:
        """Return a frame's samples; none if it can't be decoded."""
        parts: list[NDArray[np.int16]] = []
        try:
            for decoded in self._decoder.decode(av.Packet(data)):
                decoded.pts = None
                parts += [
                    resampled.to_ndarray().reshape(-1).astype(np.int16)
                    for resampled in self._resampler.resample(decoded)
                ]
        except av.FFmpegError:
            pass
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def repair(file: int) -> float:
    """Make a file whole that a killed writer left: let its header say how long it is.

    Args:
        file: A file descriptor open for reading and writing.

    Returns:
        How long the recording is (seconds), 0 if there is no audio in it.

    Raises:
        DamagedError: If the file was not written here. It is left as it was.
        OSError: If it can't be read or written. It plays as well as before.
    """
    directions = next((each for each in KINDS_OF_FILE if _begins(file, each)), None)
    if directions is None:
        raise DamagedError("it was not written by Callboard")
    length, width = len(_header(directions, 0)), _width(directions)
    samples = min((os.fstat(file).st_size - length) // width, _longest(directions))
    os.ftruncate(file, length + width * samples)
    write_all(file, _header(directions, samples), 0)
    return samples / RATE


def _begins(file: int, directions: Directions) -> bool:
    """Tell whether a file has our header, whatever lengths are in it."""
    header = _header(directions, 0)
    found = os.pread(file, len(header), 0)
    return len(found) == len(header) and found[8:-4] == header[8:-4]


def _width(directions: Directions) -> int:
    """Return the octets of a sample of all channels."""
    return 2 * len(directions)


def _longest(directions: Directions) -> int:
    """Return the samples that a file can hold."""
    return (LARGEST - len(_header(directions, 0))) // _width(directions) - WINDOW


def _header(directions: Directions, samples: int) -> bytes:
    """Return RIFF, format and comment chunks, and the head of the data chunk."""
    width = _width(directions)
    octets = width * samples
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, len(directions), RATE, width * RATE, width, 16)
    notes = b"INFO" + _note(b"ISFT", MUXER) + _note(b"INAM", channels_title(directions))
    comment = struct.pack("<4sI", b"LIST", len(notes)) + notes
    body = b"WAVE" + form + comment + struct.pack("<4sI", b"data", octets)
    return b"RIFF" + struct.pack("<I", len(body) + octets) + body


def _note(name: bytes, value: str) -> bytes:
    data = value.encode() + b"\0"
    data += bytes(len(data) % 2)
    return struct.pack("<4sI", name, len(data)) + data
