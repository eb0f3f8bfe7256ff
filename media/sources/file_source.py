"""A source that plays a file."""

import stat
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import ClassVar, NamedTuple

import av

from ..errors import SourceError, UnfitError
from ..frames.codec import CLOCK_RATES, CODECS
from ..frames.frame import Kind
from .clip import Clips
from .effort import Effort
from .encoder import encode_video
from .file_pictures import TICKS, Pictures, rate
from .file_reader import GIVE, FileReader
from .file_sound import AS_IT_IS, encoded_anew
from .frames_as_they_are import as_they_are
from .one_pass import one_pass, pass_length
from .picture_geometry import LONG
from .rated_source import BIT_RATES, RatedSource
from .rendition_reader import USUAL
from .source import check_type
from .unit import SourceReader, Unit

Version = tuple[int, ...]

LONGEST = {BIT_RATES[0]: 640}
"""Pixels of the longer side, at most, where there are few bits for them."""

SHORT, TOGETHER = 1.0, 4.0
"""Seconds of a film that is short, and of several of its passes that are encoded together. Each
encoding begins with a key frame, and needs some time to get down to its bit rate."""

STILLS = Fraction(5)
"""Pictures a second for which an encoder is made of which one is shown in each: with fewer H.264
takes more bits than it may, with more it leaves most of them unused."""


class _Short(NamedTuple):
    """A film that is short.

    Attributes:
        seconds: How long one pass of it lasts.
        is_picture: Whether it is a picture alone.
    """

    seconds: float
    is_picture: bool


@dataclass(frozen=True)
class FileSource(RatedSource):
    """Audio and video from any file that FFmpeg reads: WAV, Ogg, MP3, MP4, Matroska.

    It plays as in a media player. Sound and pictures keep one clock, so a track that begins later
    or has gaps stays in step. Damaged parts are skipped, and pictures are rotated as the file says.
    A jump of the file's clock lasts ten seconds at most.

    What a call can carry goes out as it is: Opus in frames of 20 ms or less; G.711 of 8 kHz and one
    channel; VP8, and H.264 of the constrained baseline up to level 3.1, upright and with square
    pixels, with a key frame every two seconds, 2.5 Mbit/s and 30 pictures a second at the most, if
    that is the codec of the call. Everything else is decoded, and encoded for the call, and so is
    the rest of a film from where it does not fit any more. Pictures larger than 1280x720 are scaled
    down, and more than 30 a second are thinned out. Cover art is not video.

    A leg gets pictures of 600 kbit/s, or of 250 or 1,500 as its peer can take; each is encoded only
    if somebody needs it. Where the machine can't encode as fast as it plays, pictures are made
    smaller until it can. A loop of less than a second is encoded as one of several. A picture is a
    film of one frame, which in a loop stands for a second.

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
    bit_rates: ClassVar[tuple[int | None, ...]] = (*BIT_RATES, None)
    _version: Version = field(init=False, repr=False, default=())
    _is_checked: bool = field(init=False, repr=False, compare=False, default=False)
    _short: _Short | None = field(init=False, repr=False, compare=False, default=None)

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
        return (self.path, self._version, kind, codec, self._ends_together, self._short)

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
        if kind == "video":
            return super().open_at(kind, codec, seconds)
        ticks = round(seconds * CLOCK_RATES[codec])
        return Clips.running().open_at(self, kind, codec, ticks)

    def check(self) -> None:
        """Read the beginning of the file, and learn what can be played.

        Raises:
            SourceError: It can't be read, or nothing in it can be played.
        """
        kinds = _playable(self.path, self._version)
        object.__setattr__(self, "kinds", kinds)
        if self.loop and "video" in kinds:
            object.__setattr__(self, "_short", _short(self.path, self._version))
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
        if kind == "video":
            yield from self._pictures(start, codec)
            return
        with self._open(kind, start) as reader:
            take = next((each for fits, each in AS_IT_IS if fits(reader, codec)), encoded_anew)
            units = take(reader, codec, start=start)
            yield from self._passed(units, reader, codec, start) if self._ends_together else units

    def encode_at(self, bit_rate: int | None, start: float, codec: str) -> Iterator[Unit]:
        """Encode the pictures for a bit rate, or take them as they are.

        Args:
            bit_rate: Bits a second; None: as they are.
            start: Where in the time of playing to begin, in seconds; as they are, they begin at the
                last key frame before.
            codec: The RTP encoding name.

        Yields:
            The encoded frames.

        Raises:
            SourceError: The file has changed and can't be played any more.
            UnfitError: What comes next can't go out as it is.
        """
        short = self._short
        to_end = self._ends_together or short is not None
        if bit_rate is None and short is not None:
            raise UnfitError  # each pass would bring a key frame
        with self._open("video", 0.0 if short is not None else start) as reader:
            if bit_rate is None:
                units = as_they_are(reader, codec, start=start, to_end=to_end)
            else:
                is_picture = short is not None and short.is_picture
                fps = STILLS if is_picture else rate(reader.streams["video"])
                effort = Effort(LONGEST.get(bit_rate, LONG))
                units = encode_video(
                    Pictures(reader, fps, start=start, to_end=to_end, effort=effort)
                    if short is None
                    else self._several(short.seconds, fps, start, effort),
                    codec,
                    fps=fps,
                    bit_rate=bit_rate,
                    effort=effort,
                    stills=is_picture,
                )
            yield from self._passed(units, reader, codec, start) if to_end else units

    def _several(
        self, seconds: float, fps: Fraction, start: float, effort: Effort
    ) -> Iterator[av.VideoFrame]:
        """Decode several passes of a short film."""
        for number in range(ceil(TOGETHER / seconds)):
            shift = number * seconds - start
            with self._open("video") as reader:
                for picture in Pictures(reader, fps, to_end=True, effort=effort):
                    if picture.time >= seconds:  # it has become another file
                        break
                    picture.pts = round((picture.time + shift) * TICKS)
                    if picture.pts >= 0:
                        yield picture

    def _passed(
        self, units: Iterator[Unit], reader: FileReader, codec: str, start: float
    ) -> Iterator[Unit]:
        """Let a track end where the others do."""

        def end() -> float:
            if self._short is not None and codec in CODECS["video"]:
                return ceil(TOGETHER / self._short.seconds) * self._short.seconds
            return pass_length(reader.end)

        return one_pass(units, codec, start=start, end=end)

    def _pictures(self, start: float, codec: str) -> Iterator[Unit]:
        """Give the pictures as they are, as long as that goes, and then encoded."""
        done = round(start * CLOCK_RATES[codec])
        try:
            for unit in self.encode_at(None, start, codec) if not start else ():
                done += unit.duration
                yield unit
        except UnfitError:
            start = done / CLOCK_RATES[codec]
        else:
            if not start:
                return
        yield from self.encode_at(USUAL, start, codec)

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
            f"{GIVE}"
        )
    return playable


def _has(path: Path, kind: Kind) -> bool:
    with FileReader(path) as reader:
        return next(reader.frames(kind), None) is not None


@lru_cache(maxsize=256)
def _short(path: Path, version: Version) -> _Short | None:
    """Find out whether a film is short; a picture stands for `SHORT`."""
    del version
    with FileReader(path) as reader:
        if not reader.ends_before(SHORT):
            return None
        is_picture = len(reader.streams) == 1 and reader.end * rate(reader.streams["video"]) < 1.5
        return _Short(SHORT if is_picture else pass_length(reader.end), is_picture)
