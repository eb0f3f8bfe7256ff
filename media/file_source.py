"""A file to play."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import av

from .encoder import encode_audio, encode_video
from .frame import Kind
from .opus_packet import SILENCE, OpusError, parse
from .source import Source, Unit

MAX_WIDTH, MAX_HEIGHT = 1280, 720
MAX_FPS = 30
USUAL = 960
"""Samples of 48 kHz in the Opus packets that every client takes (RFC 7587 §4.2)."""
QUIET = Unit(SILENCE, USUAL)


@dataclass(frozen=True)
class FileSource(Source):
    """Audio and video from any file that FFmpeg reads: WAV, Ogg, MP3, MP4, Matroska.

    Opus in frames of 20 ms or less goes out as it is; all else is decoded and encoded for the call.

    The file is looked at (not read) when the source is made, so that a file that is replaced is
    played anew. Pictures larger than 1280x720 are scaled down, faster ones than 30 a second
    thinned out.

    Attributes:
        path: The file.
        loop: Whether to start again at the end.

    Raises:
        FileNotFoundError: There is no such file.
    """

    path: Path
    loop: bool = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})
    _version: tuple[int, int] = field(init=False, repr=False, default=(0, 0))

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        object.__setattr__(self, "repeats", self.loop)
        status = self.path.stat()
        object.__setattr__(self, "_version", (status.st_mtime_ns, status.st_size))

    def __str__(self) -> str:
        return str(self.path)

    def key(self, kind: Kind, codec: str) -> Hashable:
        """Give the file's name and version: whether it loops makes no other encoding.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            A key for the cache of encodings.
        """
        return (self.path, self._version, kind, codec)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Decode the file and encode it for the call, in step with playing.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Yields:
            The encoded frames.

        Raises:
            ValueError: The file has no such stream.
        """
        with av.open(str(self.path)) as container:
            if kind == "audio":
                if not container.streams.audio:
                    raise ValueError("the file has no audio.")
                audio = container.streams.audio[0]
                channels = 1 if audio.layout.nb_channels == 1 else 2
                packets = container.demux(audio)
                first = next(packets)
                packets = chain([first], packets)
                is_opus = codec == "opus" == audio.codec_context.codec.canonical_name
                # More than two channels are several Opus streams in each packet (RFC 7845 §5.1.1).
                if is_opus and audio.layout.nb_channels <= 2 and _fits(first):
                    yield from map(_as_it_is, filter(bytes, packets))
                else:
                    frames = (frame for packet in packets for frame in packet.decode())
                    yield from encode_audio(frames, codec, channels=channels)
            else:
                if not container.streams.video:
                    raise ValueError("the file has no video.")
                video = container.streams.video[0]
                fps = min(video.average_rate or Fraction(MAX_FPS), Fraction(MAX_FPS))
                yield from encode_video(_fitted(container.decode(video), fps), codec, fps=fps)


def _fits(packet: "av.Packet[Any]") -> bool:
    """Tell whether an Opus packet is one that a call may carry: a frame of 20 ms, or a part."""
    try:
        parsed = parse(bytes(packet))
    except OpusError:
        return False
    return len(parsed.frames) == 1 and parsed.samples <= USUAL


def _as_it_is(packet: "av.Packet[Any]") -> Unit:
    """Take an Opus packet over; one that does not fit, among others that do, is silence."""
    return Unit(bytes(packet), parse(bytes(packet)).samples) if _fits(packet) else QUIET


def _fitted(frames: Iterator[av.VideoFrame], fps: Fraction) -> Iterator[av.VideoFrame]:
    """Scale pictures down to what is sensible in a call, and leave out those that come too fast."""
    size: tuple[int, int] | None = None
    origin: Fraction | None = None
    due = Fraction(0)
    tolerance = 1 / fps / 4
    for frame in frames:
        if frame.pts is None or frame.time_base is None:
            continue
        if origin is None:
            origin = frame.pts * frame.time_base
        at = frame.pts * frame.time_base - origin
        # A quarter of a frame of tolerance: timestamps in milliseconds are never quite regular.
        if at + tolerance < due:
            continue
        due = max(due + 1 / fps, at + 2 * tolerance)
        if size is None:
            scale = min(1.0, MAX_WIDTH / frame.width, MAX_HEIGHT / frame.height)
            size = (max(2, int(frame.width * scale) & ~1), max(2, int(frame.height * scale) & ~1))
        picture = frame.reformat(width=size[0], height=size[1], format="yuv420p")
        picture.pts = round(at * 90000)
        picture.time_base = Fraction(1, 90000)
        yield picture
