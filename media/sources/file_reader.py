"""The tracks of a file, read as players do: on one clock, and past what is damaged."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.stream import Disposition

from ..errors import SourceError
from ..frames.frame import Kind
from .file_clock import FileClock

MOST_FAILURES = 1000
"""Failures in a row after which the rest of a file is given up."""

MOST_PIXELS = 1 << 26
"""Pixels of the largest picture that is decoded: twice one of 8K."""

DRAWN = frozenset({"adf", "bin", "idf", "tty", "xbin"})
"""Formats in which FFmpeg takes a text for a film, and draws it letter by letter."""

GIVE = "Give a WAV, Ogg, MP3, MP4 or Matroska file."
"""What to do about a file that can't be played."""

AvStream = av.AudioStream | av.VideoStream
Frame = av.AudioFrame | av.VideoFrame


class FileReader:
    """An open file with its audio and its video.

    What can't be decoded is left out: what follows keeps its time. Of several tracks of a kind the
    one is taken that FFmpeg thinks best. A cover picture is no video. Blocking.

    Args:
        path: The file.
        start: Where in the time of playing to begin, about and not later (seconds).

    Attributes:
        streams: The tracks, by kind.
        clock: The time of playing.
        end: Where what was read until now ends, on any track (seconds of playing).
        failures: How often something could not be read, and was left out.

    Raises:
        SourceError: It can't be opened or is no media file.
    """

    def __init__(self, path: Path, start: float = 0.0) -> None:
        try:
            self._container = av.open(str(path))
        except av.InvalidDataError:
            raise SourceError(
                f"{path} can't be played: it is empty, cut off, damaged, or neither sound nor "
                f"film. {GIVE}"
            ) from None
        except (av.FFmpegError, OSError) as error:
            raise SourceError(f"{path} can't be played: {error.strerror or error}.") from None
        except ValueError as error:
            raise SourceError(f"{path} can't be played: {error}.") from None
        if self._container.format.name in DRAWN:
            self._container.close()
            raise SourceError(f"{path} can't be played: it is a text. {GIVE}")
        self.streams: dict[Kind, AvStream] = {}
        self.failures = 0
        self._begun: Iterator[av.Packet[Any]] | None = None
        try:
            self._choose()
            starts = [s.start_time * s.time_base for s in self._known() if s.start_time is not None]
            origin = float(min(starts, default=0))
            begins = start if start and self._seek(origin + start) else 0.0
            self.clock = FileClock(origin, begins)
            self.end = begins
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def peek(self, kind: Kind) -> "av.Packet[Any] | None":
        """Look at the first packet of a track; `packets` gives it all the same.

        Args:
            kind: "audio" or "video", one of `streams`.

        Returns:
            The packet; None if the track has none.
        """
        packets = self.packets(kind)
        first = next(filter(bytes, packets), None)
        self._begun = packets if first is None else chain((first,), packets)
        return first

    def packets(self, kind: Kind) -> Iterator["av.Packet[Any]"]:
        """Read the packets of a track; the other track's are read too, for the clock.

        Args:
            kind: "audio" or "video", one of `streams`, and the same as before.

        Returns:
            The packets with their times of playing; empty ones at the end.
        """
        begun, self._begun = self._begun, None
        return begun or self._demuxed(kind)

    def ends_before(self, seconds: float) -> bool:
        """Tell whether the file is so short, by reading on until it is not.

        Args:
            seconds: Of playing.
        """
        return all(self.end < seconds for _ in self._demuxed(*self.streams))

    def _demuxed(self, *kinds: Kind) -> Iterator["av.Packet[Any]"]:
        wanted = {self.streams[kind].index for kind in kinds}
        failures = 0
        while failures < MOST_FAILURES:
            try:
                for packet in self._container.demux(*self.streams.values()):
                    failures = 0
                    self._place(packet)
                    if packet.stream.index in wanted:
                        yield packet
            except av.FFmpegError:
                failures += 1
                self.failures += 1
            else:
                return

    def frames(self, kind: Kind) -> Iterator[Frame]:
        """Decode a track.

        Args:
            kind: "audio" or "video", one of `streams`.

        Yields:
            The frames with their times of playing.
        """
        for packet in self.packets(kind):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                continue

    def _choose(self) -> None:
        audio = self._container.streams.best("audio")
        if isinstance(audio, av.AudioStream) and audio.codec_context is not None:
            self.streams["audio"] = audio
        found = [each for each in self._container.streams.video if _is_film(each)]
        if found:
            best = self._container.streams.best("video")
            video = next((each for each in found if each is best), found[0])
            video.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            self.streams["video"] = video

    def _seek(self, at: float) -> bool:
        """Go to a time of the file; False if that can't be done, and it is read from its start."""
        try:
            self._container.seek(int(at * av.time_base))
        except (av.FFmpegError, OSError):
            return False
        return True

    def _known(self) -> Iterator[Any]:
        return (each for each in self.streams.values() if each.time_base is not None)

    def _place(self, packet: "av.Packet[Any]") -> None:
        at = packet.pts if packet.dts is None else packet.dts
        if at is None or not packet.time_base:
            return
        unit = float(packet.time_base)
        lasts = (packet.duration or 0) * unit
        ticks = round(self.clock.shift(packet.stream.index, at * unit, lasts) / unit)
        packet.dts = at + ticks
        if packet.pts is not None:
            packet.pts += ticks
        shown = packet.dts if packet.pts is None else packet.pts
        self.end = max(self.end, shown * unit + (lasts or self._usual(packet.stream)))

    @staticmethod
    def _usual(stream: Any) -> float:
        """Return how long a picture lasts that does not say so."""
        rate = stream.average_rate if isinstance(stream, av.VideoStream) else None
        return float(1 / rate) if rate else 0.0


def _is_film(stream: av.VideoStream) -> bool:
    context: object = (
        stream.codec_context
    )  # None where there is no decoder, whatever av's stubs say
    return context is not None and not stream.disposition & Disposition.attached_pic
