"""The pictures of a file that go out as they are, without being decoded."""

from collections.abc import Iterator
from dataclasses import dataclass

import av

from ..errors import UnfitError
from ..frames.h264 import SEQUENCE_PARAMETERS, Bits, nal_units, sequence_parameters
from ..frames.picture_size import picture_size_of
from .file_pictures import TICKS, rate
from .file_reader import FileReader
from .picture_geometry import PictureGeometry
from .unit import Unit

LONGEST_GROUP = 2.1
"""Seconds from a key frame to the next one, at most: who comes later, or has lost something, waits
no longer for a picture. Files are cut to whole seconds, more or less."""

MOST_BITS = 2_500_000
"""Bits a second, at most: what browsers send of 1280x720."""

MOST_PICTURES = 31
"""Pictures a second, at most: 30, and the ways in which files round their times."""

HIGHEST_LEVEL = 31
"""Of H.264: what is offered in calls (RFC 6184 §8.1), enough for 1280x720 at 30 pictures a second.
"""

_BASELINE = 66
_PICTURE_PARAMETERS = 8
_SLICE, _KEY_SLICE = 1, 5
_LEFT_OUT = {6, 9, 10, 11, 12}
"""NAL units that nobody misses: notes, delimiters, ends, filling (ITU-T H.264 table 7-1)."""
_HEADER = 64
"""Octets of a NAL unit that hold all that is read of a slice's header."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame of the file.

    Attributes:
        at: When it is shown, in ticks since the beginning of playing.
        data: As a call carries it.
        size: Width and height of a key frame, in pixels; None: it is no key frame.
    """

    at: int
    data: bytes
    size: tuple[int, int] | None


def as_they_are(reader: FileReader, codec: str, *, start: float, to_end: bool) -> Iterator[Unit]:
    """Take the frames of a track over, as long as a call can carry them.

    These can: frames of the codec that was negotiated, shown in the order in which they are
    decoded, upright, of one size, with key frames often enough, and within the bounds above. H.264
    must be of the constrained baseline; its parameter sets are put before each key frame.

    Args:
        reader: The file, at its beginning or somewhere before `start`.
        codec: The RTP encoding name.
        start: Where in the time of playing to begin, in seconds.
        to_end: Whether to last as long as the longest track.

    Yields:
        The frames, from the last key frame up to the start on; the first says where that is.

    Raises:
        UnfitError: What comes next can't go out as it is.
    """
    stream = reader.streams["video"]
    assert isinstance(stream, av.VideoStream)  # noqa: S101
    if stream.codec_context.codec.canonical_name != {"VP8": "vp8", "H264": "h264"}[codec]:
        raise UnfitError
    step = round(TICKS / rate(stream))
    begins = round(start * TICKS)
    size: tuple[int, int] | None = None
    for frames, end in _groups(reader, codec, step, to_end=to_end):
        if size is None:
            size = frames[0].size
            if not start and frames[0].at > step:
                raise UnfitError  # until then it is black
        if frames[0].size != size:
            raise UnfitError
        if end <= begins:
            continue
        times = [frame.at for frame in frames] + [end]
        if not start and begins == 0:
            times[0] = 0
        begins = -1
        for number, frame in enumerate(frames):
            at = times[number]
            yield Unit(frame.data, times[number + 1] - at, frame.size is not None, at=at)


def _groups(
    reader: FileReader, codec: str, step: int, *, to_end: bool
) -> Iterator[tuple[list[_Frame], int]]:
    """Put each key frame together with those up to the next one; say where that begins."""
    frames: list[_Frame] = []
    octets = 0
    for frame in _frames(reader, codec):
        if frame.size is not None and frames:
            yield _checked(frames, frame.at)
            frames, octets = [], 0
        if not frames and frame.size is None:
            raise UnfitError
        frames.append(frame)
        octets += len(frame.data)
        if octets * 8 > LONGEST_GROUP * MOST_BITS:
            raise UnfitError
    if frames:
        end = frames[-1].at + step
        yield _checked(frames, max(end, round(reader.end * TICKS)) if to_end else end)


def _checked(frames: list[_Frame], end: int) -> tuple[list[_Frame], int]:
    seconds = (end - frames[0].at) / TICKS
    bits = 8 * sum(len(frame.data) for frame in frames)
    if (
        seconds > LONGEST_GROUP
        or bits > MOST_BITS * max(1.0, seconds)
        or len(frames) > MOST_PICTURES * seconds + 1
    ):
        raise UnfitError
    return frames, end


def _frames(reader: FileReader, codec: str) -> Iterator[_Frame]:
    stream = reader.streams["video"]
    convert = _H264(stream.codec_context.extradata or b"") if codec == "H264" else _vp8
    last = -1
    first: tuple[int, int] | None = None
    damaged = reader.failures
    for packet in filter(bytes, reader.packets("video")):
        if packet.pts is None or not packet.time_base or packet.is_corrupt or packet.is_discard:
            raise UnfitError
        at = max(0, round(float(packet.pts * packet.time_base) * TICKS))
        if at <= last or reader.failures != damaged:
            raise UnfitError  # it is shown in another order than it is decoded, or has holes
        last = at
        try:
            data, size = convert(bytes(packet))
        except (IndexError, ValueError):
            raise UnfitError from None
        if first is None and size is not None:
            first = size
            _look_at(packet, size)
        yield _Frame(at, data, size)


