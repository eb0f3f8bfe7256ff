"""Matroska files (RFC 9559), written without an interleaver.

libavformat's muxer writes nothing until every track has something, so a paused video would keep the
sound out of the file. It also takes no track after the header. Here frames go to the file in the
order in which they come, and the header is rewritten when a track is added.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from operator import itemgetter, lt

from ..frames.frame import Direction, EncodedFrame
from ..frames.frame_batch import FrameBatch
from ..frames.opus_packet import OpusError, parse
from .container import MUXER, Chunk, DamagedError, write_all
from .ebml import (
    UNKNOWN_SIZE,
    EbmlError,
    Element,
    element,
    elements,
    joined_element,
    real,
    size,
    text,
    unsigned,
    void,
    wide_size,
)
from .matroska_track import TRACK_NUMBER, TRACK_TYPE, describe, payload

HEADER = 4096
"""Octets kept for all that stands before the first frame: one page of memory, written in one go."""

RESERVE = 512
"""Octets of it for all but the tracks."""

MOST_TRACKS = 16
"""Tracks in a file: two directions, two kinds, and codecs that change in mid-call."""

CUE_EVERY = 5000
"""Milliseconds between the index entries of an audio track. Video has one for each key frame."""

_SEGMENT = 0x18538067
_SEEK_HEAD = 0x114D9B74
_INFO = 0x1549A966
_TRACKS = 0x1654AE6B
_CLUSTER = 0x1F43B675
_TIMESTAMP = 0xE7
_SIMPLE_BLOCK = 0xA3
_CUES = 0x1C53BB6B
_DATE = 0x4461
_DURATION = 0x4489
_MUXING_APP = 0x4D80

_NO_DURATION = void(11)

_EBML_HEADER = element(
    0x1A45DFA3,
    unsigned(0x4286, 1)
    + unsigned(0x42F7, 1)
    + unsigned(0x42F2, 4)
    + unsigned(0x42F3, 8)
    + text(0x4282, "matroska")
    + unsigned(0x4287, 4)
    + unsigned(0x4285, 2),
)

_SEGMENT_START = len(_EBML_HEADER) + 12
"""Where the segment's data begins: positions in the index count from here (RFC 9559 §16)."""


@dataclass(slots=True)
class _Track:
    number: int
    direction: Direction
    video: bool
    entry: bytes
    newest: EncodedFrame
    last: int = -1
    cue_due: int = 0  # when the next index entry is, of a track of sound
    block: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.block = size(self.number)

    @property
    def end(self) -> float:
        """Where its last frame ends, in seconds."""
        return self.last / 1000 + _lasts(self.newest)


_Block = tuple[float, int, _Track, bytes, bool]
"""When a frame came, its time in milliseconds, its track, what is written of it, and whether a
decoder can start at it."""

_BLOCK_HEAD = struct.Struct(">hB").pack


@lru_cache(maxsize=4096)
def _block(track: bytes, length: int) -> bytes:
    """Return what a block of so many octets of payload begins with (RFC 9559 §10.2)."""
    return b"\xa3" + size(len(track) + 3 + length) + track


class _Cues:
    """The index: where in the file a player may start."""

    def __init__(self) -> None:
        self._points: list[tuple[int, int, int]] = []
        self._last: dict[int, int] = {}

    def note(self, track: int, time: int, cluster: int, *, video: bool) -> None:
        """Consider a frame at which a decoder can start; ``cluster`` is an offset in the file."""
        if not video and time < self._last.get(track, -CUE_EVERY) + CUE_EVERY:
            return
        self._last[track] = time
        self._points.append((time, track, cluster - _SEGMENT_START))

    def encode(self) -> bytes:
        """Return the Cues element (RFC 9559 §5.1.5)."""
        return element(
            _CUES,
            b"".join(
                element(
                    0xBB,
                    unsigned(0xB3, time)
                    + element(0xB7, unsigned(0xF7, track) + unsigned(0xF1, cluster)),
                )
                for time, track, cluster in sorted(self._points)
            ),
        )


