"""What a conversation is told."""

from xml.etree.ElementTree import Element

from ...config import AccountSettings
from ...jingle import CallMessage
from ...media import Network
from ..runtime.future import AsyncioFuture
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef
from ..xmpp.contact import Resource
from ..xmpp.events import IqAnswered
from .account import PlaceCall, ReplyIq
from .bot import BotPort
from .call import CallRef

# -- by its account --------------------------------------------------------------------------------


@message
class CallMessageReceived:
    """An XEP-0353 message of the peer's, or of another resource of ours.

    Attributes:
        sender: full JID of who sent it.
        message: what it says.
        own: it was sent by another resource of our account (a carbon, or to our bare JID).
        calls: how many calls the account has with this one, if it is a proposal.
        draining: the account takes no new calls.
        stanza: the message itself.
    """

    sender: str
    message: CallMessage
    own: bool = False
    calls: int = 0
    draining: bool = False
    stanza: Element | None = None


@message
class SessionInitiated:
    """A ``session-initiate`` that no call waits for (XEP-0166 §6.1).

    Attributes:
        sender: full JID of the initiator.
        iq: the id to answer.
        jingle: the ``<jingle/>``.
        calls: how many calls the account has with this one.
        draining: the account takes no new calls.
    """

    sender: str
    iq: str
    jingle: Element
    calls: int
    draining: bool


@message
class PresenceReceived:
    """A resource of the peer's changed; None: it went away."""

    jid: str
    resource: Resource | None


@message
class IdleCheck:
    """The account asks whether anybody still needs this conversation.

    Attributes:
        told: how often it was told something before, which the answer repeats.
    """

    told: int


@message
class NetworkFound:
    """Calls use this network from now on: the server has told of its STUN and TURN."""

    network: Network


@message
class SettingsChanged:
    """Calls begin with other settings from now on, and with this bot."""

    settings: AccountSettings
    bot: BotPort


@message
class CallPeer:
    """Call the peer.

    Attributes:
        order: what the account was asked.
        own: our full JID now.
        placed: is set to the call's reference.
    """

    order: PlaceCall
    own: str
    placed: AsyncioFuture[CallRef]


# -- by its calls ----------------------------------------------------------------------------------


@message
class SendCallMessage:
    """Send an XEP-0353 message to the peer.

    Attributes:
        to: a full JID, or a bare one.
        message: what it says.
        said: is set once the stream has it, or nobody is there to send it.
    """

    to: str
    message: CallMessage
    said: AsyncioFuture[None] | None = None


@message
class SendJingle:
    """Send a ``<jingle/>`` to the peer's full JID; the call is told how it was answered.

    Attributes:
        sid: the session.
        to: the peer's full JID.
        jingle: the element.
        token: what the call recognises the answer by.
        said: is set once the stream has it, or nobody is there to send it.
    """

    sid: str
    to: str
    jingle: Element
    token: str
    said: AsyncioFuture[None] | None = None


@message
class CallAccepted:
    """The peer accepted the session of this sid."""

    sid: str


@message
class CallEnded:
    """The call of this sid is over."""

    sid: str


# -- to itself -------------------------------------------------------------------------------------


@message
class CapabilitiesOverdue:
    """An outgoing call has waited long enough for what the peer's resources can do."""


ConversationMessage = (
    IqAnswered
    | CallMessageReceived
    | SessionInitiated
    | PresenceReceived
    | IdleCheck
    | NetworkFound
    | SettingsChanged
    | CallPeer
    | SendCallMessage
    | SendJingle
    | ReplyIq
    | CallAccepted
    | CallEnded
    | CapabilitiesOverdue
)
ConversationRef = AsyncioActorRef[ConversationMessage]
