"""The last messages of each conversation."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from msgspec import Struct, field

from ...actors.messages.exchange import (
    CallStatus,
    ChatMessage,
    ChatMessageBounced,
    ReceiptReceived,
)
from ...config.jid import bare
from .. import models
from .clock import iso
from .message_files import Kept, KeptDelivery, KeptMessage
from .reported import Reported

#: Conversations that are kept, those in which something happened last.
MOST_CONVERSATIONS = 1_000
#: Messages of one conversation that are kept.
MOST_MESSAGES = 200
#: Characters of a message that are kept.
LONGEST_KEPT = 4_000


class KeptConversation(Struct):
    """What is kept of a conversation.

    Attributes:
        account: our bare JID.
        peer: the peer's.
        at: when something last happened, in seconds since the epoch.
        texts: the last messages.
    """

    account: str
    peer: str
    at: float
    texts: "deque[models.conversations.ChatText]" = field(
        default_factory=lambda: deque(maxlen=MOST_MESSAGES)
    )


class MessageLog:
    """Keeps the last messages of the last conversations in memory.

    Attributes:
        keep: told each message and what becomes of it, to keep them elsewhere too; None: nobody.
        knows_past_calls: whether it was told with whom there were calls in earlier runs.
    """

    def __init__(self) -> None:
        self.keep: Callable[[Kept], None] | None = None
        self.knows_past_calls = False
        self._kept: OrderedDict[tuple[str, str], KeptConversation] = OrderedDict()

    def hear(self, report: Reported, at: float) -> None:
        """Note a report.

        Args:
            report: what was reported.
            at: when, in seconds since the epoch.
        """
        match report:
            case ChatMessage(account=account, peer=peer):
                self._note(KeptMessage(account, bare(peer), _text(report, at)), at)
            case ReceiptReceived(account=account, sender=peer):
                self._note(KeptDelivery(account, bare(peer), report.id[:200], "received"), at)
            case ChatMessageBounced(account=account, peer=peer):
                self._note(KeptDelivery(account, bare(peer), report.id[:200], "failed"), at)
            case CallStatus(account=account, peer=peer) if (account, bare(peer)) not in self._kept:
                self._opened(account, peer, at)

    def restore(self, kept: Iterable[Kept]) -> None:
        """Take what an earlier run has kept.

        Args:
            kept: in its order.
        """
        for one in kept:
            at = datetime.fromisoformat(one.text.time) if isinstance(one, KeptMessage) else None
            self._take(one, 0.0 if at is None else at.timestamp())

    def take_past_calls(self, ended: Iterable[tuple[str, str, float]]) -> None:
        """Take with whom there were calls, also in earlier runs.

        Args:
            ended: of each pair an account, its peer's bare JID, and when their last call ended, in
                seconds since the epoch.
        """
        for account, peer, at in ended:
            key = account, peer
            found = self._kept.setdefault(key, KeptConversation(*key, at))
            found.at = max(found.at, at)
        for one in sorted(self._kept.values(), key=lambda one: one.at):
            self._kept.move_to_end((one.account, one.peer))
        self._bound()
        self.knows_past_calls = True

    def _note(self, kept: Kept, at: float) -> None:
        if self._take(kept, at) and self.keep is not None:
            self.keep(kept)

    def _take(self, kept: Kept, at: float) -> bool:
        """Take a message, or what became of one; tell whether that changes anything."""
        if isinstance(kept, KeptMessage):
            self._opened(kept.account, kept.peer, at).texts.append(kept.text)
            return True
        return self._delivered(kept)

    def of(self, account: str) -> Iterator[KeptConversation]:
        """Give the conversations of an account, the last one first."""
        return (one for one in reversed(self._kept.values()) if one.account == account)

    def has(self, account: str, peer: str) -> bool:
        """Tell whether anything has happened in a conversation."""
        return (account, bare(peer)) in self._kept

    def texts(self, account: str, peer: str) -> "tuple[models.conversations.ChatText, ...]":
        """Return the messages of a conversation."""
        found = self._kept.get((account, bare(peer)))
        return () if found is None else tuple(found.texts)

    def _opened(self, account: str, peer: str, at: float) -> KeptConversation:
        key = account, bare(peer)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = KeptConversation(*key, at)
        found.at = at
        self._kept.move_to_end(key)
        self._bound()
        return found

    def _bound(self) -> None:
        while len(self._kept) > MOST_CONVERSATIONS:
            self._kept.popitem(last=False)

    def _delivered(self, kept: KeptDelivery) -> bool:
        found = self._kept.get((kept.account, kept.peer))
        if found is None:
            return False
        is_known = False
        for place, one in enumerate(found.texts):
            if one.id == kept.id and one.direction == "out":
                found.texts[place] = one.model_copy(update={"delivery": kept.delivery})
                is_known = True
        return is_known


def _text(report: ChatMessage, at: float) -> "models.conversations.ChatText":
    return models.conversations.ChatText(
        time=iso(at),
        direction=report.direction,
        author=report.author,
        body=report.body[:LONGEST_KEPT],
        id=report.id[:200],
        delivery="sent" if report.direction == "out" else None,
    )
