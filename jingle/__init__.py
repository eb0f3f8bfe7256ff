"""Jingle without I/O: SDP to Jingle and back, the session machine, and call messages.

Elements of ``xml.etree.ElementTree`` and SDP go in and come out. Nothing here imports slixmpp,
aiortc or asyncio.
"""

from .call_messages.message import (
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
from .call_messages.speaker import Standing
from .errors import (
    LocalProtocolError,
    RemoteProtocolError,
    tie_break_error,
    unknown_session,
)
from .features import FEATURES
from .model.candidate import Candidate
from .model.info import Info
from .model.reason import Reason
from .model.role import Role, Senders
from .session.event import (
    Accepted,
    CandidatesReceived,
    ContentAccepted,
    ContentAdded,
    ContentModified,
    ContentRejected,
    ContentRemoved,
    DescriptionReceived,
    DtmfReceived,
    Event,
    GatheringComplete,
    IceRestarted,
    InfoReceived,
    Initiated,
    Terminated,
    TransportReplaced,
    Unacceptable,
)
from .session.session import Session
from .session.state import Action, SessionState
from .session.tie_breaking import tie_break
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
    "DtmfReceived",
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
    "SessionState",
    "Standing",
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
