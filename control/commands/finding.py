"""Accounts and calls, by what a client calls them."""

from ...actors.messages.account import AccountRef, FindCall
from ...actors.messages.call import CallRef
from ...actors.messages.exchange import CallStatus, FindAccount
from ...config import Embedded
from ...config.jid import bare, is_jid
from ...config.load import no_account
from ..instance.instance import Instance
from ..instance.overview import OFF
from ..problem import SEE_STATUS, Advice, ControlError, ProblemKind

#: Seconds in which an actor takes a message; it never waits for anything itself.
HANDLED = 10.0
#: Calls that a sentence names.
SHOWN = 4
#: Characters of an id that a sentence shows.
SHORT = 8


def known_account(instance: Instance, account: str) -> str:
    """Return the bare JID of an account.

    Raises:
        ControlError: there is none.
    """
    if not is_jid(account):
        raise ControlError(
            ProblemKind.UNKNOWN_ACCOUNT, f"account: {account[:100]!r} is no JID: give one"
        )
    if not instance.overview.knows(bare(account)):
        detail = no_account("the instance", account, instance.overview.jids())
        raise ControlError(ProblemKind.UNKNOWN_ACCOUNT, detail)
    return bare(account)


async def find_account(instance: Instance, account: str) -> AccountRef:
    """Return an account's actor.

    Raises:
        ControlError: there is none now.
    """
    jid = known_account(instance, account)
    ref = await instance.exchange.request(FindAccount(jid), timeout=HANDLED)
    if ref is None:
        if off := OFF.get(instance.overview.state_of(jid)):
            raise ControlError(ProblemKind.NOT_POSSIBLE, f"{jid} {off}: log it in first")
        raise ControlError(ProblemKind.NOT_POSSIBLE, f"{jid} is not started", SEE_STATUS)
    return ref


def check_peer(field: str, instance: Instance, peer: str) -> None:
    """See that somebody can be there, as far as that is known here.

    Args:
        field: what names the peer.
        instance: what runs.
        peer: the peer's JID.

    Raises:
        ValueError: the embedded server has no such account; says which one may be meant.
    """
    overview = instance.overview
    if isinstance(instance.settings.server, Embedded) and not overview.knows(bare(peer)):
        raise ValueError(f"{field}: {no_account('the embedded server', peer, overview.jids())}")


def known_calls(instance: Instance, call: str, account: str | None) -> list[CallStatus]:
    """Return the calls that an id, or the beginning of one, names: one, or both of its ends.

    Raises:
        ControlError: there is none, or more than one id begins so.
    """
    own = None if account is None else known_account(instance, account)
    going = [one for one in instance.overview.statuses() if own in (None, one.account)]
    found = [one for one in going if one.id == call] or [
        one for one in going if one.id.startswith(call)
    ]
    ids = list(dict.fromkeys(one.id for one in found))
    if not ids:
        where = "goes on" if own is None else f"of {own} goes on"
        raise ControlError(
            ProblemKind.UNKNOWN_CALL,
            f"no call {call[:100]!r} {where}",
            Advice("callboard calls --live lists those that do", "see the list of calls"),
        )
    if len(ids) > 1:
        shown = ", ".join(ids[:SHOWN]) + (", …" if len(ids) > SHOWN else "")
        raise ControlError(
            ProblemKind.AMBIGUOUS_CALL, f"{len(ids)} calls begin with {call!r}: {shown}: give more"
        )
    return found


async def find_call(
    instance: Instance, call: str, account: str | None
) -> tuple[CallStatus, CallRef]:
    """Return one end of a call, and its actor.

    Raises:
        ControlError: there is none, or more than one.
    """
    found = known_calls(instance, call, account)
    if len(found) > 1:
        owners = ", ".join(one.account for one in found)
        raise ControlError(
            ProblemKind.AMBIGUOUS_CALL,
            f"call {found[0].id[:SHORT]} is between accounts of this instance",
            Advice(
                f"say whose end is meant, with --account: {owners}",
                f"say whose end is meant, with the field account: {owners}",
            ),
        )
    return found[0], await call_of(instance, found[0])


async def call_of(instance: Instance, status: CallStatus) -> CallRef:
    """Return the actor of a call that goes on.

    Raises:
        ControlError: it has ended.
    """
    account = await find_account(instance, status.account)
    message = FindCall(bare(status.peer), status.id)
    ref = await account.request(message, timeout=HANDLED)
    if ref is None:
        raise ControlError(
            ProblemKind.NOT_POSSIBLE, f"call {status.id[:SHORT]} has ended meanwhile"
        )
    return ref
