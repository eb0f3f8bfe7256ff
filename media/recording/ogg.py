"""Ogg files (RFC 3533) of Opus (RFC 7845): both directions as one stereo stream, or one as mono.

Players play only one stream of an Ogg file, so one stream holds both directions. Each of its
packets holds two Opus packets, ours for the left ear and theirs for the right (channel mapping
family 1 with two uncoupled streams, RFC 7845 §5.1.1.2), and nothing is transcoded. This needs
packets of 20 ms from both sides, which is what everyone sends. Others are split if Opus allows it;
if not, they alone are encoded again. A file of one direction is the same with one stream
(family 0, §5.1.1.1).
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cache
from operator import add

import av

from ..compiled.part import ffi, lib
from ..frames.frame import Direction, EncodedFrame
from ..frames.frame_batch import FrameBatch
from ..frames.opus_packet import (
    SILENCE,
    OpusError,
    OpusPacket,
    delimited,
    delimited_frames,
    is_one_frame,
    parse,
)
from ..frames.packed_sound import PackedSound, packed, parted
from ..frames.sound_batch import SoundBatch
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

SLOT = 960
"""Samples of 48 kHz in each packet of the file: 20 ms."""

PRE_SKIP = 312
"""Samples by which Opus is late: what libopus's encoder looks ahead (RFC 7845 §4.2)."""

HOLD = 0.4
"""Seconds for which one direction's audio waits for the other's. What comes later is left out."""

EDGE = 1e-6
"""Slots by which rounding never changes a time."""

SLIP = 0.75
"""Slots by which a direction may be off its time before silence is put in, or a packet left out."""

MOST_PACKETS = 48
"""Packets of a page: about a second of them."""

MOST_AROUND = 512
"""Octets of a page beside its packets, at most."""

_SERIAL = 0x43A11
_AT_ONCE = 4096  # octets: for more than 5 KB, `zlib.crc32` gives the interpreter's lock away
_FIRST, _LAST = 2, 4
_MIRROR = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))


class Ogg:
    """An Ogg file with one Opus stream.

    Args:
        directions: Both for stereo, or one for mono. Frames of another are an error.
    """

    def __init__(self, directions: Directions = BOTH) -> None:
        self.seconds = 0.0
        self.problem: str | None = None
        self._directions = directions
        self._lanes = {direction: _Lane() for direction in directions}
        self._slots = 0
        self._end = 0
        self._pages = 0

    def write(self, direction: Direction, frame: EncodedFrame, seconds: float) -> None:
        """Take a frame (see `Container.write`)."""
        if frame.codec.upper() != "OPUS":
            self.problem = (
                f"The {direction} {frame.codec} is not in the recording: it began as Opus in an "
                "Ogg file, which takes nothing else; let the account negotiate Opus alone"
            )
            return
        with suppress(OpusError):
            self._lanes[direction].add(frame.data, seconds)

    def takes_run(self, direction: Direction, codec: str) -> bool:
        """See `Container.takes_run`."""
        return direction in self._lanes and codec.upper() == "OPUS"

    def write_run(
        self, direction: Direction, frames: FrameBatch, seconds: Sequence[float], *, is_even: bool
    ) -> None:
        """Take frames (see `Container.write_run`)."""
        self._lanes[direction].add_run(frames, seconds, is_even=is_even)

    def take(self, now: float) -> list[Chunk]:
        """Hand out the packets whose time has come in each direction (see `Container.take`)."""
        whole = min([lane.end for lane in self._lanes.values()])
        return self._emit(max(whole, int((now - HOLD) * 48000 / SLOT)))

    def finish(self) -> list[Chunk]:
        """Hand out the rest, with the mark that the stream ends there."""
        slots = max(lane.end for lane in self._lanes.values())
        return self._emit(slots, last=True) if slots else []

    def _emit(self, until: int, *, last: bool = False) -> list[Chunk]:
        """Write the packets up to a slot. Without any, the end's mark has a page of its own."""
        lanes = [self._lanes[one] for one in self._directions]
        until = min(until, max([lane.end for lane in lanes]))
        pages: list[bytes] = []
        page = b"" if last or not self._end else self._packed_page(lanes, until)
        if page:
            self._slots = until
            return self._given(page)
        if not self._end and (until > self._slots or last):
            head, tags = _head(self._directions), _tags(self._directions)
            pages += (self._page([head], 0, _FIRST), self._page([tags], 0))
        packets = lanes[-1].pop_all(until)
        for lane in lanes[:-1]:
            packets = list(map(add, lane.pop_delimited(until), packets))
        runs = list(_runs(packets)) or ([[]] if last else [])
        for number, run in enumerate(runs, 1):
            self._slots += len(run)
            ends = last and number == len(runs)
            pages.append(self._page(run, self._slots * SLOT, _LAST if ends else 0))
        return self._given(b"".join(pages))

    def _given(self, data: bytes) -> list[Chunk]:
        """Give what is to be written at the end."""
        self.seconds = self._slots * SLOT / 48000
        self._end += len(data)
        return [(self._end - len(data), data)] if data else []

    def _packed_page(self, lanes: Sequence["_Lane"], until: int) -> bytes:
        """Make one page of all packets up to a slot, without a look at any of them.

        Returns:
            Nothing if they want one.
        """
        count, all_records = until - self._slots, [lane.records for lane in lanes]
        if not 0 < count <= MOST_PACKETS or not all(all_records):
            return b""
        lengths, begins = list(map(len, all_records)), [lane.at for lane in lanes]
        form = (until * SLOT, _SERIAL, self._pages, len(lanes), count, lengths, begins)
        page = ffi.new("struct page *", form)
        written = ffi.new("uint8_t[]", sum(lengths) - sum(begins) + MOST_AROUND)
        length = lib.sound_page(page, all_records[0], all_records[-1], written)
        if not length:
            return b""
        for lane, at in zip(lanes, page.at, strict=False):
            lane.pass_by(at, until)
        self._pages += 1
        return bytes(ffi.buffer(written, length))

    def _page(self, packets: Sequence[bytes], position: int, flags: int = 0) -> bytes:
        self._pages += 1
        return _page(packets, position, self._pages - 1, flags)


