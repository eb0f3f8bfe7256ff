"""What a bot author touches: ``Bot``, ``Call``, ``Message``, ``Presence``, and what to play."""

from typing import TYPE_CHECKING

from ..jingle.late_names import late_names

if TYPE_CHECKING:
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
        check_speech,
    )
    from .address import Address
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
    "Address",
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
    "check_speech",
]

#: Where each name is. What is imported with all of them takes a second or more, and most of it is
#: for calls alone, so each is looked up when it is first asked for (PEP 562).
_HOMES = {
    "..actors.messages.account": "Offline",
    "..actors.messages.call": "CallOver",
    "..actors.messages.exchange": "CallStatus",
    "..actors.records.call_record": "CallRecord",
    "..actors.records.recording_outcome": "RecordingOutcome",
    "..actors.xmpp.contact": "Contact",
    "..jingle": "Reason",
    "..media": (
        "ClockPattern Drawing Echo Feed FileSource Silence SnapshotError Source "
        "SourceError SpeechBegan SpeechEnded SpeechError SpokenText Tone VideoFeed "
        "check_speech"
    ),
    ".address": "Address",
    ".bot": "Bot",
    ".bridge": "Bridge",
    ".call": "Call",
    ".invite": "Invite",
    ".message": "Message",
    ".options": "Options OptionsError",
    ".playback": "Playback",
    ".presence": "Presence",
    ".recording": "Recording",
    ".room": "Room",
    ".speaking": "Synthesizer Utterance",
    ".until": "Speaks",
}
__getattr__, __dir__ = late_names(__name__, _HOMES)
