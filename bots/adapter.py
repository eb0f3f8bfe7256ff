"""Plugs a `Bot` into the actors, which know it only as a `BotPort`."""

from pathlib import Path
from typing import TYPE_CHECKING

from .. import media
from ..actors import messages
from ..actors.bot.containment import Author, running
from ..actors.messages.account import AccountRef, Invitation
from ..actors.messages.bot import BotFactory, BotPort
from ..actors.messages.exchange import CallStatus
from ..actors.xmpp.contact import Contact
from ..config import AccountSettings
from ..media import ReceivePath
from .address import Address
from .bot import Bot
from .call import Call
from .invite import Invite
from .message import Message, handling
from .presence import Presence

if TYPE_CHECKING:
    from ..actors.messages.call import Answer, CallRef


class BotAdapter(BotPort):
    """One account's bot, as the actors see it.

    Args:
        bot: the bot.
        account: its account's actor.
        folder: the YAML file's folder.
    """

    def __init__(self, bot: Bot, account: AccountRef, folder: Path) -> None:
        self._bot = bot
        self._account = account
        self._folder = folder
        self.name = type(bot).__name__
        self._path = None if bot.path is None else ReceivePath(bot.path)

    async def started(self) -> None:
        """Tell the bot that it is online."""
        await self._bot.on_start()

    def replaced(self) -> None:
        """Let the bot order no more calls."""
        self._bot.is_replaced = True

    async def stopping(self) -> None:
        """Tell the bot that it is about to log out."""
        await self._bot.on_stop()

    async def called(self, call: "CallRef", status: CallStatus) -> None:
        """Give the bot a call."""
        await self._bot.on_call(await self._handle(call, status))

    async def text(self, sender: str, body: str) -> None:
        """Give the bot a message."""
        message = Message(Address(sender), body, self._account)
        with handling(message):
            await self._bot.on_message(message)

    async def presence(self, contact: Contact) -> None:
        """Give the bot a contact's presence."""
        await self._bot.on_presence(Presence(contact))

    async def media(self, call: "CallRef", kinds: tuple[str, ...]) -> None:
        """Tell the bot that a call's media changed."""
        await self._bot.on_media(await self._handle(call))

    async def data(self, call: "CallRef", data: str | bytes) -> None:
        """Give the bot what came in on a data channel."""
        await self._bot.on_data(await self._handle(call), data)

    async def digit(self, call: "CallRef", digit: str) -> None:
        """Tell the bot of a key that was pressed."""
        await self._bot.on_digit(await Call.of(call, self._folder), digit)

    async def recording_failed(self, call: "CallRef", why: str) -> None:
        """Tell the bot that a recording is not whole."""
        await self._bot.on_recording_failed(await self._handle(call), why)

    async def taken_over(self, call: "CallRef", person: str) -> None:
        """Tell the bot that somebody talks in its place."""
        await self._bot.on_takeover(await self._handle(call), person)

    async def given_back(self, call: "CallRef", person: str) -> None:
        """Tell the bot that it is heard again."""
        await self._bot.on_giveback(await self._handle(call), person)

    async def invited(self, invitation: Invitation) -> None:
        """Give the bot an invite."""
        await self._bot.on_invite(
            Invite(invitation, self._account, self._folder, self._bot.synthesizer)
        )

    async def _handle(self, call: "CallRef", status: CallStatus | None = None) -> Call:
        return await Call.of(call, self._folder, status, self._bot.synthesizer)

    def path_of(self, sid: str) -> ReceivePath | None:
        """Say how a call receives media: as the bot's class says."""
        return self._path

    def answer_to(self, sid: str) -> "Answer":
        """Say how a call is answered when `calls.answer` is ``auto``."""
        return messages.call.Answer(media.Silence(), None)


def bot_factory(classes: dict[str, type[Bot]], folder: Path) -> BotFactory:
    """Return what makes an account's bot.

    Args:
        classes: the class for each name that accounts have for their bots.
        folder: the YAML file's folder.
    """

    def make(ref: AccountRef, settings: AccountSettings) -> BotPort:
        wanted = classes[settings.bot]
        with running(Author(wanted.__name__, settings.bare_jid)):
            return BotAdapter(wanted(ref, settings.bare_jid, settings.options, folder), ref, folder)

    return make
