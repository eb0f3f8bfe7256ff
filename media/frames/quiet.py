"""Silence in the codecs of sound."""

from .opus_packet import SILENCE

G711_QUIET: dict[str, bytes] = {"PCMU": b"\xff", "PCMA": b"\xd5"}
"""A sample of silence, by codec (ITU-T G.711)."""

QUIET: dict[str, bytes] = {
    "opus": SILENCE,
    **{codec: sample * 160 for codec, sample in G711_QUIET.items()},
}
"""20 ms of silence, by codec."""
