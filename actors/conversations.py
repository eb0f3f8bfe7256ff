"""The conversations of one account: one for each peer that something happens with."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from . import messages
from .call.too_late import never_began
from .messages.account import PlaceCall
from .runtime.future import AsyncioFuture
from .runtime.log_throttle import LogThrottle

if TYPE_CHECKING:
    from .messages.call import CallRef
    from .messages.conversation import ConversationMessage, ConversationRef

log = logging.getLogger(__name__)

#: Seconds after which a conversation in which nothing happens is put away.
IDLE = 600.0
#: Conversations that may stay only in case something happens again; more are put away at once.
KEPT = 256
#: Conversations at the most, of which all but `KEPT` have a call.
MAX_CONVERSATIONS = 10_000


class _Entry(Struct):
    """One conversation.

    Attributes:
        ref: its actor.
        told: how often it was told something.
        quiet: nothing since the last look around.
    """

    ref: "ConversationRef"
    told: int = 0
    quiet: bool = False


class _Placed(Struct, frozen=True):
    """A call that has been asked for.

    Attributes:
        conversation: places it.
        own: our JID.
        peer: the peer's.
        promise: of the call.
    """

    conversation: "ConversationRef"
    own: str
    peer: str
    promise: "AsyncioFuture[CallRef]"


class Conversations:
    """Starts conversations and puts them away; a newcomer costs the same however many there are.

    A conversation ends only when it says that it has nothing to do, and was told nothing since.

    Args:
        start: starts the conversation with a bare JID.
        is_busy: whether there is a call with a bare JID.
    """

    def __init__(
        self, start: "Callable[[str], ConversationRef]", is_busy: Callable[[str], bool]
    ) -> None:
        self._start = start
        self._is_busy = is_busy
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._placed: list[_Placed] = []
        self._refused = LogThrottle()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, peer: object) -> bool:
        return peer in self._entries

    def __getitem__(self, peer: str) -> "ConversationRef":
        """Return the conversation with a peer, which there must be."""
        return self._entries[peer].ref

    def refs(self) -> "list[ConversationRef]":
        """Return the actors."""
        return [entry.ref for entry in self._entries.values()]

    def tell(self, peer: str, message: "ConversationMessage") -> bool:
        """Tell the conversation with a peer something; it is started if there is none.

        Returns:
            whether it was told: no, if too many are busy.
        """
        entry = self._entries.get(peer)
        if entry is not None and not entry.ref.is_alive():
            del self._entries[peer]
            entry = None
        if entry is None:
            if len(self._entries) >= MAX_CONVERSATIONS:
                if refused := self._refused.due():
                    log.warning("%d messages were dropped: too many conversations", refused)
                return False
            entry = self._entries[peer] = _Entry(self._start(peer))
            self.make_room()
        self._entries.move_to_end(peer)
        entry.told += 1
        entry.quiet = False
        return entry.ref.post(message)

    def place(self, peer: str, order: PlaceCall, own: str) -> "AsyncioFuture[CallRef] | None":
        """Have the conversation with a peer place a call.

        Args:
            peer: the bare JID.
            order: what was asked for.
            own: our full JID.

        Returns:
            The promise of the call, which is kept or broken whatever becomes of the conversation;
            None if too many are busy.
        """
        placed: AsyncioFuture[CallRef] = AsyncioFuture()
        if not self.tell(peer, messages.conversation.CallPeer(order, own, placed)):
            return None
        self._placed = [one for one in self._placed if not one.promise.done()]
        self._placed.append(_Placed(self._entries[peer].ref, own, peer, placed))
        return placed

    def unplaced(self) -> "list[AsyncioFuture[CallRef]]":
        """Return the promises of calls that have not begun."""
        return [one.promise for one in self._placed if not one.promise.done()]

    def break_off(self, ended: "ConversationRef | None" = None) -> None:
        """Break the promises that nobody will keep.

        Args:
            ended: the conversation that has ended; None: all have.
        """
        left, self._placed = self._placed, []
        for one in left:
            if one.promise.done():
                continue
            if ended is None or one.conversation is ended:
                why = "its conversation has ended"
                one.promise.fail(never_began(one.own, one.peer, why))
            else:
                self._placed.append(one)

    def tell_all(self, message: "ConversationMessage") -> None:
        """Tell every conversation something."""
        for entry in self._entries.values():
            entry.told += 1
            entry.ref.post(message)

    def look_around(self) -> bool:
        """Ask those that were silent since the last look; return whether there are any at all."""
        for peer, entry in self._entries.items():
            if entry.quiet:
                self._ask(peer, entry)
            entry.quiet = True
        return bool(self._entries)

    def idle(self, peer: str, told: int) -> None:
        """Put a conversation away that has nothing to do.

        Args:
            peer: with whom it is.
            told: what it had been told when it was asked.
        """
        entry = self._entries.get(peer)
        if entry is not None and entry.told == told and not self._is_busy(peer):
            del self._entries[peer]
            entry.ref.stop(block=False)
            self.make_room()

    def make_room(self) -> None:
        """Ask the two oldest, so that there are fewer after a while; a busy one is asked later."""
        if len(self._entries) <= KEPT:
            return
        for peer in list(islice(self._entries, 2)):
            self._entries.move_to_end(peer)
            self._ask(peer, self._entries[peer])

    def _ask(self, peer: str, entry: _Entry) -> None:
        if not self._is_busy(peer):
            entry.ref.post(messages.conversation.IdleCheck(entry.told))
