"""The media of calls: sources, peer connections, recordings, quality."""

from typing import TYPE_CHECKING

from ..jingle.late_names import late_names

if TYPE_CHECKING:
    from .budget import Budget
    from .errors import (
        CallOver,
        DataChannelError,
        DescriptionError,
        IncompatibleMediaError,
        MediaClosedError,
        MediaError,
        NetworkError,
        SourceError,
        is_authors,
        shown,
        told,
    )
    from .frames.frame import Direction, EncodedFrame, Kind
    from .frames.frame_batch import FrameBatch
    from .frames.sound_batch import SoundBatch
    from .hearing.ear import Hearing, check_rate
    from .hearing.reader_queue import ReaderQueue
    from .hearing.sound_frames import channels_of
    from .hearing.speech import Speech, SpeechBegan, SpeechEnded
    from .hearing.speech_options import SpeechOptions
    from .hearing.still_picture import ImageFormat, SnapshotError
    from .hearing.voice_detector import SpeechError, check_speech
    from .joining.bridge import BridgeMedia
    from .joining.join_in import JoinIn
    from .joining.room import RoomMedia, RoomMember
    from .joining.take_over import TakeOver
    from .joining.tap import Tap
    from .late_event import LateEvent
    from .recording.container import BOTH, Directions
    from .recording.inspection import Inspection, Track, UnplayableError, declared_seconds, inspect
    from .recording.part_file import FinishedRecording, lock
    from .recording.recording import Recording
    from .recording.recording_file import expected_suffix
    from .recording.recovery import recover_recordings
    from .recording.writer_thread import Writer
    from .rtc.connection_media import ConnectionMedia, Sink
    from .rtc.events import (
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
        KeyframeAsked,
        KeyframeCame,
        MediaBegan,
        MediaEvent,
        MediaFailed,
        PlaybackEnded,
        PlaybackStuck,
        VideoUnseen,
    )
    from .rtc.ice.network import Network
    from .rtc.ice.server import IceServer
    from .rtc.offered_codecs import cut_to
    from .rtc.peer_connection import PeerConnection
    from .rtc.rtp.key_presses import LONGEST_PRESS, SHORTEST, KeyPress
    from .rtc.rtp.receive_path import ReceivePath
    from .rtc.rtp.statistics import MediaStatistics
    from .rtc.rtp.telephone_event import DIGITS, DigitBegan, DigitEnded, DigitEvent, check_digits
    from .sources.clock_pattern import ClockPattern, read_clock
    from .sources.drawing import Drawing
    from .sources.echo import Echo
    from .sources.feed import Feed, Sound
    from .sources.file_source import FileSource
    from .sources.forwarded import Forwarded
    from .sources.playback import Playback
    from .sources.playlist import Playlist
    from .sources.reader_threads import READERS
    from .sources.silence import Silence
    from .sources.source import LiveSource, Source, is_async
    from .sources.spoken_text import SpokenText
    from .sources.tone import Tone
    from .sources.video_feed import VideoFeed

__all__ = [
    "BOTH",
    "DIGITS",
    "LONGEST_PRESS",
    "READERS",
    "SHORTEST",
    "AddressLost",
    "BridgeMedia",
    "Budget",
    "CallOver",
    "ClockPattern",
    "Closed",
    "Connected",
    "ConnectionMedia",
    "DataChannelError",
    "DataClosed",
    "DataOpened",
    "DataReceived",
    "DescriptionError",
    "DigitBegan",
    "DigitEnded",
    "DigitEvent",
    "Direction",
    "Directions",
    "Drawing",
    "Echo",
    "EncodedFrame",
    "Feed",
    "FileSource",
    "FinishedRecording",
    "FirstMedia",
    "Forwarded",
    "FrameBatch",
    "Hearing",
    "IceChecking",
    "IceConnected",
    "IceRenewed",
    "IceServer",
    "ImageFormat",
    "IncompatibleMediaError",
    "Inspection",
    "JoinIn",
    "KeyPress",
    "KeyframeAsked",
    "KeyframeCame",
    "Kind",
    "LateEvent",
    "LiveSource",
    "MediaBegan",
    "MediaClosedError",
    "MediaError",
    "MediaEvent",
    "MediaFailed",
    "MediaStatistics",
    "Network",
    "NetworkError",
    "PeerConnection",
    "Playback",
    "PlaybackEnded",
    "PlaybackStuck",
    "Playlist",
    "ReaderQueue",
    "ReceivePath",
    "Recording",
    "RoomMedia",
    "RoomMember",
    "Silence",
    "Sink",
    "SnapshotError",
    "Sound",
    "SoundBatch",
    "Source",
    "SourceError",
    "Speech",
    "SpeechBegan",
    "SpeechEnded",
    "SpeechError",
    "SpeechOptions",
    "SpokenText",
    "TakeOver",
    "Tap",
    "Tone",
    "Track",
    "UnplayableError",
    "VideoFeed",
    "VideoUnseen",
    "Writer",
    "channels_of",
    "check_digits",
    "check_rate",
    "check_speech",
    "cut_to",
    "declared_seconds",
    "expected_suffix",
    "inspect",
    "is_async",
    "is_authors",
    "lock",
    "read_clock",
    "recover_recordings",
    "shown",
    "told",
]

