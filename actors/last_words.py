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

    __slots__ = ("_account", "_added", "_is_over", "_left")

    def __init__(self, account: AccountRef) -> None:
        self._account = account
        self._left: list[Element] = []
        self._added: asyncio.Event | None = None
        self._is_over = False

    def add(self, stanza: Element) -> None:
        """Have a stanza sent; there is no answer.

        Args:
            stanza: what is said.
        """
        if not self._account.post(Send(stanza)):
            self._left.append(stanza)
            self._wake()

    async def say(self, transmit: Callable[[Element], None]) -> None:
        """Say what is added, until `end` is called; for the account, at its end.

        Args:
            transmit: sends a stanza.
        """
        self._added = asyncio.Event()
        while True:
            left, self._left = self._left, []
            for stanza in left:
                transmit(stanza)
            if self._is_over:
                return
            await self._added.wait()
            self._added.clear()

    def end(self) -> None:
        """Let `say` return when all that was added has been said."""
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        if self._added is not None:
            self._added.set()
