"""What a bot author touches: ``Bot``, ``Call``, ``Message``, ``Presence``, and what to play."""

from ..actors.messages.account import Offline
from ..actors.messages.call import CallOver
from ..actors.messages.exchange import CallStatus
from ..actors.records.call_record import CallRecord
from ..actors.records.recording_outcome import RecordingOutcome
from ..actors.xmpp.contact import Contact
from ..jingle import Reason
from ..media import (
    ClockPattern,
    Drawing,
    Echo,
    Feed,
    FileSource,
    Silence,
    SnapshotError,
    Source,
    SourceError,
    SpeechBegan,
    SpeechEnded,
    SpeechError,
    SpokenText,
    Tone,
    VideoFeed,
)
from .bot import Bot
from .bridge import Bridge
from .call import Call
from .invite import Invite
from .message import Message
from .options import Options, OptionsError
from .playback import Playback
from .presence import Presence
from .recording import Recording
from .room import Room
from .speaking import Synthesizer, Utterance
from .until import Speaks

__all__ = [
    "Bot",
    "Bridge",
    "Call",
    "CallOver",
    "CallRecord",
    "CallStatus",
    "ClockPattern",
    "Contact",
    "Drawing",
    "Echo",
    "Feed",
    "FileSource",
    "Invite",
    "Message",
    "Offline",
    "Options",
    "OptionsError",
    "Playback",
    "Presence",
    "Reason",
    "Recording",
    "RecordingOutcome",
    "Room",
    "Silence",
    "SnapshotError",
    "Source",
    "SourceError",
    "Speaks",
    "SpeechBegan",
    "SpeechEnded",
    "SpeechError",
    "SpokenText",
    "Synthesizer",
    "Tone",
    "Utterance",
    "VideoFeed",
]