def _look_at(packet: "av.Packet[av.VideoStream]", size: tuple[int, int]) -> None:
    """Decode the first picture, which tells how it is to be shown."""
    try:
        shown = [*packet.decode(), *packet.stream.codec_context.decode(None)]
    except av.FFmpegError:
        raise UnfitError from None
    pixel = packet.stream.sample_aspect_ratio
    upright = PictureGeometry((size[0] & ~1, size[1] & ~1))
    if (
        not shown
        or shown[0].interlaced_frame
        or shown[0].format.name not in ("yuv420p", "yuvj420p")
        or PictureGeometry.of(shown[0], pixel) != upright
    ):
        raise UnfitError


def _vp8(data: bytes) -> tuple[bytes, tuple[int, int] | None]:
    """Read a frame's header (RFC 6386 §9.1).

    Returns:
        The frame, and its size if it is a key frame.

    Raises:
        ValueError: It is damaged, or can't go out.
    """
    tag = int.from_bytes(data[:3], "little")
    is_key, version, is_shown, first = not tag & 1, tag >> 1 & 7, tag >> 4 & 1, tag >> 5
    if version > 3 or not is_shown or first > len(data) - (10 if is_key else 3):
        raise ValueError("damaged, or a frame that is not shown")
    if not is_key:
        return data, None
    if data[7] & 0xC0 or data[9] & 0xC0:
        raise ValueError("it is to be scaled")
    size = picture_size_of("VP8", data)
    if size is None:
        raise ValueError("no key frame")
    return data, size


class _H264:
    """Turns what a file has of H.264 into what a call carries (Annex B).

    Args:
        extra: The parameter sets of the whole track, as the file has them: an
            AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1.2), or Annex B.

    Raises:
        UnfitError: They are damaged, or the profile or level is another than calls have.
    """

    def __init__(self, extra: bytes) -> None:
        self._sets: dict[tuple[int, int], bytes] = {}
        self._length = 0
        self._size: tuple[int, int] | None = None
        try:
            for unit in self._configured(extra) if extra[:1] == b"\1" else nal_units(extra):
                self._keep(unit)
        except (IndexError, ValueError):
            raise UnfitError from None

    def __call__(self, data: bytes) -> tuple[bytes, tuple[int, int] | None]:
        """Convert a frame.

        Returns:
            The frame, and its size if it is a key frame.

        Raises:
            ValueError: It is damaged, or can't go out.
        """
        sets: list[bytes] = []
        slices: list[bytes] = []
        kinds: set[int] = set()
        for unit in self._prefixed(data) if self._length else nal_units(data):
            kind = unit[0] & 31
            if unit[0] & 0x80:
                raise ValueError("damaged")
            if kind in (SEQUENCE_PARAMETERS, _PICTURE_PARAMETERS):
                self._keep(unit)
                sets.append(unit)
            elif kind in (_SLICE, _KEY_SLICE):
                self._check_slice(unit, is_first=not slices)
                kinds.add(kind)
                slices.append(unit)
            elif kind not in _LEFT_OUT:
                raise ValueError("a NAL unit that the baseline does not have")
        if len(kinds) != 1 or self._size is None:
            raise ValueError("no picture")
        is_key = kinds == {_KEY_SLICE}
        if is_key:
            sets = [self._sets[key] for key in sorted(self._sets)]
        return b"".join(b"\0\0\0\1" + unit for unit in (*sets, *slices)), (
            self._size if is_key else None
        )

    def _configured(self, extra: bytes) -> Iterator[bytes]:
        self._length = (extra[4] & 3) + 1
        at = 5
        for mask in (31, 255):
            count, at = extra[at] & mask, at + 1
            for _ in range(count):
                length = int.from_bytes(extra[at : at + 2])
                unit, at = extra[at + 2 : at + 2 + length], at + 2 + length
                if not unit or len(unit) != length:
                    raise ValueError("cut off")
                yield unit

    def _prefixed(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            length = int.from_bytes(data[at : at + self._length])
            at += self._length
            if not 0 < length <= len(data) - at:
                raise ValueError("a NAL unit that is cut off")
            yield data[at : at + length]
            at += length

    def _keep(self, unit: bytes) -> None:
        """Remember a parameter set, if calls can have it."""
        kind = unit[0] & 31
        if kind == SEQUENCE_PARAMETERS:
            said = sequence_parameters(unit)
            if (
                said.profile != _BASELINE
                or said.level > HIGHEST_LEVEL
                or not said.frames_only
                or self._size not in (None, said.shown)
            ):
                raise ValueError("another profile, level or size")
            self._size = said.shown
            number = Bits(unit[4:_HEADER]).ue()
        elif kind == _PICTURE_PARAMETERS:
            bits = Bits(unit[1:_HEADER])
            number = bits.ue()
            bits.ue()
            if bits.bits(2) or bits.ue():
                raise ValueError("CABAC, fields or groups of slices")
        else:
            return
        self._sets[kind, number] = unit

    @staticmethod
    def _check_slice(unit: bytes, *, is_first: bool) -> None:
        bits = Bits(unit[1:_HEADER])
        macroblock, kind = bits.ue(), bits.ue() % 5
        if kind not in (0, 2) or (macroblock == 0) != is_first:
            raise ValueError("no I or P slice, or slices in any order")
