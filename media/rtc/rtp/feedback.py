"""RTCP feedback on received video, as octets (RFC 4585 §6.1)."""

import struct
from collections.abc import Sequence

_HEAD = struct.Struct("!BBHII")
_LOST = struct.Struct("!HH")
_RTPFB, _PSFB = 205, 206
_NACK, _PLI = 1, 1

MOST_LOST = 250
"""Numbers of one NACK: a packet of 1 kB, however far apart they are."""


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
    said = struct.pack(f"!4sI{len(streams)}I", b"REMB", size, *streams)
    return _packet(_PSFB, 15, sender, 0, said)


def _packet(kind: int, form: int, sender: int, media: int, said: bytes = b"") -> bytes:
    return _HEAD.pack(0x80 | form, kind, 2 + len(said) // 4, sender, media) + said
