"""``ladder``: what happened in a call, whether it goes on or has ended."""

from ...actors.messages.call import GetLadder
from ...ladder.folder import LADDERS_ENDED, LadderNotFound
from ...ladder.ladder import Ladder
from ..history.past_ladder import NoPastLadderError, find_past_ladder
from ..instance.instance import Instance
from ..models.ladder import LadderCommand, LadderResult
from ..problem import ControlError, ProblemKind
from .finding import HANDLED, call_of, known_calls
from .handler import Handler, Tell
from .history import on_history
from .refusals import refusing

#: Refusals after which the call may be found among those that have ended.
_ENDED = frozenset({ProblemKind.UNKNOWN_CALL, ProblemKind.NOT_POSSIBLE})


async def _ladder(command: LadderCommand, instance: Instance, tell: Tell) -> LadderResult:
    if command.call not in LADDERS_ENDED:
        try:
            with refusing():
                return LadderResult(ladder=await _so_far(command, instance))
        except ControlError as error:
            if error.kind not in _ENDED:
                raise
    try:
        found = await on_history(instance, lambda calls: find_past_ladder(calls, command.call))
    except LadderNotFound as error:
        if isinstance(error, NoPastLadderError):
            raise ControlError(ProblemKind.UNKNOWN_CALL, error.found, error.advice) from None
        raise ControlError(ProblemKind.UNKNOWN_CALL, str(error)) from None
    return LadderResult(ladder=found)


async def _so_far(command: LadderCommand, instance: Instance) -> Ladder:
    """Return the ladder of a call that goes on; the caller's, if both ends are ours."""
    found = known_calls(instance, command.call, command.account)
    chosen = next((one for one in found if one.direction == "out"), found[0])
    call = await call_of(instance, chosen)
    return await call.request(GetLadder(), timeout=HANDLED)


LADDER = Handler(LadderCommand, _ladder)
