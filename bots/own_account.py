"""What a bot has its account do, which may have logged out by then."""

from typing import TypeVar

from pykka import ActorDeadError

from ..actors.messages.account import AccountMessage, AccountRef, Offline
from ..actors.runtime.ask import Ask
from .call import HANDLED

R = TypeVar("R")


async def ask(account: AccountRef, message: "Ask[AccountMessage, R]") -> R:
    """Ask an account for something.

    Args:
        account: its actor.
        message: what is asked for.

    Returns:
        The answer.

    Raises:
        Offline: the account has logged out for good.
        Exception: what the account answers with.
    """
    try:
        return await account.request(message, timeout=HANDLED)
    except ActorDeadError:
        raise Offline("the account has logged out") from None
