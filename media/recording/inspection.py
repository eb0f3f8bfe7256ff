"""What is in a recording, found by decoding it to its end."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from ..frames.frame import Direction, Kind


class UnplayableError(Exception):
    """The file can't be played; the message says why."""


@dataclass(frozen=True, slots=True)
class Track:
    """A track of a recording, as the decoder returned it.

    Attributes:
        kind: "audio" or "video".
        codec: Its name in libavcodec: "opus", "vp8", "h264", "pcm_mulaw", "pcm_s16le"…
        title: Its title in the file.
        directions: What it holds: one direction, or both, sent left and received right.
        seconds: When its last frame ends (audio) or begins (video), in the recording.
        frames: How many frames were decoded.
        peaks: For audio the loudest sample of each channel, 0 to 1; for video empty.
        size: For video the width and height of the last frame in pixels; for audio None.
    """

    kind: Kind
    codec: str
    title: str
    directions: tuple[Direction, ...]
    seconds: float
    frames: int
    peaks: tuple[float, ...] = ()
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is in a recording.

    Attributes:
        tracks: Its tracks, in the file's order.
        seconds: Its length: the end of its longest track.
        declared: The length in seconds that the file declares; None while it is unfinished.
    """

    tracks: tuple[Track, ...]
    seconds: float
    declared: float | None

    def has(self, kind: Kind, direction: Direction) -> bool:
        """Tell whether a track of a kind has frames of a direction."""
        return any(
            track.kind == kind and direction in track.directions and track.frames
            for track in self.tracks
        )


def inspect(path: Path) -> Inspection:
    """Decode a recording from its beginning to its end. Blocking: call it in an executor.

    Args:
        path: The file, finished or not.

    Returns:
        What is in it.

    Raises:
        UnplayableError: It can't be opened or decoded.
    """
    try:
        with av.open(str(path)) as container:
            whole = container.metadata.get("title", "")
            declared = container.duration / av.time_base if container.duration else None
            indexes = [s.index for s in container.streams if s.type in {"audio", "video"}]
        tracks = tuple(_decode(path, index, whole) for index in indexes)
    except (av.FFmpegError, OSError) as error:
        raise UnplayableError(f"{path} can't be played: {error.strerror or error}") from error
    return Inspection(tracks, max((track.seconds for track in tracks), default=0.0), declared)


def declared_seconds(path: Path) -> float:
    """Return the length that a finished recording declares. Blocking, but decodes nothing.

    Args:
        path: The file.

    Returns:
        Its length in seconds; 0 if it declares none.
    """
    try:
        with av.open(str(path)) as container:
            return container.duration / av.time_base if container.duration else 0.0
    except (av.FFmpegError, OSError):
        return 0.0


def _decode(path: Path, index: int, whole: str) -> Track:
    """Decode one track."""
    end, frames = 0.0, 0
    peaks = np.zeros(0)
    size = None
    with av.open(str(path)) as container:
        stream = container.streams[index]
        title = stream.metadata.get("title") or stream.metadata.get("TITLE") or whole
        for frame in container.decode(stream):
            frames += 1
            if isinstance(frame, av.AudioFrame):
                end = max(end, (frame.time or 0.0) + frame.samples / frame.sample_rate)
                peak = _peaks(frame)
                peaks = np.maximum(peaks, peak) if len(peaks) == len(peak) else peak
            elif isinstance(frame, av.VideoFrame):
                end = max(end, frame.time or 0.0)
                size = (frame.width, frame.height)
        return Track(
            "audio" if stream.type == "audio" else "video",
            stream.codec_context.codec.canonical_name,
            title,
            tuple(direction for direction in Direction if direction.value in title),
            end,
            frames,
            tuple(float(peak) for peak in peaks),
            size,
        )


def _peaks(frame: av.AudioFrame) -> NDArray[np.float64]:
    """Return the loudest sample of each channel."""
    samples = frame.to_ndarray()
    full = 1.0 if samples.dtype.kind == "f" else float(2 ** (8 * samples.dtype.itemsize - 1))
    channels = (
        samples if frame.format.is_planar else samples.reshape(-1, frame.layout.nb_channels).T
    )
    return np.asarray(np.abs(channels.astype(np.float64)).max(axis=1, initial=0.0) / full)
