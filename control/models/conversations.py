"""Conversations of accounts, and the messages in them."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import Command, Result
from .calls import Name
from .text import Text

#: Characters of a message that is sent.
LONGEST_BODY = 10_000


class ChatText(Result):
    """A message of a conversation.

    Attributes:
        time: when it came in or was sent (ISO 8601, UTC).
        direction: in or out.
        author: the peer, our bot, or a person at the board or a command.
        body: what it says; of a long one, the beginning.
        id: the stanza's.
        delivery: of what we have sent: ``received`` once the peer's device has said so (XEP-0184),
            ``failed`` if it came back.
    """

    time: str
    direction: Literal["in", "out"]
    author: Literal["peer", "bot", "person"]
    body: Text
    id: Text
    delivery: Literal["sent", "received", "failed"] | None


class ConversationSummary(Result):
    """A conversation of an account with a peer.

    Attributes:
        peer: the peer's bare JID.
        name: as the account's roster has it, or "".
        presence: ``available``, ``chat``, ``away``, ``xa`` or ``dnd``; "" if no presence of it is
            known.
        status: its own words.
        messages: how many are kept.
        calls: how many calls go on.
        last: when something last happened in it (ISO 8601, UTC); None: nothing has.
    """

    peer: str
    name: Text = ""
    presence: str = ""
    status: Text = ""
    messages: int = 0
    calls: int = 0
    last: str | None = None


class ConversationsResult(Result):
    """The conversations of an account.

    Attributes:
        total: how many there are.
        conversations: those in which something has happened last at first, then the other contacts.
    """

    total: int
    conversations: tuple[ConversationSummary, ...]


class ConversationsCommand(Command[ConversationsResult]):
    """Ask for the conversations of an account: its messages', its calls', and its contacts.

    Attributes:
        account: the account.
        limit: how many are listed at the most.
    """

    name: ClassVar[str] = "conversations"
    result = ConversationsResult

    account: Name
    limit: Annotated[int, Field(ge=0, le=1_000)] = 200


class MessagesResult(Result):
    """Messages of a conversation, in the order in which they came."""

    messages: tuple[ChatText, ...]


class MessagesCommand(Command[MessagesResult]):
    """Ask for the messages of a conversation, as far as they are kept in memory.

    Attributes:
        account: the account.
        peer: the peer; its resource does not matter.
    """

    name: ClassVar[str] = "messages"
    result = MessagesResult

    account: Name
    peer: Name


class MessageResult(Result):
    """A message was sent."""

    account: str
    peer: str


class MessageCommand(Command[MessageResult]):
    """Let an account send a message.

    Attributes:
        account: who sends it.
        peer: to whom: a JID.
        body: what it says.
    """

    name: ClassVar[str] = "message"
    result = MessageResult

    account: Name
    peer: Name
    body: Annotated[str, Field(min_length=1, max_length=LONGEST_BODY)] = Field(
        repr=False, title="the message"
    )
