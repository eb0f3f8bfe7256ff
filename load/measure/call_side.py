"""One side of a call that has ended."""

from dataclasses import dataclass

from ...media import MediaStatistics


@dataclass(frozen=True, slots=True)
class CallSide:
    """One side of a call that has ended, as the account there saw it.

    Attributes:
        call: the session id, which both sides have.
        phase: the place of the phase that began it in the plan; None: a bot of the user's did.
        account: the bare JID on this side.
        peer: the JID on the other.
        is_caller: whether this side began the call.
        state: what became of it.
        reason: why it ended (XEP-0166 §7.4), and `text` a sentence about it, or "".
        started: when it began, in seconds since the epoch.
        setup: seconds until media was secured; None: it never was.
        seconds: how long media flowed.
        media: what this side sent and received, by kind.
    """

    call: str
    phase: int | None
    account: str
    peer: str
    is_caller: bool
    state: str
    reason: str
    text: str
    started: float
    setup: float | None
    seconds: float
    media: tuple[MediaStatistics, ...]

    @property
    def direction(self) -> str:
        """Which way that goes what this side receives."""
        return TO_CALLER if self.is_caller else TO_CALLEE

    @property
    def role(self) -> str:
        """What this side is in the call."""
        return "caller" if self.is_caller else "callee"


TO_CALLER, TO_CALLEE = "to-caller", "to-callee"
"""The two directions of a call's media."""
