"""A source that plays a file."""

import stat
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from ..errors import SourceError
from ..frames.codec import CLOCK_RATES
from ..frames.frame import Kind
from .clip import Clip, Clips
from .encoder import encode_video
from .file_pictures import Pictures, rate
from .file_reader import FileReader
from .file_sound import as_it_is, encoded_anew, fits
from .source import Source, check_type
from .unit import SourceReader, Unit

Version = tuple[int, ...]


@dataclass(frozen=True)
class FileSource(Source):
    """Audio and video from any file that FFmpeg reads: WAV, Ogg, MP3, MP4, Matroska.

    It plays as in a media player. Sound and pictures keep one clock, so a track that begins later
    or has gaps stays in step. Damaged parts are skipped, and pictures are rotated as the file says.
    A jump of the file's clock lasts ten seconds at most.

    Opus in frames of 20 ms or less goes out as it is; everything else is decoded, and encoded for
    the call. Pictures larger than 1280x720 are scaled down, and more than 30 a second are thinned
    out. Cover art is not video.

    Making the source looks at the file without reading it, so a file that was replaced is encoded
    again.

    Attributes:
        path: The file.
        loop: Whether to start again at the end.
        kinds: The kinds of media that it has; until `check`, those that it may have.

    Raises:
        SourceError: There is no such file.
    """

    path: Path
    loop: bool = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})
    _version: Version = field(init=False, repr=False, default=())
    _is_checked: bool = field(init=False, repr=False, compare=False, default=False)

    def __post_init__(self) -> None:
        check_type("loop", self.loop, bool, "True or False")
        if not isinstance(self.path, Path):
            check_type("path", self.path, str, "a file's path")
        object.__setattr__(self, "path", Path(self.path))
        object.__setattr__(self, "repeats", self.loop)
        object.__setattr__(self, "_version", _version(self.path))

    def __str__(self) -> str:
        return str(self.path)

    def key(self, kind: Kind, codec: str) -> Hashable:
        """Return the file's name and version.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            A key for the cache of encodings.
        """
        return (self.path, self._version, kind, codec, self._ends_together)

    def open_at(self, kind: Kind, codec: str, seconds: float) -> SourceReader:
        """Begin to read the file for one leg at a later moment.

        What is encoded already is shared; what is not yet is read from that moment on.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.
            seconds: Of playing, since the beginning.

        Raises:
            SourceError: The codec is unknown.
        """
        shared = Clips.running().open(self, kind, codec)
        ticks = round(seconds * CLOCK_RATES[codec])
        if shared.wind(ticks):
            return shared
        shared.close()
        return Clip(_Part(self, seconds), kind, codec, may_be_empty=True).open(ticks)

    def check(self) -> None:
        """Read the beginning of the file, and learn what can be played.

        Raises:
            SourceError: It can't be read, or nothing in it can be played.
        """
        object.__setattr__(self, "kinds", _playable(self.path, self._version))
        object.__setattr__(self, "_is_checked", True)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Decode the file and encode it for the call, in step with playing.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            The encoded frames.

        Raises:
            SourceError: The file has changed and can't be played any more.
        """
        return self.encode_from(0.0, kind, codec)

    def encode_from(self, start: float, kind: Kind, codec: str) -> Iterator[Unit]:
        """Do the same from a later moment on.

        Args:
            start: Where in the time of playing to begin, in seconds.
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Yields:
            The encoded frames.

        Raises:
            SourceError: The file has changed and can't be played any more.
        """
        to_end = self._ends_together
        with self._open(kind, start) as reader:
            if kind == "video":
                fps = rate(reader.streams["video"])
                pictures = Pictures(reader, fps, start=start, to_end=to_end)
                yield from encode_video(pictures, codec, fps=fps)
            elif fits(reader, codec):
                yield from as_it_is(reader, start=start, to_end=to_end)
            else:
                yield from encoded_anew(reader, codec, start=start, to_end=to_end)

    @property
    def _ends_together(self) -> bool:
        """Whether two tracks are made equally long, so that they stay in step in a loop."""
        return self.loop and self._is_checked and len(self.kinds) > 1

    def _open(self, kind: Kind, start: float = 0.0) -> FileReader:
        _version(self.path)  # by now there may be a pipe in its place, which opens for ever
        reader = FileReader(self.path, start)
        if kind in reader.streams:
            return reader
        reader.close()
        raise SourceError(f"{self.path} has no {kind}: play something that has.")


@dataclass(frozen=True)
class _Part(Source):
    """A file from a later moment on."""

    file: FileSource
    start: float
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})

    def __str__(self) -> str:
        return str(self.file)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Decode and encode it from there."""
        return self.file.encode_from(self.start, kind, codec)

    def encode_from(self, start: float, kind: Kind, codec: str) -> Iterator[Unit]:
        """Decode and encode it from later on."""
        return self.file.encode_from(self.start + start, kind, codec)


def _version(path: Path) -> Version:
    """Tell a file from its successor.

    Raises:
        SourceError: There is none.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # a ValueError: there is a NUL in its name
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"{path} can't be played: {why}.") from None
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{path} can't be played: it is no file.")
    return (status.st_ino, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _playable(path: Path, version: Version) -> frozenset[Kind]:
    """Return what of a file can be played, by decoding the first frames.

    Raises:
        SourceError: Nothing can.
    """
    del version
    with FileReader(path) as reader:
        found = tuple(reader.streams)
    playable = frozenset(kind for kind in found if _has(path, kind))
    if not playable:
        raise SourceError(
            f"{path} can't be played: there is no sound and no picture in it that can be decoded. "
            "Give a WAV, Ogg, MP3, MP4 or Matroska file."
        )
    return playable


def _has(path: Path, kind: Kind) -> bool:
    with FileReader(path) as reader:
        return next(reader.frames(kind), None) is not None
