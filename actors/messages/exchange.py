"""What the exchange is told."""

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from ...config import AccountSettings
from ..records.call_record import Listener
from ..runtime.ask import Ask
from ..runtime.future import AsyncioFuture
from ..runtime.message import message
from ..runtime.messages import SupervisorMessage
from ..runtime.ref import AsyncioActorRef

if TYPE_CHECKING:
    from ...media import MediaStatistics
    from .account import AccountRef  # noqa: F401 - in quotes below
    from .bot import BotFactory

# -- by commands -----------------------------------------------------------------------------------


@message
class Shutdown:
    """Drain every account; the exchange ends when all have logged out.

    Attributes:
        seconds: that running calls may go on for.
    """

    seconds: float


@message
class WhenSettled(Ask["ExchangeMessage", AsyncioFuture[int]]):
    """Answered with a future of how many accounts are online, once no first login is open.

    The answer is 0 only when every account has given up.
    """


@message
class FindAccount(Ask["ExchangeMessage", "AccountRef | None"]):
    """Answered with the reference of the account of this bare JID, or None."""

    jid: str


@message
class AddAccount(Ask["ExchangeMessage", "AccountRef"]):
    """Start one more account; answered with its reference.

    An asker gets ``ValueError`` if there is one of this JID, or the exchange drains.

    Attributes:
        settings: what it is declared with.
        bot: makes its bot; None: what makes those of the exchange.
    """

    settings: AccountSettings
    bot: "BotFactory | None" = None


@message
class RemoveAccount(Ask["ExchangeMessage", AsyncioFuture[BaseException | None]]):
    """Let an account's calls end, log it out, and forget it.

    Answered with a future that is done when that is so. An asker gets ``ValueError`` if there is no
    such account.

    Attributes:
        jid: the account.
        seconds: that running calls may go on for.
        may_return: it has only logged out: nobody is told that it was removed.
    """

    jid: str
    seconds: float
    may_return: bool = False


@message
class ChangeAccount(Ask["ExchangeMessage", AsyncioFuture["AccountRef | None"]]):
    """Give an account other settings, with as little as needs be.

    It stays logged in, unless its resource changes or it has given up: then it starts anew once its
    calls have ended and it has logged out. So does one that is about to leave. One that may return
    stays logged out, and has the new bot when it does.

    Answered with a future of its reference then (None: it is logged out), which raises
    ``ValueError`` if the account is removed meanwhile, or the exchange ends. An asker gets
    ``ValueError`` if there is no account of this JID, or the exchange drains, and what making the
    bot raised. With the settings that it has, nothing happens to it.

    Attributes:
        settings: the new ones.
        seconds: that running calls may go on for, where they can't go on with the new settings.
        bot: makes a new bot; None: the one that it has stays, unless its name or options change.
        returns: log it in again if it may return.
    """

    settings: AccountSettings
    seconds: float
    bot: "BotFactory | None" = None
    returns: bool = False


# -- by accounts and calls -------------------------------------------------------------------------

AccountState = Literal["connecting", "online", "leaving", "waiting", "failed", "closed", "ended"]


@message
class AccountChanged:
    """An account's stream changed.

    Attributes:
        jid: the account.
        state: ``waiting`` is between two tries, ``failed`` has given up; ``leaving`` is about to
            log out, when its calls have ended; the end is ``closed`` after a logout, ``ended`` for
            an account that was not online.
        detail: a sentence, or "".
    """

    jid: str
    state: AccountState
    detail: str = ""


@message
class AccountRemoved:
    """An account that was to be removed has ended, and is known no more.

    Attributes:
        jid: the account.
    """

    jid: str


@message
class AccountReady:
    """A login is complete: the roster is here, and the server has announced the presence.

    Attributes:
        jid: the account.
        steps: tcp, tls, sasl, bind, roster, presence → seconds since the login began.
    """

    jid: str
    steps: Mapping[str, float]


@message
class PresenceReturned:
    """The server has announced a presence of ours, and tells us so too (RFC 6121 §4.4.2).

    Attributes:
        jid: the account.
        status: the words in it.
        show: chat, away, dnd or xa; "" if it is simply available.
    """

    jid: str
    status: str
    show: str = ""


@message
class ReceiptReceived:
    """A message of ours was received (XEP-0184).

    Attributes:
        account: who sent the message.
        sender: who received it.
        id: the message's.
    """

    account: str
    sender: str
    id: str


@message
class ChatMessage:
    """A message with a body came in, or was sent (RFC 6121 §5).

    Attributes:
        account: our bare JID.
        peer: who wrote it, or to whom it was sent.
        direction: in or out.
        author: who wrote it: the peer, our bot, or a person who used the account.
        id: the stanza's, or "".
        body: what it says; not shown, as it is nobody else's business.
    """

    account: str
    peer: str
    direction: Literal["in", "out"]
    author: Literal["peer", "bot", "person"]
    id: str
    body: str = field(repr=False)


@message
class ChatMessageBounced:
    """A message of ours came back as an error (RFC 6120 §8.3).

    Attributes:
        account: our bare JID.
        peer: to whom it was sent.
        id: the stanza's.
    """

    account: str
    peer: str
    id: str


@message
class CallStatus:
    """How a call stands.

    Attributes:
        id: the session id.
        account: our bare JID.
        peer: the peer's JID.
        direction: in or out.
        phase: what the call is doing.
        media: the kinds that the call has.
        seconds: how long media has flowed.
        steps: step → seconds since the call began, for each step that was taken.
        statistics: by kind and direction, while media flows.
        held: the peer has put us on hold.
        muted: the kinds that the peer has muted.
        holds: we have put the peer on hold.
        mutes: the kinds that we have muted.
        recording: the call is recorded now.
        guests: those who listen or talk at a page now.
    """

    id: str
    account: str
    peer: str
    direction: Literal["in", "out"]
    phase: Literal["proposed", "ringing", "connecting", "connected", "ended"]
    media: tuple[str, ...]
    seconds: float = 0.0
    steps: Mapping[str, float] = field(default_factory=dict)
    statistics: "tuple[MediaStatistics, ...]" = ()
    held: bool = False
    muted: tuple[str, ...] = ()
    holds: bool = False
    mutes: tuple[str, ...] = ()
    recording: bool = False
    guests: tuple[Listener, ...] = ()


@message
class DigitPressed:
    """A peer has pressed a key in a call.

    Attributes:
        id: the call's session id.
        account: our bare JID.
        peer: the peer's.
        digit: which key; None, unless the account's ``calls.keep_digits`` is on.
    """

    id: str
    account: str
    peer: str
    digit: str | None


@message
class BotFailed:
    """A bot's code raised."""

    account: str
    bot: str
    error: str


Report = (
    AccountChanged
    | AccountRemoved
    | AccountReady
    | PresenceReturned
    | ReceiptReceived
    | ChatMessage
    | ChatMessageBounced
    | CallStatus
    | DigitPressed
    | BotFailed
)
ExchangeMessage = (
    SupervisorMessage
    | Shutdown
    | WhenSettled
    | FindAccount
    | AddAccount
    | RemoveAccount
    | ChangeAccount
    | Report
)
ExchangeRef = AsyncioActorRef[ExchangeMessage]
