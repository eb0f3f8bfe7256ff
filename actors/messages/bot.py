"""What a bot is told."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ...config import AccountSettings
from ...media import ReceivePath
from ..xmpp.contact import Contact
from .account import AccountRef, Invitation
from .exchange import CallStatus

if TYPE_CHECKING:
    from .call import Answer, CallRef


class BotPort(Protocol):
    """A bot, as the actors see it; ``bots/`` implements it.

    Each coroutine runs in a task that an actor owns, so it may take its time. What it raises is
    logged with the bot's name and ends nothing but the call that it was raised for.
    """

    name: str

    async def started(self) -> None:
        """The account is online for the first time."""

    def replaced(self) -> None:
        """Another bot takes what comes from now on; this one may see its calls to their end."""

    async def stopping(self) -> None:
        """The account is about to log out, or another bot has taken over and no call is left."""

    async def called(self, call: "CallRef", status: CallStatus) -> None:
        """A call came in, and rings."""

    async def text(self, sender: str, body: str) -> None:
        """A message with a body came in from this full JID."""

    async def presence(self, contact: Contact) -> None:
        """A contact's presence or subscription changed."""

    async def media(self, call: "CallRef", kinds: tuple[str, ...]) -> None:
        """A call has these kinds of media from now on, or the peer sends others of them."""

    async def data(self, call: "CallRef", data: str | bytes) -> None:
        """Text or octets came in on a call's data channel."""

    async def digit(self, call: "CallRef", digit: str) -> None:
        """The peer pressed a key in a call."""

    async def recording_failed(self, call: "CallRef", why: str) -> None:
        """Something is not in a call's recording, or nothing more will be; the call goes on."""

    async def taken_over(self, call: "CallRef", person: str) -> None:
        """Somebody at a page talks in the place of the bot, and may show something."""

    async def given_back(self, call: "CallRef", person: str) -> None:
        """Who talked in the place of the bot has left: the peer hears and sees the bot again."""

    async def invited(self, invitation: Invitation) -> None:
        """Somebody invites to a call that exists (XEP-0482)."""

    def path_of(self, sid: str) -> ReceivePath | None:
        """The receive path that the call with this session id needs; None: the settings' own."""

    def answer_to(self, sid: str) -> "Answer":
        """How the call with this session id is answered when `calls.answer` is ``auto``."""


#: Makes an account's bot: given the account's reference and its settings.
BotFactory = Callable[[AccountRef, AccountSettings], BotPort]
