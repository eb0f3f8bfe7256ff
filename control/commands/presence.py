"""``presence``: what an account shows of itself."""

from ...actors.messages.account import SetPresence
from ...bots import argument_checks
from ..instance.instance import Instance
from ..models.presence import PresenceCommand, PresenceResult
from ..problem import ControlError, ProblemKind
from .finding import HANDLED, find_account, known_account
from .handler import Handler, Tell
from .refusals import refusing

#: What an account may show; the first is what RFC 6121 has no word for.
SHOWS = ("available", "chat", "away", "dnd", "xa")


async def _presence(command: PresenceCommand, instance: Instance, tell: Tell) -> PresenceResult:
    if command.show not in (None, *SHOWS):
        raise ControlError(
            ProblemKind.WRONG_ARGUMENT,
            f"show is {command.show!r:.60}: give {', '.join(SHOWS[:-1])} or {SHOWS[-1]}",
        )
    with refusing():
        show = "" if command.show == "available" else command.show
        message = SetPresence(
            None if show is None else argument_checks.show("show", show),
            None if command.status is None else argument_checks.status("status", command.status),
            None
            if command.priority is None
            else argument_checks.priority("priority", command.priority),
        )
        if message == SetPresence():
            raise ValueError("nothing is to change: give show, status or priority")
        account = await find_account(instance, command.account)
        await account.request(message, timeout=HANDLED)
    return PresenceResult(account=known_account(instance, command.account))


PRESENCE = Handler(PresenceCommand, _presence)
