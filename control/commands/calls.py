"""``calls`` and ``hangup``: the calls that go on."""

import asyncio
from contextlib import suppress

from ...actors.messages.call import Hangup
from ...actors.messages.exchange import CallStatus
from ...config.jid import bare
from ..instance.events import live_call
from ..instance.instance import Instance
from ..models.calls import CallsCommand, CallsResult, EndedCall, HangupCommand, HangupResult
from ..problem import Advice, ControlError, ProblemKind
from .finding import call_of, known_account, known_calls
from .handler import Handler, Tell
from .refusals import refusing


async def _calls(command: CallsCommand, instance: Instance, tell: Tell) -> CallsResult:
    own = None if command.account is None else known_account(instance, command.account)
    peer = None if command.peer is None else bare(command.peer)
    found = [
        one
        for one in instance.overview.statuses()
        if own in (None, one.account) and peer in (None, bare(one.peer))
    ]
    listed = tuple(live_call(one) for one in found[: command.limit])
    return CallsResult(total=len(found), calls=listed)


async def _hangup(command: HangupCommand, instance: Instance, tell: Tell) -> HangupResult:
    if command.call is not None and command.all:
        advice = Advice("give one of them", "give the field call or the field all")
        raise ControlError(
            ProblemKind.WRONG_ARGUMENT, "a call's id and all calls are too much", advice
        )
    if command.call is None and not command.all:
        given = "" if command.account is None else ", which with {} are that account's"
        advice = Advice(
            f"give its id, or --all for all calls{given.format('--account')}",
            "give its id in the field call, or true in the field all for all calls"
            f"{given.format('account')}",
        )
        raise ControlError(ProblemKind.WRONG_ARGUMENT, "which call is to end is not said", advice)
    with refusing():
        if command.call is not None:
            found = known_calls(instance, command.call, command.account)
            ended = [one for one in found[:1] if await _hang_up(instance, one)]
        else:
            own = None if command.account is None else known_account(instance, command.account)
            every = [one for one in instance.overview.statuses() if own in (None, one.account)]
            told = await asyncio.gather(*(_hang_up_if_there(instance, one) for one in every))
            ended = [one for one, was_there in zip(every, told, strict=True) if was_there]
    return HangupResult(
        calls=tuple(EndedCall(id=one.id, account=one.account, peer=one.peer) for one in ended)
    )


async def _hang_up(instance: Instance, status: CallStatus) -> bool:
    return (await call_of(instance, status)).post(Hangup())


async def _hang_up_if_there(instance: Instance, status: CallStatus) -> bool:
    with suppress(ControlError):
        return await _hang_up(instance, status)
    return False


CALLS = Handler(CallsCommand, _calls)
HANGUP = Handler(HangupCommand, _hangup)
