"""The calls of one conversation: who may say what of each, and which stands if both sides call."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from ..config.jid import bare
from ..jingle import CallMessage, Standing, tie_break
from .messages.call import CallRef, TieLost

#: How far two calls of the same moment are, one of each side, of which one can stand.
Tie = Literal["proposed", "initiated"]


class OngoingCall(Struct):
    """A call with the peer.

    Attributes:
        ref: its actor.
        standing: between whom it is, and who may say what of it.
        open: how far a call of ours is on which a tie-break may still be decided; None: the peer
            has taken it, or it is not ours.
        choosy: what we offer depends on what the device that takes it can do.
        proceeding: that device, while we ask.
    """

    ref: CallRef
    standing: Standing
    open: Tie | None
    choosy: bool = False
    proceeding: str | None = None

    def takes(self, message: CallMessage, sender: str, *, own: bool) -> bool:
        """Tell whether somebody may say this of the call."""
        return self.ref.is_alive() and self.standing.takes(message, sender, own=own)

    def taken_by(self, device: str) -> None:
        """Take note that a device of the peer's takes the call; it is the one that counts now."""
        self.open, self.standing = None, self.standing.held_by(device)


class OngoingCalls:
    """The calls of one conversation, by session id."""

    def __init__(self) -> None:
        self._calls: dict[str, OngoingCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[OngoingCall]:
        return iter(self._calls.values())

    def sids(self) -> list[str]:
        """Return the session ids."""
        return list(self._calls)

    def find(self, sid: str) -> OngoingCall | None:
        """Return the call of a session, if there is one."""
        return self._calls.get(sid)

    def add(self, sid: str, call: OngoingCall) -> None:
        """Take a call in."""
        self._calls[sid] = call

    def remove(self, sid: str) -> None:
        """Forget a call that is over."""
        self._calls.pop(sid, None)

    def accepted(self, sid: str) -> None:
        """Take note that the peer has accepted the session: no tie is left to be decided."""
        call = self._calls.get(sid)
        if call is not None:
            call.open = None

    def wins_tie(self, tie: Tie, sid: str, *, own: str, sender: str) -> bool:
        """Decide which of two calls stands when both sides called at once.

        The lower session id does (XEP-0353 §4 for proposals, XEP-0166 §7.2.16 for sessions). A call
        of ours that does not stand is told so.

        Args:
            tie: how far the peer's call is.
            sid: the session id of the peer's call.
            own: our JID.
            sender: the peer's.

        Returns:
            Whether one of ours stands.
        """
        for our_sid, call in self._calls.items():
            if call.open != tie or not call.ref.is_alive():
                continue
            if tie_break(our_sid, sid, bare(own), bare(sender)):
                return True
            call.open = None
            call.ref.post(TieLost())
        return False
