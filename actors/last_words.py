"""What calls say when the conversation that would pass it on has ended."""

import asyncio
from collections.abc import Callable
from xml.etree.ElementTree import Element

from .messages.account import AccountRef, Send


class LastWords:
    """Takes the goodbyes of calls that outlive their conversation.

    While the account handles messages, they are told to it. Once it ends, they wait here for the
    account to say them before it closes its stream.

    Args:
        account: whose calls they are.
    """

    def __init__(self, account: AccountRef) -> None:
        self._account = account
        self._left: asyncio.Queue[Element | None] = asyncio.Queue()

    def add(self, stanza: Element) -> None:
        """Have a stanza sent; there is no answer.

        Args:
            stanza: what is said.
        """
        if not self._account.post(Send(stanza)):
            self._left.put_nowait(stanza)

    async def say(self, transmit: Callable[[Element], None]) -> None:
        """Say what is added, until `end` is called; for the account, at its end.

        Args:
            transmit: sends a stanza.
        """
        while (stanza := await self._left.get()) is not None:
            transmit(stanza)

    def end(self) -> None:
        """Let `say` return when all that was added has been said."""
        self._left.put_nowait(None)
