"""States that a party tells during a call: ringing, hold, mute (XEP-0167 §7, session-info)."""

from enum import StrEnum


class Info(StrEnum):
    """The informational messages of RTP sessions (XEP-0167 §7)."""

    ACTIVE = "active"
    HOLD = "hold"
    UNHOLD = "unhold"
    MUTE = "mute"
    UNMUTE = "unmute"
    RINGING = "ringing"