class Matroska:
    """A Matroska file with a track for each direction, kind and codec.

    Opus, PCMU, PCMA, VP8 and H264 are taken as they are. A video track begins with its first key
    frame. Tracks are named "sent" and "received", and the received ones are marked as default.

    Args:
        started: When the recording began.
    """

    def __init__(self, started: datetime) -> None:
        self.problem: str | None = None
        self._date = started
        self._tracks: dict[tuple[Direction, str], _Track] = {}
        self._refused: set[tuple[Direction, str]] = set()
        self._blocks: list[_Block] = []
        self._cues = _Cues()
        self._end = HEADER
        self._header_changed = True

    def write(self, direction: Direction, frame: EncodedFrame, seconds: float) -> None:
        """Take a frame (see `Container.write`)."""
        key = (direction, frame.codec.upper())
        track = self._tracks.get(key) or self._open(key, frame)
        if track is None:
            return
        track.last = max(round(seconds * 1000), track.last + 1)
        track.newest = frame
        data = payload(frame) if track.video else frame.data
        self._blocks.append((frame.arrival, track.last, track, data, frame.keyframe))

    def takes_run(self, direction: Direction, codec: str) -> bool:
        """See `Container.takes_run`: a track's number is told by who comes first."""
        return (direction, codec.upper()) in self._tracks

    def write_run(
        self, direction: Direction, frames: FrameBatch, seconds: Sequence[float], *, is_even: bool
    ) -> None:
        """Take frames (see `Container.write_run`)."""
        track = self._tracks[direction, frames.codec.upper()]
        times = [round(one * 1000) for one in seconds]
        if times[0] <= track.last or not all(map(lt, times, times[1:])):
            last = track.last
            for at, time in enumerate(times):
                times[at] = last = max(time, last + 1)
        track.last, track.newest = times[-1], frames[-1]
        data = frames.data if frames.codec.upper() != "H264" else map(payload, frames)
        keys = repeat(True) if frames.keyframes is None else frames.keyframes
        self._blocks += zip(frames.arrivals, times, repeat(track), data, keys)

    @property
    def seconds(self) -> float:
        """How long the recording is so far."""
        return max((track.end for track in self._tracks.values()), default=0.0)

    @property
    def has_video(self) -> bool:
        """Whether there is a video track."""
        return any(track.video for track in self._tracks.values())

    def take(self, now: float) -> list[Chunk]:
        """Hand out a cluster of what has come since the last time (see `Container.take`)."""
        chunks: list[Chunk] = []
        if self._header_changed and self._tracks:
            self._header_changed = False
            chunks.append((0, self._header(duration=None, cues=None)))
        blocks, self._blocks = self._blocks, []
        blocks.sort(key=itemgetter(0))
        while blocks:
            blocks = self._cluster(blocks, chunks)
        return chunks

    def finish(self) -> list[Chunk]:
        """Hand out the rest, the index, and the header with the duration."""
        chunks = self.take(self.seconds)
        if not self._tracks:
            return []
        at, cues = self._end, self._cues.encode()
        self._end += len(cues)
        chunks += ((at, cues), (0, self._header(duration=self.seconds, cues=at)))
        return chunks

    def _open(self, key: tuple[Direction, str], frame: EncodedFrame) -> _Track | None:
        """Start a track at a frame where one can start."""
        if key in self._refused or (frame.kind == "video" and not frame.keyframe):
            return None
        number = len(self._tracks) + 1
        try:
            entry = describe(number, key[0], frame)
        except KeyError:
            return self._refuse(key)
        if entry is None:
            return None
        room = HEADER - RESERVE - sum(len(other.entry) for other in self._tracks.values())
        if number > MOST_TRACKS or len(entry) > room:
            return self._refuse(key)
        track = _Track(number, key[0], frame.kind == "video", entry, frame)
        self._tracks[key] = track
        self._header_changed = True
        return track

    def _refuse(self, key: tuple[Direction, str]) -> _Track | None:
        self._refused.add(key)
        self.problem = (
            f"The {key[0]} {key[1]} is not in the recording: Matroska files made here hold Opus, "
            "PCMU, PCMA, VP8 and H264, in 16 tracks at most; let the account negotiate one of these"
        )
        return None

    def _cluster(self, blocks: list[_Block], chunks: list[Chunk]) -> list[_Block]:
        """Write what fits into one cluster, and return what is left.

        A block's time counts from its cluster's in 16 bits (RFC 9559 §10.1).
        """
        base = blocks[0][1]
        parts = [unsigned(_TIMESTAMP, base)]
        done = 0
        for _, time, track, data, keyframe in blocks:
            if not -32768 <= time - base <= 32767:
                break
            done += 1
            head = _BLOCK_HEAD(time - base, 0x80 if keyframe else 0)
            parts += (_block(track.block, len(data)), head, data)
            if keyframe and time >= track.cue_due:
                self._cues.note(track.number, time, self._end, video=track.video)
                track.cue_due = 0 if track.video else time + CUE_EVERY
        cluster = joined_element(_CLUSTER, parts)
        chunks.append((self._end, cluster))
        self._end += len(cluster)
        return blocks[done:]

    def _header(self, *, duration: float | None, cues: int | None) -> bytes:
        first = {Direction.RECEIVED: 0, Direction.SENT: 1}
        entries = sorted(self._tracks.values(), key=lambda t: (first[t.direction], not t.video))
        tracks = element(_TRACKS, b"".join(track.entry for track in entries))
        return _assemble(_date(self._date), tracks, duration=duration, cues=cues, end=self._end)


