"""What a call begins with."""

from xml.etree.ElementTree import Element

from msgspec import Struct

from ...jingle import Initiated, Session
from ...media import Network
from ..context import Context, LastWord
from ..messages.account import PlaceCall
from ..messages.bot import BotPort
from ..messages.conversation import ConversationRef


class CallSetup(Struct, frozen=True, kw_only=True):
    """What a conversation gives a call that it starts.

    Attributes:
        context: what its account works with.
        conversation: sends its stanzas.
        bot: the account's bot.
        session: new if we call or the peer proposed, else with the initiate received.
        peer: the peer's JID; a proposal may go to the bare one.
        media: the kinds that were proposed or offered.
        message: whether XEP-0353 is used.
        network: the addresses, ports and servers that media may use.
        last_word: says goodbye when conversation and account end before it.
        offer: the peer's offer, if it came without a proposal.
        order: what the bot asked for, if we call.
        heard: the stanza that the call begins with, if the peer calls.
    """

    context: Context
    conversation: ConversationRef
    bot: BotPort
    session: Session
    peer: str
    media: tuple[str, ...]
    message: bool
    network: Network
    last_word: LastWord
    offer: Initiated | None = None
    order: PlaceCall | None = None
    heard: Element | None = None
