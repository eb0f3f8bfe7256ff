"""What an account and everything below it work with, handed down from the exchange."""

from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext
from xml.etree.ElementTree import Element

from msgspec import Struct

from ..config import AccountSettings
from ..jingle.model.replace import replace
from ..ladder.ladder import Ladder
from ..media import Network, ReceivePath, Writer
from .messages.bot import BotFactory
from .messages.call_log import CallLogRef
from .messages.exchange import ExchangeRef

#: Sends a stanza when the actors that would pass it on have ended; there is no answer.
LastWord = Callable[[Element], None]


#: Takes the ladder of a call that has ended; called on the loop, so it must not block.
KeepLadder = Callable[[Ladder], object]


class Endpoint(Struct, frozen=True):
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


class Context(Struct, frozen=True):
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
        keep_ladder: told the ladder of each call at its end; None: no ladders are collected.
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
    keep_ladder: KeepLadder | None = None

    def with_settings(self, settings: AccountSettings) -> "Context":
        """Return the same with other settings of the account."""
        return replace(self, settings=settings)
