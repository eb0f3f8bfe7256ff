"""The last messages of each conversation."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...actors.messages.exchange import (
    CallStatus,
    ChatMessage,
    ChatMessageBounced,
    ReceiptReceived,
)
from ...config.jid import bare
from ..models.conversations import LONGEST_KEPT, MOST_MESSAGES, ChatText
from .clock import iso
from .events import Reported

#: Conversations that are kept, those in which something happened last.
MOST_CONVERSATIONS = 1_000


@dataclass(slots=True)
class KeptConversation:
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
    texts: deque[ChatText] = field(default_factory=lambda: deque(maxlen=MOST_MESSAGES))


class MessageLog:
    """Keeps the last messages of the last conversations in memory, and nowhere else."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], KeptConversation] = OrderedDict()

    def hear(self, report: Reported, at: float) -> None:
        """Note a report.

        Args:
            report: what was reported.
            at: when, in seconds since the epoch.
        """
        match report:
            case ChatMessage(account=account, peer=peer):
                self._opened(account, peer, at).texts.append(_text(report, at))
            case ReceiptReceived(account=account, sender=peer):
                self._delivered(account, peer, report.id, "received")
            case ChatMessageBounced(account=account, peer=peer):
                self._delivered(account, peer, report.id, "failed")
            case CallStatus(account=account, peer=peer) if (account, bare(peer)) not in self._kept:
                self._opened(account, peer, at)

    def of(self, account: str) -> Iterator[KeptConversation]:
        """Give the conversations of an account, the last one first."""
        return (one for one in reversed(self._kept.values()) if one.account == account)

    def texts(self, account: str, peer: str) -> tuple[ChatText, ...]:
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
        if len(self._kept) > MOST_CONVERSATIONS:
            self._kept.popitem(last=False)
        return found

    def _delivered(self, account: str, peer: str, name: str, delivery: str) -> None:
        found = self._kept.get((account, bare(peer)))
        if found is None:
            return
        for place, one in enumerate(found.texts):
            if one.id == name and one.direction == "out":
                found.texts[place] = one.model_copy(update={"delivery": delivery})


def _text(report: ChatMessage, at: float) -> ChatText:
    return ChatText(
        time=iso(at),
        direction=report.direction,
        author=report.author,
        body=report.body[:LONGEST_KEPT],
        id=report.id[:200],
        delivery="sent" if report.direction == "out" else None,
    )