def repair(file: int) -> float:
    """Make a file whole that a killed writer left: cut off the torn end, add duration and index.

    Args:
        file: A file descriptor open for reading and writing.

    Returns:
        How long the recording is (seconds), 0 if there is not a single frame in it.

    Raises:
        DamagedError: If the file was not written here, or its header is torn. It is left as it was.
        OSError: If it can't be read or written. It plays as well as before.
    """
    length = os.fstat(file).st_size
    try:
        date, tracks, numbers = _read_header(file, length)
    except EbmlError as error:
        raise DamagedError(f"its header can't be read: {error}") from error
    cues = _Cues()
    end, last = HEADER, 0
    try:
        for part in elements(file, HEADER, length):
            if part.id != _CLUSTER:
                break
            last = max(last, _read_cluster(file, part, numbers, cues))
            end = part.end
    except (EbmlError, struct.error):
        pass
    os.ftruncate(file, end)
    if end == HEADER:
        return 0.0
    index = cues.encode()
    try:
        write_all(file, index, end)
    except OSError:  # no room even for this: the file is whole without its index
        os.ftruncate(file, end)
        write_all(file, _assemble(date, tracks, duration=last / 1000, cues=None, end=end), 0)
    else:
        whole = end + len(index)
        write_all(file, _assemble(date, tracks, duration=last / 1000, cues=end, end=whole), 0)
    return last / 1000


def has_video(file: int) -> bool:
    """Tell whether there is a video track in a file.

    Args:
        file: A file descriptor open for reading.

    Raises:
        DamagedError: If the file was not written here, or its header is torn.
        OSError: If it can't be read.
    """
    try:
        _, _, numbers = _read_header(file, os.fstat(file).st_size)
    except EbmlError as error:
        raise DamagedError(f"its header can't be read: {error}") from error
    return any(numbers.values())


