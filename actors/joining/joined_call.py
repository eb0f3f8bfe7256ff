"""What rooms and bridges have in common: a call that is in one."""

from contextlib import suppress
from typing import Any

from pykka import ActorDeadError

from ...media import MediaClosedError
from ..messages.call import CallOver, CallRef, Wait
from ..runtime.future import AsyncioFuture

#: Seconds in which a call's actor answers; it never waits for anything itself.
HANDLED = 10.0


async def until_over(call: CallRef) -> str:
    """Wait until a call is over; return a sentence about why.

    Args:
        call: its actor.
    """
    with suppress(ActorDeadError):
        over = await call.request(Wait("over"), timeout=HANDLED)
        why: str = await over
        return why
    return "it has ended"


def settle_failed(future: AsyncioFuture[Any], error: Exception) -> None:
    """Tell who waits for a call to be let in why it is not.

    Args:
        future: what they wait for.
        error: why; a call that has gone becomes a `CallOver`.
    """
    if isinstance(error, ActorDeadError | MediaClosedError):
        error = CallOver("the call is over")
    future.fail(error)
