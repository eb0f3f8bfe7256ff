"""What became of a call, in one word."""

from typing import Literal

from ...jingle import Reason

State = Literal["completed", "missed", "declined", "busy", "cancelled", "failed"]

#: Reasons (XEP-0166 §7.4) that mean that something went wrong.
FAILURES = frozenset(
    {
        Reason.CONNECTIVITY_ERROR,
        Reason.FAILED_APPLICATION,
        Reason.FAILED_TRANSPORT,
        Reason.GENERAL_ERROR,
        Reason.INCOMPATIBLE_PARAMETERS,
        Reason.MEDIA_ERROR,
        Reason.SECURITY_ERROR,
        Reason.UNSUPPORTED_APPLICATIONS,
        Reason.UNSUPPORTED_TRANSPORTS,
    }
)

#: What a call that never connected is called where the reason alone decides it.
UNCONNECTED: dict[Reason, State] = {
    Reason.BUSY: "busy",
    Reason.DECLINE: "declined",
    Reason.TIMEOUT: "missed",
    Reason.EXPIRED: "cancelled",
}


def outcome(
    reason: Reason,
    *,
    direction: Literal["in", "out"],
    ours: bool,
    answered: bool,
    connected: bool,
) -> State:
    """Say in one word what became of a call.

    Args:
        reason: why it ended.
        direction: who called.
        ours: whether we ended it.
        answered: whether the callee took it.
        connected: whether media could flow.
    """
    if reason in FAILURES:
        return "failed"
    if connected:
        return "completed"
    if reason in UNCONNECTED:
        return UNCONNECTED[reason]
    if answered or (direction == "out" and ours):
        return "cancelled"
    return "declined" if (direction == "in") == ours else "missed"
