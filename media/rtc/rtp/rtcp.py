"""RTCP packets as octets: reports (RFC 3550 §6), and feedback on video (RFC 4585 §6)."""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SENDER_REPORT, RECEIVER_REPORT = 200, 201
_SDES, _BYE, _RTPFB, _PSFB = 202, 203, 205, 206
FEEDBACK = frozenset((_RTPFB, _PSFB))
"""Kinds of packets that say at once what a receiver of video wants (RFC 4585 §6.1)."""
_NACK, _PLI, _FIR, _APPLICATION = 1, 1, 4, 15
_CNAME = 1

_BLOCK = struct.Struct("!IIIIII")
_HEAD = struct.Struct("!BBHII")
_LOST = struct.Struct("!HH")
_RECEIVER = struct.Struct("!BBHI")
_REMB = struct.Struct("!4sI")
_REPORT = struct.Struct("!BBHIQIII")
_SENDER = struct.Struct("!QIII")
_START = struct.Struct("!BBH")
_WORD = struct.Struct("!I")

MOST_BLOCKS = 31
"""Report blocks of one packet, whose count has five bits."""

MOST_LOST = 250
"""Numbers of one NACK: a packet of 1 kB, however far apart they are."""


class RtcpPacket(NamedTuple):
    """A packet of a compound one.

    Attributes:
        kind: Its packet type.
        form: What shares an octet with the version: a count, or the format of feedback.
        body: What follows the first four octets, without padding.
    """

    kind: int
    form: int
    body: bytes

    @property
    def ssrc(self) -> int:
        """Of who sends it; 0 if it does not say so."""
        return _WORD.unpack_from(self.body)[0] if len(self.body) >= _WORD.size else 0


class SenderInfo(NamedTuple):
    """What a sender says of itself (RFC 3550 §6.4.1).

    Attributes:
        moment: Seconds since 1900, in 64 bits of which 32 are a fraction.
        timestamp: The RTP timestamp of that moment.
        packets: Sent since the beginning.
        octets: In their payloads.
    """

    moment: int
    timestamp: int
    packets: int
    octets: int


class ReportBlock(NamedTuple):
    """What is told of one stream by who receives it (RFC 3550 §6.4.1).

    Attributes:
        ssrc: The stream.
        fraction: Of 256, what was lost since the report before.
        lost: Packets lost since the beginning, less than 0 if some came twice.
        highest: The highest sequence number, with how often they began again.
        jitter: In ticks of the RTP clock.
        last: The middle 32 bits of the moment in the last report of the stream's sender; 0: none.
        delay: Since that came, in units of 1/65536 second.
    """

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last: int
    delay: int


def report(ssrc: int, info: SenderInfo | None, told: Sequence[ReportBlock]) -> bytes:
    """Write a sender's report, or a receiver's (RFC 3550 §6.4.1, §6.4.2).

    Args:
        ssrc: Ours.
        info: What we have sent; None: nothing lately.
        told: Of what we receive, `MOST_BLOCKS` at most.
    """
    words = 1 + 6 * len(told)
    if info is None:
        packet = _RECEIVER.pack(0x80 | len(told), RECEIVER_REPORT, words, ssrc)
    else:
        moment, timestamp, packets, octets = info
        packet = _REPORT.pack(
            0x80 | len(told),
            SENDER_REPORT,
            words + 5,
            ssrc,
            moment,
            timestamp,
            packets & 0xFFFFFFFF,
            octets & 0xFFFFFFFF,
        )
    for stream, fraction, lost, *others in told:
        packet += _BLOCK.pack(stream, fraction << 24 | lost & 0xFFFFFF, *others)
    return packet


