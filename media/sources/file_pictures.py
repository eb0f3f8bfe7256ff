"""The pictures of a file, ready to be encoded for a call."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from .effort import Effort
from .file_reader import AvStream, FileReader
from .picture_geometry import PictureGeometry

MOST = Fraction(30)
"""Pictures a second, at most."""

STILL = 1.0
"""Seconds for which a picture stands: then it comes again, so that whoever comes later, or has
lost it, waits for no longer."""

TICKS = 90000


def rate(stream: AvStream) -> Fraction:
    """Return how many pictures a second a track may have.

    Args:
        stream: The track. Where pictures come at odd times its average says little.
    """
    assert isinstance(stream, av.VideoStream)  # noqa: S101
    rates = [each for each in (stream.average_rate, stream.base_rate) if each]
    return max(Fraction(1), min(MOST, max(rates, default=MOST)))


class Pictures:
    """The pictures of a track, each at its time, in one size.

    Until the first one it is black; later a picture stands until the next one comes.

    Args:
        reader: The file, at its beginning or somewhere before `start`.
        fps: Pictures a second, at most; others are left out.
        start: Where in the time of playing to begin, in seconds.
        to_end: Whether to last as long as the longest track.
        effort: Says how large pictures may be, and which are decoded.
    """

    def __init__(
        self, reader: FileReader, fps: Fraction, *, start: float = 0.0, to_end: bool, effort: Effort
    ) -> None:
        self._effort = effort
        self._reader = reader
        self._step = float(1 / fps)
        # Timestamps in milliseconds are never quite regular.
        self._tolerance = self._step / 4
        self._start = start
        self._to_end = to_end
        self._at = 0.0
        self._shown: av.VideoFrame | None = None
        self._size: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[av.VideoFrame]:
        """Decode the track."""
        due = 0.0
        end = 0.0
        for frame in self._from_start():
            at = end if frame.pts is None else max(0.0, frame.time - self._start)
            lasts = float((frame.duration or 0) * (frame.time_base or 0))
            if at + self._tolerance < due:
                continue
            try:
                picture = self._fitted(frame)
            except (av.FFmpegError, ValueError):
                continue
            if self._shown is None and at > self._step:
                yield self._show(_black(picture), 0.0)
            yield from self._stand(at)
            yield self._show(picture, at)
            due = max(due + self._step, at + 2 * self._tolerance)
            end = at + (lasts or self._step)
        if self._shown is not None:
            end = max(end, self._reader.end - self._start) if self._to_end else end
            yield from self._stand(end - self._step)
            if end - self._step > self._at + self._tolerance:
                yield self._show(self._shown, end - self._step)

    def _from_start(self) -> Iterator[av.VideoFrame]:
        """Leave out what comes before the start, but the picture that stands then."""
        before: av.VideoFrame | None = None
        for frame in self._frames():
            if frame.pts is not None and frame.time < self._start:
                before = frame
                continue
            if before is not None:
                if frame.pts is None or frame.time > self._start + self._tolerance:
                    yield before
                before = None
            yield frame

    def _frames(self) -> Iterator[av.VideoFrame]:
        context = self._reader.streams["video"].codec_context
        self._effort.on_skip(lambda skipped: setattr(context, "skip_frame", skipped))
        frames = self._reader.frames("video")
        return (frame for frame in frames if isinstance(frame, av.VideoFrame))

    def _fitted(self, frame: av.VideoFrame) -> av.VideoFrame:
        stream = self._reader.streams["video"]
        display = PictureGeometry.of(frame, getattr(stream, "sample_aspect_ratio", None))
        if self._size is not None:  # pictures may change their size, an encoder can't
            size = self._size[::-1] if display.swapped else self._size
            display = replace(display, size=size)
        shrunk = replace(display, size=self._effort.size(display.size))
        picture = shrunk.show(frame)
        self._size = display.size[::-1] if display.swapped else display.size
        return picture

    def _stand(self, until: float) -> Iterator[av.VideoFrame]:
        """Show the same picture again and again."""
        while self._shown is not None and self._at + STILL < until - self._tolerance:
            yield self._show(self._shown, self._at + STILL)

    def _show(self, picture: av.VideoFrame, at: float) -> av.VideoFrame:
        self._shown, self._at = picture, at
        picture.pts, picture.time_base = round(at * TICKS), Fraction(1, TICKS)
        return picture


def _black(picture: av.VideoFrame) -> av.VideoFrame:
    planes = np.full((picture.height * 3 // 2, picture.width), 128, np.uint8)
    planes[: picture.height] = 16
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")
