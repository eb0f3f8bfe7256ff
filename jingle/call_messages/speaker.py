"""Who may say what in call messages (XEP-0353).

Only the device that has a call may end it. Until one device has it, each device that was asked may
answer. Jingle's own stanzas need no table: they count only from the device that has the call.
"""

from enum import StrEnum

from msgspec import Struct

from ..model.replace import replace
from ..model.role import Role
from .message import Accept, CallMessage, Finish, Proceed, Reject, Retract, Ringing


class Speaker(StrEnum):
    """Who sends a call message, as far as its call is concerned."""

    HOLDER = "holder"
    ASKED = "asked"
    OURS = "ours"
    NOBODY = "nobody"


TAKEN: dict[Role, dict[Speaker, tuple[type[CallMessage], ...]]] = {
    Role.INITIATOR: {
        Speaker.ASKED: (Ringing, Proceed, Reject),
        Speaker.HOLDER: (Reject, Finish),
    },
    Role.RESPONDER: {
        Speaker.HOLDER: (Retract, Finish),
        Speaker.OURS: (Proceed, Accept, Reject),
    },
}
"""Which messages count from whom, by our own role in the call. All others are dropped."""


class Standing(Struct, frozen=True):
    """The two parties of a call.

    Attributes:
        role: Our role.
        called: Whom we called, or who called us. A bare JID means all of its devices.
        holder: The peer's device that has the call; None as long as none has taken our proposal.
    """

    role: Role
    called: str
    holder: str | None

    def speaker(self, sender: str, *, own: bool) -> Speaker:
        """Tell what a sender is to the call.

        Args:
            sender: The sender's full JID; its bare JID is the peer's or ours.
            own: Whether it is another device of our own account.
        """
        if own:
            return Speaker.OURS
        if self.holder is not None:
            return Speaker.HOLDER if sender == self.holder else Speaker.NOBODY
        asked = "/" not in self.called or sender == self.called
        return Speaker.ASKED if asked else Speaker.NOBODY

    def takes(self, message: CallMessage, sender: str, *, own: bool) -> bool:
        """Tell whether a message counts. Arguments as for `speaker`."""
        return isinstance(message, TAKEN[self.role].get(self.speaker(sender, own=own), ()))

    def held_by(self, device: str) -> "Standing":
        """Return the same, with a device that has taken the call."""
        return replace(self, holder=device)
