"""``conversations``, ``messages`` and ``message``: what an account and its peers write."""

from contextlib import suppress

from ...actors.messages.account import AccountRef, GetRoster, SendText
from ...actors.xmpp.contact import Contact, Resource
from ...bots import argument_checks
from ...config.jid import bare
from ..instance.clock import iso
from ..instance.instance import Instance
from ..instance.message_log import MOST_CONVERSATIONS
from ..models.conversations import (
    ConversationsCommand,
    ConversationsResult,
    ConversationSummary,
    MessageCommand,
    MessageResult,
    MessagesCommand,
    MessagesResult,
)
from ..problem import ControlError, ProblemKind
from .finding import HANDLED, check_peer, find_account, known_account
from .handler import Handler, Tell
from .history import on_history
from .refusals import refusing


async def _conversations(
    command: ConversationsCommand, instance: Instance, tell: Tell
) -> ConversationsResult:
    account = known_account(instance, command.account)
    await _remember_calls(instance)
    contacts = {one.jid: one for one in await _roster(instance, account)}
    going = [bare(one.peer) for one in instance.overview.statuses() if one.account == account]
    found = [
        ConversationSummary(
            peer=kept.peer,
            messages=len(kept.texts),
            calls=going.count(kept.peer),
            last=iso(kept.at),
            **_shown(contacts.pop(kept.peer, None)),
        )
        for kept in instance.messages.of(account)
    ]
    found += [ConversationSummary(peer=jid, **_shown(one)) for jid, one in contacts.items()]
    return ConversationsResult(total=len(found), conversations=tuple(found[: command.limit]))


async def _remember_calls(instance: Instance) -> None:
    """Have those known with whom there were calls in earlier runs, once in a run.

    Without a log that can be read, conversations are those of this run.
    """
    if not instance.messages.knows_past_calls:
        with suppress(ControlError):
            ended = await on_history(instance, lambda calls: calls.pairs(MOST_CONVERSATIONS))
            instance.messages.take_past_calls(ended)


async def _roster(instance: Instance, account: str) -> tuple[Contact, ...]:
    """Return an account's contacts; none while it is not started."""
    try:
        ref: AccountRef = await find_account(instance, account)
        with refusing():
            return await ref.request(GetRoster(), timeout=HANDLED)
    except ControlError:
        return ()


def _shown(contact: Contact | None) -> dict[str, str]:
    if contact is None:
        return {}
    best: Resource | None = max(
        contact.resources.values(), key=lambda one: one.priority, default=None
    )
    if best is None:
        return {"name": contact.name}
    return {
        "name": contact.name,
        "presence": best.show or "available",
        "status": best.status,
    }


async def _messages(command: MessagesCommand, instance: Instance, tell: Tell) -> MessagesResult:
    account = known_account(instance, command.account)
    with refusing():
        peer = argument_checks.address("peer", command.peer)
        if not instance.messages.has(account, peer):
            check_peer("peer", instance, peer)
    return MessagesResult(messages=instance.messages.texts(account, peer))


async def _message(command: MessageCommand, instance: Instance, tell: Tell) -> MessageResult:
    account = known_account(instance, command.account)
    with refusing():
        peer = argument_checks.another("peer", command.peer, account, "write to")
        check_peer("peer", instance, peer)
        body = argument_checks.body("the message", command.body)
    if instance.overview.state_of(account) != "online":
        raise ControlError(
            ProblemKind.NOT_POSSIBLE, f"{account} is not online, so it can't write to {peer}"
        )
    ref = await find_account(instance, account)
    ref.post(SendText(peer, body, author="person"))
    return MessageResult(account=account, peer=peer)


CONVERSATIONS = Handler(ConversationsCommand, _conversations)
MESSAGES = Handler(MessagesCommand, _messages)
MESSAGE = Handler(MessageCommand, _message)