def description(ssrc: int, name: str) -> bytes:
    """Say whose a stream is (SDES, RFC 3550 §6.5).

    Args:
        ssrc: The stream.
        name: The canonical name (CNAME), 255 octets at most.
    """
    text = name.encode()
    said = _WORD.pack(ssrc) + bytes((_CNAME, len(text))) + text
    said += bytes(4 - len(said) % 4)  # the end of the items, up to the next word
    return _START.pack(0x81, _SDES, len(said) // 4) + said


def goodbye(ssrc: int) -> bytes:
    """Say that a stream has ended (BYE, RFC 3550 §6.6)."""
    return _START.pack(0x81, _BYE, 1) + _WORD.pack(ssrc)


def packets(compound: bytes) -> Iterator[RtcpPacket]:
    """Take a compound packet apart (RFC 3550 §6.1).

    Args:
        compound: Decrypted; it may be anything. A packet may also come alone (RFC 5506).

    Raises:
        ValueError: The lengths do not add up, or it is of another version.
    """
    at, end = 0, len(compound)
    while at < end:
        if end - at < _START.size:
            raise ValueError("an RTCP packet is cut off")
        first, kind, words = _START.unpack_from(compound, at)
        start, at = at + _START.size, at + 4 * (words + 1)
        if first >> 6 != 2 or at > end:
            raise ValueError("an RTCP packet has another version, or is cut off")
        body = compound[start:at]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise ValueError("an RTCP packet has more padding than octets")
            body = body[: -body[-1]]
        yield RtcpPacket(kind, first & 0x1F, body)


def moment(packet: RtcpPacket) -> int | None:
    """Read the middle 32 bits of the moment of a sender's report; None if it is cut off."""
    if len(packet.body) < _WORD.size + _SENDER.size:
        return None
    return int.from_bytes(packet.body[6:10])


def blocks(packet: RtcpPacket) -> Iterator[ReportBlock]:
    """Read what a report tells of streams; of those that are cut off it tells nothing.

    Args:
        packet: A sender's report or a receiver's.
    """
    at = _WORD.size + (_SENDER.size if packet.kind == SENDER_REPORT else 0)
    for start in range(at, at + packet.form * _BLOCK.size, _BLOCK.size):
        if start + _BLOCK.size > len(packet.body):
            return
        ssrc, lost, *others = _BLOCK.unpack_from(packet.body, start)
        total = lost & 0xFFFFFF
        yield ReportBlock(ssrc, lost >> 24, total - (total >> 23 << 24), *others)


def missed(packet: RtcpPacket) -> tuple[int, list[int]]:
    """Read which packets are wanted again (NACK, RFC 4585 §6.2.1).

    Returns:
        Their stream, and their sequence numbers; none if it is something else.
    """
    body = packet.body
    if packet.kind != _RTPFB or packet.form != _NACK or len(body) < 8:
        return 0, []
    numbers = []
    for number, others in _LOST.iter_unpack(body[8 : len(body) & ~3]):
        numbers.append(number)
        numbers += [(number + bit + 1) & 0xFFFF for bit in range(16) if others >> bit & 1]
    return _WORD.unpack_from(body, 4)[0], numbers


def keyframes_asked(packet: RtcpPacket) -> list[int]:
    """Read of which streams a key frame is wanted (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1)."""
    body = packet.body
    if packet.kind != _PSFB or len(body) < 8:
        return []
    if packet.form == _PLI:
        return [_WORD.unpack_from(body, 4)[0]]
    if packet.form == _FIR:
        return [_WORD.unpack_from(body, at)[0] for at in range(8, len(body) - 7, 8)]
    return []


def bit_rate(packet: RtcpPacket) -> tuple[int, list[int]]:
    """Read how much comes through (REMB, draft-alvestrand-rmcat-remb-03 §2.2).

    Returns:
        Bits a second, and the streams that it is said of; of none if it is something else.
    """
    body = packet.body
    if packet.kind != _PSFB or packet.form != _APPLICATION or len(body) < 16:
        return 0, []
    name, size = _REMB.unpack_from(body, 8)
    count = size >> 24
    if name != b"REMB" or len(body) != 16 + 4 * count:
        return 0, []
    streams = [each for (each,) in _WORD.iter_unpack(body[16:])]
    return (size & 0x3FFFF) << (size >> 18 & 0x3F), streams


def nack(sender: int, media: int, numbers: Sequence[int]) -> bytes:
    """Ask for packets again (RFC 4585 §6.2.1).

    Args:
        sender: Our SSRC.
        media: The SSRC of the packets.
        numbers: Their sequence numbers, in the order in which they were sent; `MOST_LOST` at most.

    Returns:
        An RTCP packet.
    """
    words: list[tuple[int, int]] = []
    for number in numbers:
        after = (number - words[-1][0] - 1) & 0xFFFF if words else 16
        if after < 16:
            words[-1] = words[-1][0], words[-1][1] | 1 << after
        else:
            words.append((number, 0))
    lost = b"".join(_LOST.pack(*word) for word in words)
    return _packet(_RTPFB, _NACK, sender, media, lost)


def pli(sender: int, media: int) -> bytes:
    """Ask for a key frame (RFC 4585 §6.3.1).

    Args:
        sender: Our SSRC.
        media: The SSRC of the video.

    Returns:
        An RTCP packet.
    """
    return _packet(_PSFB, _PLI, sender, media)


def remb(sender: int, most: int, streams: Sequence[int]) -> bytes:
    """Say how much comes through (draft-alvestrand-rmcat-remb-03 §2.2).

    Args:
        sender: Our SSRC.
        most: Bits a second, of all the streams together.
        streams: Their SSRCs, 255 at most.

    Returns:
        An RTCP packet.
    """
    exponent = max(0, most.bit_length() - 18)
    size = len(streams) << 24 | exponent << 18 | most >> exponent
    said = _REMB.pack(b"REMB", size) + b"".join(map(_WORD.pack, streams))
    return _packet(_PSFB, _APPLICATION, sender, 0, said)


def _packet(kind: int, form: int, sender: int, media: int, said: bytes = b"") -> bytes:
    return _HEAD.pack(0x80 | form, kind, 2 + len(said) // 4, sender, media) + said
