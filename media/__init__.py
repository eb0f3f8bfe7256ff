"""What flows in a call: sources, the receive path, recordings, quality."""

from .frame import Direction, EncodedFrame, Kind

__all__ = [
    "Direction",
    "EncodedFrame",
    "Kind",
]
