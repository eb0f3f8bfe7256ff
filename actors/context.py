"""What an account and everything below it work with, handed down from the exchange."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Protocol
from xml.etree.ElementTree import Element

from ..config import AccountSettings
from ..media import Network, ReceivePath, Writer
from .messages.account import AccountRef, Invitation
from .messages.call import Answer, CallRef
from .messages.call_log import CallLogRef
from .messages.exchange import CallStatus, ExchangeRef
from .xmpp.contact import Contact

#: Sends a stanza when the actors that would pass it on have ended; there is no answer.
LastWord = Callable[[Element], None]


class BotPort(Protocol):
    """A bot, as the actors see it; ``bots/`` implements it.

    Each coroutine runs in a task that an actor owns, so it may take its time. What it raises is
    logged with the bot's name and ends nothing but the call that it was raised for.
    """

    name: str

    async def started(self) -> None:
        """The account is online for the first time."""

    async def stopping(self) -> None:
        """The account is about to log out."""

    async def called(self, call: CallRef, status: CallStatus) -> None:
        """A call came in, and rings."""

    async def text(self, sender: str, body: str) -> None:
        """A message with a body came in from this full JID."""

    async def presence(self, contact: Contact) -> None:
        """A contact's presence or subscription changed."""

    async def media(self, call: CallRef, kinds: tuple[str, ...]) -> None:
        """A call has these kinds of media from now on, or the peer sends others of them."""

    async def data(self, call: CallRef, data: str | bytes) -> None:
        """Text or octets came in on a call's data channel."""

    async def digit(self, call: CallRef, digit: str) -> None:
        """The peer pressed a key in a call."""

    async def recording_failed(self, call: CallRef, why: str) -> None:
        """Something is not in a call's recording, or nothing more will be; the call goes on."""

    async def invited(self, invitation: Invitation) -> None:
        """Somebody invites to a call that exists (XEP-0482)."""

    def path_of(self, sid: str) -> ReceivePath | None:
        """The receive path that the call with this session id needs; None: the settings' own."""

    def answer_to(self, sid: str) -> Answer:
        """How the call with this session id is answered when `calls.answer` is ``auto``."""


#: Makes an account's bot: given the account's reference and its settings.
BotFactory = Callable[[AccountRef, AccountSettings], BotPort]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an account connects to.

    Attributes:
        host, port: the server's address; None: the SRV records of the JID's domain.
        direct_tls: TLS from the first byte.
        trust: the TLS context, shared by all accounts.
    """

    host: str | None
    port: int | None
    direct_tls: bool
    trust: SSLContext


@dataclass(frozen=True, slots=True)
class Context:
    """What an account and everything below it work with.

    Attributes:
        settings: the account's part of the YAML file.
        endpoint: where it connects to.
        network: the addresses, ports and servers that media may use.
        use_services: whether the server's own STUN and TURN are used too.
        path: how media is received where the bot does not say.
        largest_picture: pixels of a picture that is decoded.
        recordings: the folder for recordings.
        writer: the thread that writes them.
        exchange: told the reports of accounts and calls.
        log: told each detail record.
        bot: makes the account's bot.
    """

    settings: AccountSettings
    endpoint: Endpoint
    network: Network
    use_services: bool
    path: ReceivePath
    largest_picture: int
    recordings: Path
    writer: Writer
    exchange: ExchangeRef
    log: CallLogRef
    bot: BotFactory
