"""What an account is told."""

from typing import TYPE_CHECKING, Literal
from xml.etree.ElementTree import Element

from ...config import AccountSettings
from ...media import Source
from ..runtime.ask import Ask
from ..runtime.future import AsyncioFuture
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef
from ..xmpp.contact import Contact
from ..xmpp.events import IqAnswered, StreamEvent

if TYPE_CHECKING:
    from .bot import BotPort
    from .call import CallRef
    from .conversation import ConversationRef

# -- by conversations, calls, bots and the exchange ------------------------------------------------


@message
class Send:
    """Send a message or presence stanza as it is (RFC 6121).

    Attributes:
        stanza: it.
        said: is set once the stream has it.
    """

    stanza: Element
    said: AsyncioFuture[None] | None = None


@message
class SendIq:
    """Send an IQ of type ``set`` or ``get`` (RFC 6120 §8.2.3); its answer comes as `IqAnswered`.

    Attributes:
        to: the full JID that is asked.
        payload: the one child of the IQ.
        kind: ``set`` or ``get``.
        sender: the actor that `IqAnswered` is told, or None.
        token: what the sender recognises the answer by.
        said: is set once the stream has it.
    """

    to: str
    payload: Element
    kind: str
    sender: "AsyncioActorRef[IqAnswered] | None"
    token: str
    said: AsyncioFuture[None] | None = None


@message
class ReplyIq:
    """Answer an IQ of the peer's: with a result, or with the ``<error/>`` given.

    Attributes:
        at_leisure: nobody waits for it, so it may wait for what is sent next.
    """

    to: str
    id: str
    error: Element | None = None
    at_leisure: bool = False


@message
class SendText:
    """Send a chat message with a body to a JID.

    Attributes:
        author: who has written it: the account's bot, or a person who uses the account. A person
            wants to see that it was received (XEP-0184).
        answers: the number of the message of that peer's that a bot answers with it; None: it is
            no answer.
    """

    to: str
    body: str
    author: Literal["bot", "person"] = "bot"
    answers: int | None = None


@message
class SetPresence(Ask["AccountMessage", None]):
    """Change what contacts see (RFC 6121 §4.7); None leaves a part as it is."""

    show: str | None = None
    status: str | None = None
    priority: int | None = None


class Offline(Exception):  # noqa: N818 - a state, as the message says
    """The account can't do that: it is not online, or it is about to log out."""


@message
class GetRoster(Ask["AccountMessage", tuple[Contact, ...]]):
    """Ask for the roster: answered with a tuple of `Contact`."""


@message
class PlaceCall(Ask["AccountMessage", AsyncioFuture["CallRef"]]):
    """Call a peer: answered with a future of the call's reference.

    Attributes:
        to: a bare JID (XEP-0353: all its devices ring) or a full one.
        audio, video: what is sent; None leaves that kind out of the call.
        message: whether XEP-0353 is used: None asks the peer's capabilities.
        record: whether both directions are recorded.
        data: whether there is a data channel beside the media (XEP-0343).
        sid: the session id, if the call answers an invite (XEP-0482); None makes one up.
        prefer: codecs that are offered before the others, by their RTP encoding names.
    """

    to: str
    audio: Source | None
    video: Source | None
    message: bool | None = None
    record: bool = False
    data: bool = False
    sid: str | None = None
    prefer: tuple[str, ...] = ()


@message
class FindCall(Ask["AccountMessage", "CallRef | None"]):
    """Answered with the call of (peer's bare JID, sid) that goes on, or None."""

    peer: str
    sid: str


@message
class Invitation:
    """An invite to a Jingle call (XEP-0482 §3.1), as it came in.

    Attributes:
        sender: full JID of who invites.
        id: the message's id, which answers name.
        sid: the session to join.
        jid: whom to call for it.
        audio, video: the kinds of media that it has.
    """

    sender: str
    id: str
    sid: str
    jid: str
    audio: bool
    video: bool


@message
class SendInvite:
    """Invite somebody to call us in a session of this id (XEP-0482 §3.1)."""

    to: str
    sid: str
    video: bool


@message
class AnswerInvite:
    """Say that an invitation is accepted, or is not (XEP-0482 §3.2, §3.3)."""

    invitation: Invitation
    accept: bool


@message
class RouteCall:
    """Route the Jingle stanzas and call messages of (peer's bare JID, sid) to this call."""

    peer: str
    sid: str
    call: "CallRef"


@message
class ForgetCall:
    """The call of (peer's bare JID, sid) is over, or was refused before it began."""

    peer: str
    sid: str


@message
class DrainAccount:
    """Take no new call, let those that run go on for `seconds`, then end them and log out."""

    seconds: float


@message
class ChangeSettings:
    """Go on with other settings, without a new login.

    Calls that run keep the policy that they began with. A new password is for the next login. A bot
    that is replaced takes nothing new, and sees its calls to their end.

    Attributes:
        settings: the new ones; their JID is the same, its resource too.
        bot: takes what comes from now on; None leaves that to the one that there is.
        seconds: that the calls of the bot that is replaced may go on for.
    """

    settings: AccountSettings
    bot: "BotPort | None"
    seconds: float


@message
class ConversationIdle:
    """The conversation with this bare JID has nothing to do.

    Attributes:
        peer: the bare JID.
        told: that of `IdleCheck`.
    """

    peer: str
    told: int


@message
class ConversationEnded:
    """A conversation is no more, for whatever reason."""

    conversation: "ConversationRef"


# -- by its stream and its own tasks ---------------------------------------------------------------


@message
class LookAround:
    """It is time to see which conversations nobody needs any more."""


@message
class Connect:
    """It is time to try again."""


@message
class KeepAlive:
    """It is time for a ping (XEP-0199).

    Attributes:
        attempt: the login that the stream came from; a later one has its own pings.
    """

    attempt: int


@message
class LookForServices:
    """It is time to ask the server for its STUN and TURN (XEP-0215).

    Attributes:
        attempt: the login that the stream came from.
    """

    attempt: int


@message
class ReadyOverdue:
    """The server has had time enough to return our presence."""


@message
class CallsKnown:
    """What is said of calls has been imported, which the bot had to wait for."""


@message
class LoginOverdue:
    """The server did not finish a login in time."""

    attempt: int


@message
class DrainOverdue:
    """The deadline that running calls were given is over."""


@message
class OrderSettled:
    """A call that a replaced bot had ordered has begun, or never will."""


@message
class ReplacedOverdue:
    """The calls of a replaced bot have had their time."""

    bot: "BotPort"


@message
class BotLeft:
    """A replaced bot has stopped."""

    bot: "BotPort"


AccountMessage = (
    Send
    | SendIq
    | ReplyIq
    | SendText
    | SetPresence
    | GetRoster
    | PlaceCall
    | FindCall
    | SendInvite
    | AnswerInvite
    | RouteCall
    | ForgetCall
    | DrainAccount
    | ChangeSettings
    | ConversationIdle
    | ConversationEnded
    | StreamEvent
    | LookAround
    | Connect
    | KeepAlive
    | LookForServices
    | ReadyOverdue
    | CallsKnown
    | LoginOverdue
    | DrainOverdue
    | OrderSettled
    | ReplacedOverdue
    | BotLeft
)
AccountRef = AsyncioActorRef[AccountMessage]