#: Where each name is. What is imported with all of them takes a second or more, and most of it is
#: for calls alone, so each is looked up when it is first asked for (PEP 562).
_HOMES = {
    ".budget": "Budget",
    ".late_event": "LateEvent",
    ".errors": (
        "CallOver DataChannelError DescriptionError IncompatibleMediaError MediaClosedError "
        "MediaError NetworkError SourceError is_authors shown told"
    ),
    ".frames.frame": "Direction EncodedFrame Kind",
    ".frames.frame_batch": "FrameBatch",
    ".frames.sound_batch": "SoundBatch",
    ".hearing.ear": "Hearing check_rate",
    ".hearing.reader_queue": "ReaderQueue",
    ".hearing.sound_frames": "channels_of",
    ".hearing.speech": "Speech SpeechBegan SpeechEnded",
    ".hearing.speech_options": "SpeechOptions",
    ".hearing.still_picture": "ImageFormat SnapshotError",
    ".hearing.voice_detector": "SpeechError check_speech",
    ".joining.bridge": "BridgeMedia",
    ".joining.join_in": "JoinIn",
    ".joining.room": "RoomMedia RoomMember",
    ".joining.take_over": "TakeOver",
    ".joining.tap": "Tap",
    ".recording.container": "BOTH Directions",
    ".recording.inspection": "Inspection Track UnplayableError declared_seconds inspect",
    ".recording.part_file": "FinishedRecording lock",
    ".recording.recording": "Recording",
    ".recording.recording_file": "expected_suffix",
    ".recording.recovery": "recover_recordings",
    ".recording.writer_thread": "Writer",
    ".rtc.connection_media": "ConnectionMedia Sink",
    ".rtc.events": (
        "AddressLost Closed Connected DataClosed DataOpened DataReceived FirstMedia "
        "IceChecking IceConnected IceRenewed KeyframeAsked KeyframeCame MediaBegan "
        "MediaEvent MediaFailed PlaybackEnded PlaybackStuck VideoUnseen"
    ),
    ".rtc.ice.network": "Network",
    ".rtc.ice.server": "IceServer",
    ".rtc.offered_codecs": "cut_to",
    ".rtc.peer_connection": "PeerConnection",
    ".rtc.rtp.key_presses": "KeyPress LONGEST_PRESS SHORTEST",
    ".rtc.rtp.receive_path": "ReceivePath",
    ".rtc.rtp.statistics": "MediaStatistics",
    ".rtc.rtp.telephone_event": "DIGITS DigitBegan DigitEnded DigitEvent check_digits",
    ".sources.clock_pattern": "ClockPattern read_clock",
    ".sources.drawing": "Drawing",
    ".sources.echo": "Echo",
    ".sources.feed": "Feed Sound",
    ".sources.file_source": "FileSource",
    ".sources.forwarded": "Forwarded",
    ".sources.playback": "Playback",
    ".sources.playlist": "Playlist",
    ".sources.reader_threads": "READERS",
    ".sources.silence": "Silence",
    ".sources.source": "LiveSource Source is_async",
    ".sources.spoken_text": "SpokenText",
    ".sources.tone": "Tone",
    ".sources.video_feed": "VideoFeed",
}
__getattr__, __dir__ = late_names(__name__, _HOMES)