class _Lane:
    """One direction's packets of 20 ms, each in its slot of time.

    Attributes:
        end: The slot behind the last one's.
        records: Those that were not popped, in records (see `PackedSound`), while none wanted a
            look; else empty.
        at: Where in the records the first one is.
    """

    def __init__(self) -> None:
        self.at = 0
        self.end = 0
        self.records = b""
        self._popped = 0
        self._packets: list[bytes] = []  # those of the slots after what was popped
        self._are_one_frame = True  # each of the packets
        self._recoder: _Recoder | None = None

    def add_run(self, frames: FrameBatch, seconds: Sequence[float], *, is_even: bool) -> None:
        """Place packets one after the other, as `add` does; what is none is left out."""
        if is_even and self.end >= max(self._popped, 1) and isinstance(frames, SoundBatch):
            off = seconds[0] * 48000 / SLOT - self.end
            if abs(off) < SLIP - EDGE and frames.are_one_frame:
                self._join(frames)
                self.end += len(frames)
                return
        for one, at in zip(frames.data, seconds, strict=True):
            with suppress(OpusError):
                self.add(one, at)

    def add(self, data: bytes, seconds: float) -> None:
        """Place a packet: after the one before it, unless that is too far from its time.

        Raises:
            OpusError: It is none.
        """
        packet = None if is_one_frame(data) else parse(data)
        due = seconds * 48000 / SLOT
        if self.end and due < self.end - SLIP:
            return
        self._unpack()
        slot = self.end if self.end and due <= self.end + SLIP else round(due)
        for part in (data,) if packet is None else self._split(packet):
            if slot >= self._popped:
                packets = self._packets
                packets += [SILENCE] * (slot - self._popped - len(packets))
                packets.append(part)
            slot += 1
            self.end = slot

    def _join(self, sound: SoundBatch) -> None:
        """Take packets for the slots from the end on, each of one frame."""
        if isinstance(sound, PackedSound) and (self._are_one_frame or not self._packets):
            self.records = (self.records[self.at :] or packed(self._packets)) + sound.records
            self.at, self._packets = 0, []
        else:
            self._unpack()
            self._packets += sound.data

    def _unpack(self) -> None:
        """Take packets out of their records."""
        if self.records:
            self._packets = parted(self.records[self.at :], self.end - self._popped)[0]
            self.records, self.at = b"", 0

    def pass_by(self, at: int, end: int) -> None:
        """Take note that records are written.

        Args:
            at: Where the first one is that is not.
            end: Its slot.
        """
        self.at, self._popped = at, end

    def pop_all(self, end: int) -> list[bytes]:
        """Return what belongs into the slots up to one: silence where nothing came."""
        self._unpack()
        count, self._popped = end - self._popped, end
        found, self._packets = self._packets[:count], self._packets[count:]
        return found + [SILENCE] * (count - len(found))

    def pop_delimited(self, end: int) -> list[bytes]:
        """Return the same, so that other packets can follow each: see `delimited`."""
        packets = self.pop_all(end)
        return delimited_frames(packets) if self._are_one_frame else list(map(delimited, packets))

    def _split(self, packet: OpusPacket) -> Sequence[bytes]:
        """Return packets of 20 ms."""
        if packet.samples == SLOT:
            self._are_one_frame = False
            return (packet.encode(),)
        if packet.frame_samples == SLOT:
            return [OpusPacket(packet.configuration, (one,)).encode() for one in packet.frames]
        self._recoder = self._recoder or _Recoder()
        return [one.encode() for one in self._recoder.recode(packet)]


