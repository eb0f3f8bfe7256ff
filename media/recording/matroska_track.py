"""A track of a Matroska file (RFC 9559 §5.1.4): its description, and the form of its frames."""

import secrets
import struct
from collections.abc import Callable

from ..frames.frame import Direction, EncodedFrame
from ..frames.h264 import nal_units
from ..frames.picture_size import picture_size
from .ebml import element, real, text, unsigned

TRACK_ENTRY = 0xAE
TRACK_NUMBER = 0xD7
TRACK_TYPE = 0x83


def describe(number: int, direction: Direction, frame: EncodedFrame) -> bytes | None:
    """Return a TrackEntry element.

    Args:
        number: The track's number, 1 to 126.
        direction: Becomes the track's name; received tracks are marked as default.
        frame: The track's first frame; video of a key frame.

    Returns:
        The element; None if the frame does not tell what has to be said: another one may.

    Raises:
        KeyError: If frames of this codec are not recorded.
    """
    description = CODECS[frame.codec.upper()](frame)
    if description is None:
        return None
    return _entry(number, direction, video=frame.kind == "video", description=description)


def payload(frame: EncodedFrame) -> bytes:
    """Return a frame's data as Matroska wants it: H264 with lengths in place of start codes."""
    return _length_prefixed(frame.data) if frame.codec.upper() == "H264" else frame.data


def _entry(number: int, direction: Direction, *, video: bool, description: bytes) -> bytes:
    return element(
        TRACK_ENTRY,
        unsigned(TRACK_NUMBER, number)
        + unsigned(0x73C5, secrets.randbits(56) | 1)
        + unsigned(TRACK_TYPE, 1 if video else 2)
        + unsigned(0x88, direction is Direction.RECEIVED)
        + unsigned(0x9C, 0)
        + text(0x22B59C, "und")
        + text(0x536E, direction.value)
        + description,
    )


def _audio(rate: float, channels: int) -> bytes:
    return element(0xE1, real(0xB5, rate) + unsigned(0x9F, channels))


def _opus(frame: EncodedFrame) -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48000, 0, 0)
    return (
        text(0x86, "A_OPUS")
        + element(0x63A2, head)
        + unsigned(0x56BB, 80_000_000)
        + _audio(48000, 2)
    )


def _g711(tag: int) -> Callable[[EncodedFrame], bytes]:
    """Describe G.711 by a WAVEFORMATEX structure, as Matroska's A_MS/ACM codec wants."""

    def g711(frame: EncodedFrame) -> bytes:
        wave = struct.pack("<HHIIHHH", tag, 1, 8000, 8000, 1, 8, 0)
        return text(0x86, "A_MS/ACM") + element(0x63A2, wave) + _audio(8000, 1)

    return g711


def _vp8(frame: EncodedFrame) -> bytes | None:
    found = picture_size(frame)
    return found and text(0x86, "V_VP8") + _video(*found)


def _h264(frame: EncodedFrame) -> bytes | None:
    """Describe H264 by its parameter sets (ISO/IEC 14496-15 §5.3.3.1)."""
    found = picture_size(frame)
    sets: dict[int, bytes] = {}
    for unit in nal_units(frame.data):
        sets.setdefault(unit[0] & 31, unit)
    if found is None or 8 not in sets or len(sets[7]) < 4:
        return None
    sps, pps = sets[7], sets[8]
    record = b"\x01" + sps[1:4] + b"\xff\xe1" + len(sps).to_bytes(2) + sps
    record += b"\x01" + len(pps).to_bytes(2) + pps
    return text(0x86, "V_MPEG4/ISO/AVC") + element(0x63A2, record) + _video(*found)


def _video(width: int, height: int) -> bytes:
    return element(0xE0, unsigned(0xB0, width) + unsigned(0xBA, height))


def _length_prefixed(data: bytes) -> bytes:
    """Turn Annex B into NAL units with their lengths (ISO/IEC 14496-15 §5.3.2)."""
    return b"".join(len(unit).to_bytes(4) + unit for unit in nal_units(data))


CODECS: dict[str, Callable[[EncodedFrame], bytes | None]] = {
    "OPUS": _opus,
    "PCMU": _g711(7),
    "PCMA": _g711(6),
    "VP8": _vp8,
    "H264": _h264,
}
