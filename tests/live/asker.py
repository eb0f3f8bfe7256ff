"""An actor that wants to know how its IQs were answered."""

import asyncio
from xml.etree.ElementTree import Element

from callboard.actors.messages.account import AccountRef, SendIq
from callboard.actors.runtime.actor import AsyncioActor, handles
from callboard.actors.xmpp.events import IqAnswered


class Asker(AsyncioActor[IqAnswered]):
    """Keeps the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: asyncio.Queue[IqAnswered] = asyncio.Queue()

    @handles(IqAnswered)
    def _answered(self, message: IqAnswered) -> None:
        self.answers.put_nowait(message)

    def ask(self, account: AccountRef, to: str, token: str) -> None:
        """Have an account ask somebody something."""
        query = Element("{urn:xmpp:ping}ping")
        account.tell(SendIq(to, query, "get", self.actor_ref, token))