class _Recoder:
    """Decodes packets of an odd length and encodes them in 20 ms: 10 ms, or SILK's 40 and 60."""

    def __init__(self) -> None:
        self._decoder = av.CodecContext.create("libopus", "r")
        self._encoder = av.CodecContext.create("libopus", "w")
        for codec in (self._decoder, self._encoder):
            codec.sample_rate = 48000
            codec.layout = "mono"
        self._encoder.format = "s16"
        self._encoder.bit_rate = 32000
        self._encoder.time_base = Fraction(1, 48000)
        self._encoder.options = {"application": "voip"}
        self._samples = av.AudioFifo()

    def recode(self, packet: OpusPacket) -> list[OpusPacket]:
        """Return the packets that have become whole; none for what can't be decoded."""
        try:
            for decoded in self._decoder.decode(av.Packet(packet.encode())):
                decoded.pts = None
                self._samples.write(decoded)
            encoded = []
            while samples := self._samples.read(SLOT):
                samples.pts = None
                encoded += self._encoder.encode(samples)
            return [parse(bytes(part)) for part in encoded]
        except (av.FFmpegError, OpusError):
            return []


def repair(file: int) -> float:
    """Make a file whole that a killed writer left: cut the torn end off, mark the last page.

    Args:
        file: A file descriptor open for reading and writing.

    Returns:
        How long the recording is (seconds), 0 if there is no audio in it.

    Raises:
        DamagedError: If the file was not written here. It is left as it was.
        OSError: If it can't be read or written. It plays as well as before.
    """
    length = os.fstat(file).st_size
    begins = [
        _page([_head(each)], 0, 0, _FIRST) + _page([_tags(each)], 0, 1, 0) for each in KINDS_OF_FILE
    ]
    begin = next((each for each in begins if os.pread(file, len(each), 0) == each), None)
    if begin is None:
        raise DamagedError("it was not written by Callboard")
    at = len(begin)
    last = b""
    while at < length and (page := _read_page(file, at)):
        last = page
        at += len(page)
    os.ftruncate(file, at)
    if not last:
        return 0.0
    marked = bytearray(last)
    marked[5] |= _LAST
    write_all(file, _sealed(marked), at - len(last))
    return int(struct.unpack_from("<q", last, 6)[0]) / 48000


def _head(directions: Directions) -> bytes:
    """Return the identification header (RFC 7845 §5.1): two uncoupled streams, or a single one."""
    count = len(directions)
    family = 0 if count == 1 else 1
    mapping = b"" if count == 1 else bytes((count, 0, *range(count)))
    return b"OpusHead" + struct.pack("<BBHIhB", 1, count, PRE_SKIP, 48000, 0, family) + mapping


def _tags(directions: Directions) -> bytes:
    """Return the comment header (RFC 7845 §5.2)."""
    comments = [b"TITLE=" + channels_title(directions).encode()]
    fields = [MUXER.encode(), *comments]
    fields = [len(field).to_bytes(4, "little") + field for field in fields]
    return b"OpusTags" + fields[0] + len(comments).to_bytes(4, "little") + b"".join(fields[1:])


@cache
def _lacing(length: int) -> bytes:
    """Return the segment table's part for a packet of some octets (RFC 3533 §5)."""
    return b"\xff" * (length // 255) + bytes((length % 255,))


def _runs(packets: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Divide packets into pages of whole packets: 255 segments, `MOST_PACKETS`."""
    if (
        packets
        and len(packets) <= MOST_PACKETS
        and sum(map(len, packets)) // 255 + len(packets) <= 255
    ):
        yield list(packets)
        return
    run: list[bytes] = []
    segments = 0
    for packet in packets:
        segments += len(packet) // 255 + 1
        if segments > 255 or len(run) == MOST_PACKETS:
            yield run
            run, segments = [], len(packet) // 255 + 1
        run.append(packet)
    if run:
        yield run


def _page(packets: Sequence[bytes], position: int, number: int, flags: int) -> bytes:
    """Return a page (RFC 3533 §6); ``position`` is the samples up to its end."""
    table = b"".join(map(_lacing, map(len, packets)))
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, _SERIAL, number, 0, len(table))
    return _sealed(bytearray(head + table + b"".join(packets)))


def _sealed(page: bytearray) -> bytes:
    """Return a page with its checksum: CRC-32 from the other end, zlib's seen in a mirror."""
    page[22:26] = bytes(4)
    seen, checksum = memoryview(page.translate(_MIRROR)), 0xFFFFFFFF
    for at in range(0, len(seen), _AT_ONCE):
        checksum = zlib.crc32(seen[at : at + _AT_ONCE], checksum)
    mirrored = checksum ^ 0xFFFFFFFF
    page[22:26] = mirrored.to_bytes(4, "little").translate(_MIRROR)[::-1]
    return bytes(page)


def _read_page(file: int, at: int) -> bytes | None:
    """Return the page that begins at an offset, or None if it is not whole."""
    head = os.pread(file, 27 + 255, at)
    if len(head) < 27 or head[:4] != b"OggS" or len(head) < 27 + head[26]:
        return None
    page = os.pread(file, 27 + head[26] + sum(head[27 : 27 + head[26]]), at)
    return page if _sealed(bytearray(page)) == page else None
