"""A message with a body, as a bot sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count

from ..actors.messages.account import AccountRef, SendText
from . import argument_checks
from .address import Address

#: The message that a bot's code handles.
_HANDLED: "ContextVar[Message | None]" = ContextVar("callboard_message", default=None)


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
    _number: int = field(default_factory=count().__next__, repr=False, compare=False)

    async def reply(self, body: str) -> None:
        """Send an answer to the sender.

        A bot that answers more than 30 messages of one peer's within 10 s talks with another bot.
        Its answers are not sent then until there was nothing to answer for 10 s, and the log has a
        warning.

        Args:
            body: the text, of up to 60,000 octets.

        Raises:
            TypeError: it is not text.
            ValueError: it is too long, or contains a character that can't be sent.
        """
        text = argument_checks.body("body", body)
        self._account.post(SendText(self.sender, text, answers=self._number))


@contextmanager
def handling(message: Message) -> Iterator[None]:
    """Have what the running code sends to a message's sender count as an answer to it."""
    before = _HANDLED.set(message)
    try:
        yield
    finally:
        _HANDLED.reset(before)


def answered_by(to: Address) -> int | None:
    """Return the number of the message that is answered if the running code writes to somebody.

    Args:
        to: whom it writes to.
    """
    message = _HANDLED.get()
    if message is None or message.sender.bare != to.bare:
        return None
    return message._number  # noqa: SLF001 - of this file's own class
