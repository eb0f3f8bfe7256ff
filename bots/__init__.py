"""What a bot author touches: ``Bot``, ``Call``, ``Message``, ``Presence``, and what to play."""

from ..actors.call_record import CallRecord
from ..actors.messages.account import Contact
from ..actors.messages.call import CallOver
from ..media import Echo, FileSource, Silence, Source, TestPattern, Tone
from .bot import Bot
from .call import Call
from .invite import Invite
from .message import Message
from .presence import Presence

__all__ = [
    "Bot",
    "Call",
    "CallOver",
    "CallRecord",
    "Contact",
    "Echo",
    "FileSource",
    "Invite",
    "Message",
    "Presence",
    "Silence",
    "Source",
    "TestPattern",
    "Tone",
]
