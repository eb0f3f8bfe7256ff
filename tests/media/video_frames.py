"""Beginnings of video frames, for the tests of what their size says."""

import struct


def vp8(width: int, height: int) -> bytes:
    """The head of a key frame (RFC 6386 §9.1)."""
    return b"\x10\2\0\x9d\1\x2a" + struct.pack("<HH", width, height) + bytes(60)
