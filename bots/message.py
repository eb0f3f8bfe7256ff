"""A message with a body, as a bot sees it."""

from dataclasses import dataclass, field
from typing import Any

from pykka import ActorRef

from ..actors.messages.account import SendText
from ..actors.stanza import check_text


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message that came in.

    Attributes:
        sender: the full JID of who sent it.
        body: its text.
    """

    sender: str
    body: str
    _account: ActorRef[Any] = field(repr=False)

    async def reply(self, body: str) -> None:
        """Send an answer to the sender.

        Args:
            body: its text.

        Raises:
            ValueError: a character of it can't be sent.
        """
        self._account.tell(SendText(self.sender, check_text(body)))
