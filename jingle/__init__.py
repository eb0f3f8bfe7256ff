"""Jingle without I/O: SDP to Jingle and back, the session machine, and call messages.

Elements of ``xml.etree.ElementTree`` and SDP go in and come out. Nothing here imports slixmpp,
aiortc or asyncio.
"""

from typing import TYPE_CHECKING

from .late_names import late_names

if TYPE_CHECKING:
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

#: Where each name is. The machine of sessions is for calls alone, so each name is looked up when it
#: is first asked for (PEP 562).
_HOMES = {
    ".call_messages.message": (
        "Accept CallMessage Finish Proceed Propose Reject Retract Ringing parse_call_message"
    ),
    ".call_messages.speaker": "Standing",
    ".errors": "LocalProtocolError RemoteProtocolError tie_break_error unknown_session",
    ".features": "FEATURES",
    ".model.candidate": "Candidate",
    ".model.info": "Info",
    ".model.reason": "Reason",
    ".model.role": "Role Senders",
    ".session.event": (
        "Accepted CandidatesReceived ContentAccepted ContentAdded ContentModified "
        "ContentRejected ContentRemoved DescriptionReceived DtmfReceived Event "
        "GatheringComplete IceRestarted InfoReceived Initiated Terminated "
        "TransportReplaced Unacceptable"
    ),
    ".session.session": "Session",
    ".session.state": "Action SessionState",
    ".session.tie_breaking": "tie_break",
    ".translate": "to_jingle to_sdp",
}
__getattr__, __dir__ = late_names(__name__, _HOMES)
