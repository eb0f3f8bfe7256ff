"""What rooms and bridges have in common: a call that is in one."""

from contextlib import suppress

from pykka import ActorDeadError

from ...media import MediaClosedError
from ..messages.call import CallOver, CallRef, Wait
from ..records.call_record import CallRecord
from ..runtime.future import AsyncioFuture

#: Seconds in which a call's actor answers; it never waits for anything itself.
HANDLED = 10.0


async def until_over(call: CallRef) -> str:
    """Wait until a call has ended; return a sentence about it.

    Args:
        call: its actor.
    """
    with suppress(ActorDeadError, CallOver):
        ended = await call.request(Wait("ended"), timeout=HANDLED)
        record: CallRecord = await ended
        return f"the call with {record.peer} is over ({record.why})"
    return "the call is over"


def settle_failed(future: AsyncioFuture[None], error: Exception) -> None:
    """Tell who waits for a call to be let in why it is not.

    Args:
        future: what they wait for.
        error: why; a call that has gone becomes a `CallOver`.
    """
    if isinstance(error, ActorDeadError | MediaClosedError):
        error = CallOver("the call is over")
    future.set_exception((type(error), error, None))
