"""What flows in a call: sources, the receive path, recordings, quality."""

from .frame import Direction, EncodedFrame, Kind
from .inspection import Inspection, Track, UnplayableError, inspect
from .leftovers import finish_leftovers
from .part_file import Finished
from .recording import Recording
from .writer import Writer

__all__ = [
    "Direction",
    "EncodedFrame",
    "Finished",
    "Inspection",
    "Kind",
    "Recording",
    "Track",
    "UnplayableError",
    "Writer",
    "finish_leftovers",
    "inspect",
]
