"""Opus packets (RFC 6716 §3): how long they last, which frames they hold, how they are written."""

from collections.abc import Sequence
from dataclasses import dataclass

SILENCE = b"\xf8\xff\xfe"
"""20 ms of silence: one CELT frame, full band, mono."""

MOST_FRAMES = 48
LONGEST_FRAME = 1275
"""The bounds of RFC 6716 §3.4: frames in a packet, octets in a frame."""


class OpusError(Exception):
    """The packet breaks one of the rules of RFC 6716 §3.4."""


@dataclass(frozen=True, slots=True)
class OpusPacket:
    """A packet taken apart.

    Attributes:
        configuration: The first octet without its count bits: mode, bandwidth, length, channels.
        frames: The compressed frames, each lasting equally long.
    """

    configuration: int
    frames: tuple[bytes, ...]

    @property
    def frame_samples(self) -> int:
        """How long each frame lasts, in samples of 48 kHz (RFC 6716 §3.1, table 2)."""
        number = self.configuration >> 3
        if number < 12:
            return (480, 960, 1920, 2880)[number & 3]
        if number < 16:
            return (480, 960)[number & 1]
        return (120, 240, 480, 960)[number & 3]

    @property
    def samples(self) -> int:
        """How long the packet lasts, in samples of 48 kHz."""
        return self.frame_samples * len(self.frames)

    def encode(self, *, delimited: bool = False) -> bytes:
        """Put the packet together.

        Args:
            delimited: With the length of its last frame, so that another packet can follow
                (RFC 6716 appendix B).
        """
        lengths = [len(frame) for frame in self.frames]
        written = lengths if delimited else lengths[:-1]
        if len(lengths) == 1:
            head = bytes((self.configuration,))
        else:
            head = bytes((self.configuration | 3, 0x80 | len(lengths)))
        return head + b"".join(map(_encode_length, written)) + b"".join(self.frames)


def is_one_frame(packet: bytes) -> bool:
    """Tell whether a packet is a single frame of 20 ms, as nearly all are: such need no parsing.

    Args:
        packet: A whole Opus packet, as RTP carries it (RFC 7587).
    """
    return 0 < len(packet) <= LONGEST_FRAME + 1 and packet[0] in _ONE_FRAME


def are_one_frame(packets: Sequence[bytes]) -> bool:
    """Tell whether each of some packets is what `is_one_frame` says.

    Args:
        packets: At least one.
    """
    lengths = set(map(len, packets))
    if min(lengths) == 0 or max(lengths) > LONGEST_FRAME + 1:
        return False
    return {packet[0] for packet in packets} <= _ONE_FRAME


def delimited_frames(packets: Sequence[bytes]) -> list[bytes]:
    """Return of each packet what `delimited` does.

    Args:
        packets: Of which each is what `is_one_frame` says.
    """
    return [packet[:1] + _LENGTHS[len(packet) - 1] + packet[1:] for packet in packets]


def delimited(packet: bytes) -> bytes:
    """Return a packet with the length of its last frame, so that another can follow it.

    Args:
        packet: A whole one without that (RFC 6716 appendix B).

    Raises:
        OpusError: It is none.
    """
    if is_one_frame(packet):
        return packet[:1] + _encode_length(len(packet) - 1) + packet[1:]
    return parse(packet).encode(delimited=True)


def parse(packet: bytes) -> OpusPacket:
    """Take a packet apart.

    Args:
        packet: A whole Opus packet, as RTP carries it (RFC 7587).

    Raises:
        OpusError: If it is none.
    """
    if not packet:
        raise OpusError("an Opus packet has one octet at least")
    code = packet[0] & 3
    body = packet[1:]
    match code:
        case 0:
            lengths: Sequence[int] = (len(body),)
        case 1:
            if len(body) % 2:
                raise OpusError("two frames of equal length take an even number of octets")
            lengths = (len(body) // 2,) * 2
        case 2:
            first, body = _decode_length(body)
            lengths = (first, len(body) - first)
        case _:
            lengths, body = _counted(body)
    if any(not 0 <= length <= LONGEST_FRAME for length in lengths):
        raise OpusError("a frame is longer than its packet or than 1275 octets")
    frames = []
    for length in lengths:
        frames.append(body[:length])
        body = body[length:]
    parsed = OpusPacket(packet[0] & 0xFC, tuple(frames))
    if parsed.samples > 5760:
        raise OpusError("a packet lasts 120 ms at most")
    return parsed


def _counted(body: bytes) -> tuple[Sequence[int], bytes]:
    """Read the lengths of a code 3 packet (§3.2.5) and return them with the frames."""
    if not body:
        raise OpusError("the number of frames is missing")
    count = body[0] & 63
    variable, padded = body[0] & 0x80, body[0] & 0x40
    if not 1 <= count <= MOST_FRAMES:
        raise OpusError("a packet has 1 to 48 frames")
    body = body[1:]
    padding = 0
    while padded:
        if not body:
            raise OpusError("the length of the padding is cut off")
        octet, body = body[0], body[1:]
        padding += 254 if octet == 255 else octet
        padded = octet == 255
    lengths: list[int] = []
    if variable:
        for _ in range(count - 1):
            length, body = _decode_length(body)
            lengths.append(length)
    body = body[: max(0, len(body) - padding)]
    if variable:
        lengths.append(len(body) - sum(lengths))
    elif len(body) % count:
        raise OpusError("the frames are not of equal length")
    else:
        lengths = [len(body) // count] * count
    return lengths, body


def _encode_length(length: int) -> bytes:
    """Write a frame's length (§3.2.1)."""
    if length < 252:
        return bytes((length,))
    first = 252 + (length & 3)
    return bytes((first, (length - first) >> 2))


def _decode_length(body: bytes) -> tuple[int, bytes]:
    """Read a frame's length (§3.2.1) and return it with what follows."""
    if not body or (body[0] >= 252 and len(body) < 2):
        raise OpusError("the length of a frame is cut off")
    if body[0] < 252:
        return body[0], body[1:]
    return body[0] + 4 * body[1], body[2:]


_ONE_FRAME = frozenset(
    first for first in range(0, 256, 4) if OpusPacket(first, (b"",)).samples == 960
)
"""What a packet begins with that is a single frame of 20 ms (RFC 6716 §3.1)."""

_LENGTHS = tuple(map(_encode_length, range(LONGEST_FRAME + 1)))
"""All lengths of frames, as they are written."""
