"""Jingle without I/O: SDP to Jingle and back, the session machine, and call messages.

Nothing here imports slixmpp, aiortc or asyncio: elements of ``xml.etree.ElementTree`` go in and
out, and so does SDP.
"""

from .candidate import Candidate
from .errors import (
    LocalProtocolError,
    RemoteProtocolError,
    tie_break_error,
    unknown_session,
)
from .event import (
    Accepted,
    CandidatesReceived,
    ContentAccepted,
    ContentAdded,
    ContentModified,
    ContentRejected,
    ContentRemoved,
    DescriptionReceived,
    Event,
    GatheringComplete,
    IceRestarted,
    InfoReceived,
    Initiated,
    Terminated,
    TransportReplaced,
    Unacceptable,
)
from .features import FEATURES
from .info import Info
from .message import (
    Accept,
    CallMessage,
    Finish,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
    parse_call_message,
)
from .reason import Reason
from .role import Role, Senders
from .session import Session
from .speaker import Standing
from .state import Action, State
from .tie_breaking import tie_break
from .translate import to_jingle, to_sdp

__all__ = [
    "FEATURES",
    "Accept",
    "Accepted",
    "Action",
    "CallMessage",
    "Candidate",
    "CandidatesReceived",
    "ContentAccepted",
    "ContentAdded",
    "ContentModified",
    "ContentRejected",
    "ContentRemoved",
    "DescriptionReceived",
    "Event",
    "Finish",
    "GatheringComplete",
    "IceRestarted",
    "Info",
    "InfoReceived",
    "Initiated",
    "LocalProtocolError",
    "Proceed",
    "Propose",
    "Reason",
    "Reject",
    "RemoteProtocolError",
    "Retract",
    "Ringing",
    "Role",
    "Senders",
    "Session",
    "Standing",
    "State",
    "Terminated",
    "TransportReplaced",
    "Unacceptable",
    "parse_call_message",
    "tie_break",
    "tie_break_error",
    "to_jingle",
    "to_sdp",
    "unknown_session",
]
