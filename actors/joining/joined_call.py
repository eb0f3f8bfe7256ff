"""What rooms and bridges have in common: a call that is in one."""

from contextlib import suppress
from typing import Any

from pykka import ActorDeadError

from ...media import MediaClosedError
from ..messages.call import CallOver, CallRef, Wait
from ..runtime.future import AsyncioFuture

#: Seconds in which a call's actor answers; it never waits for anything itself.
HANDLED = 10.0

#: What is raised if a call is over, or about to be.
GONE = (ActorDeadError, CallOver, MediaClosedError)


async def until_over(call: CallRef) -> None:
    """Wait until a call is over; its ``last_words`` say why.

    Args:
        call: its actor.
    """
    with suppress(ActorDeadError):
        await (await call.request(Wait("over"), timeout=HANDLED))


def settle_failed(future: AsyncioFuture[Any], error: Exception, call: CallRef) -> None:
    """Tell who waits for a call to be let in why it is not.

    Args:
        future: what they wait for.
        error: why; a call that has gone becomes a `CallOver`.
        call: its actor.
    """
    if isinstance(error, GONE):
        error = CallOver(call.last_words)
    future.fail(error)