def _assemble(
    date: bytes,
    tracks: bytes,
    *,
    duration: float | None,
    cues: int | None,
    end: int,
) -> bytes:
    """Return the first `HEADER` octets of a file that ends at ``end``, its index at ``cues``."""
    info = element(
        _INFO,
        unsigned(0x2AD7B1, 1_000_000)
        + text(_MUXING_APP, MUXER)
        + text(0x5741, MUXER)
        + element(_DATE, date)
        + (_NO_DURATION if duration is None else real(_DURATION, duration * 1000)),
    )
    seek = b"" if cues is None else _seek_head(cues)
    body = seek + info + tracks
    room = HEADER - _SEGMENT_START - len(body)
    length = UNKNOWN_SIZE if duration is None else wide_size(end - _SEGMENT_START)
    return _EBML_HEADER + b"\x18\x53\x80\x67" + length + body + void(room)


def _seek_head(cues: int) -> bytes:
    """Return the element that tells where the index is (RFC 9559 §5.1.1)."""
    position = element(0x53AC, (cues - _SEGMENT_START).to_bytes(8))
    return element(_SEEK_HEAD, element(0x4DBB, element(0x53AB, b"\x1c\x53\xbb\x6b") + position))


def _date(moment: datetime) -> bytes:
    """Return nanoseconds since 2001 (RFC 8794 §7.6)."""
    since = moment - datetime(2001, 1, 1, tzinfo=UTC)
    return (round(since.total_seconds() * 1e6) * 1000).to_bytes(8, signed=True)


def _lasts(frame: EncodedFrame) -> float:
    """Return how long an audio frame lasts, in seconds; 0 for video, whose next frame tells."""
    match frame.codec.upper():
        case "OPUS":
            try:
                return parse(frame.data).samples / 48000
            except OpusError:
                return 0.0
        case "PCMU" | "PCMA":
            return len(frame.data) / 8000
        case _:
            return 0.0


def _read_header(file: int, length: int) -> tuple[bytes, bytes, dict[int, bool]]:
    """Return the date, the Tracks element, and for each track whether it is video."""
    if length < HEADER or os.pread(file, len(_EBML_HEADER), 0) != _EBML_HEADER:
        raise DamagedError("it was not written by Callboard")
    segment = next(elements(file, len(_EBML_HEADER), length))  # there is one: `length` says so
    parts = {part.id: part for part in elements(file, segment.start, HEADER)}
    if segment.id != _SEGMENT or _INFO not in parts or _TRACKS not in parts:
        raise DamagedError("its header is torn")
    info = {part.id: _data(file, part) for part in elements(file, *parts[_INFO][2:])}
    if info.get(_MUXING_APP) != MUXER.encode():
        raise DamagedError("it was not written by Callboard")
    tracks = parts[_TRACKS]
    raw = os.pread(file, tracks.end - tracks.offset, tracks.offset)
    if len(raw) > HEADER - RESERVE or len(info.get(_DATE, b"")) != 8:
        raise DamagedError("its header is torn")
    numbers = {}
    for entry in elements(file, tracks.start, tracks.end):
        fields = {part.id: _data(file, part) for part in elements(file, entry.start, entry.end)}
        number = int.from_bytes(fields.get(TRACK_NUMBER, b""))
        numbers[number] = fields.get(TRACK_TYPE) == b"\x01"
    return info[_DATE], raw, numbers


def _read_cluster(file: int, cluster: Element, numbers: dict[int, bool], cues: _Cues) -> int:
    """Note a cluster's key frames, and return where its last frame begins (milliseconds)."""
    base = last = 0
    for part in elements(file, cluster.start, cluster.end):
        if part.id == _TIMESTAMP:
            base = last = int.from_bytes(_data(file, part)[:6])
        elif part.id == _SIMPLE_BLOCK:
            number, offset, flags = struct.unpack(">BhB", os.pread(file, 4, part.start))
            track = number & 0x7F
            time = max(0, base + offset)
            last = max(last, time)
            if flags & 0x80:
                cues.note(track, time, cluster.offset, video=numbers.get(track, False))
    return last


def _data(file: int, part: Element) -> bytes:
    return os.pread(file, min(part.end - part.start, HEADER), part.start)
