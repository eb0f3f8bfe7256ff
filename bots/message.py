"""A message with a body, as a bot sees it."""

from dataclasses import dataclass, field

from ..actors.messages.account import AccountRef, SendText
from . import argument_checks
from .address import Address


@dataclass(frozen=True, slots=True)
class Message:
    """A chat message that came in.

    Attributes:
        sender: the full JID of whoever sent it.
        body: its text.
    """

    sender: Address
    body: str
    _account: AccountRef = field(repr=False)

    async def reply(self, body: str) -> None:
        """Send an answer to the sender.

        Args:
            body: the text, of up to 60,000 octets.

        Raises:
            TypeError: it is not text.
            ValueError: it is too long, or contains a character that can't be sent.
        """
        self._account.tell(SendText(self.sender, argument_checks.body("body", body)))
