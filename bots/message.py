"""A message with a body, as a bot sees it."""

from dataclasses import dataclass, field

from ..actors.messages.account import AccountRef, SendText
from . import arguments


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message that came in.

    Attributes:
        sender: the full JID of who sent it.
        body: its text.
    """

    sender: str
    body: str
    _account: AccountRef = field(repr=False)

    async def reply(self, body: str) -> None:
        """Send an answer to the sender.

        Args:
            body: its text, of 60,000 octets at the most.

        Raises:
            TypeError: it is no text.
            ValueError: it is too long, or has a character that can't be sent.
        """
        self._account.tell(SendText(self.sender, arguments.body("body", body)))
