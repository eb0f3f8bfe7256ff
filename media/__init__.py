"""What flows in a call: sources, the receive path, recordings, quality."""

from .budget import Budget
from .echo import Echo
from .errors import (
    DataChannelError,
    DescriptionError,
    IncompatibleMediaError,
    MediaClosedError,
    MediaError,
    NetworkError,
    SourceError,
    shown,
)
from .events import (
    AddressLost,
    Closed,
    Connected,
    DataClosed,
    DataOpened,
    DataReceived,
    FirstMedia,
    IceChecking,
    IceConnected,
    IceRenewed,
    MediaEvent,
    MediaFailed,
    PlaybackEnded,
)
from .file_source import FileSource
from .frame import Direction, EncodedFrame, Kind
from .ice_server import IceServer
from .inspection import Inspection, Track, UnplayableError, declared_seconds, inspect
from .leftovers import finish_leftovers
from .network import Network
from .part_file import Finished, lock
from .path import Path
from .peer_connection import PeerConnection, Sink
from .playback import Playback
from .recording import Recording
from .silence import Silence
from .source import Source
from .statistics import MediaStatistics
from .test_pattern import TestPattern, read_clock
from .tone import Tone
from .workers import READERS
from .writer import Writer

__all__ = [
    "READERS",
    "AddressLost",
    "Budget",
    "Closed",
    "Connected",
    "DataChannelError",
    "DataClosed",
    "DataOpened",
    "DataReceived",
    "DescriptionError",
    "Direction",
    "Echo",
    "EncodedFrame",
    "FileSource",
    "Finished",
    "FirstMedia",
    "IceChecking",
    "IceConnected",
    "IceRenewed",
    "IceServer",
    "IncompatibleMediaError",
    "Inspection",
    "Kind",
    "MediaClosedError",
    "MediaError",
    "MediaEvent",
    "MediaFailed",
    "MediaStatistics",
    "Network",
    "NetworkError",
    "Path",
    "PeerConnection",
    "Playback",
    "PlaybackEnded",
    "Recording",
    "Silence",
    "Sink",
    "Source",
    "SourceError",
    "TestPattern",
    "Tone",
    "Track",
    "UnplayableError",
    "Writer",
    "declared_seconds",
    "finish_leftovers",
    "inspect",
    "lock",
    "read_clock",
    "shown",
]
