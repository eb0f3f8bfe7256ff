"""``history`` and ``past-call``: calls that have ended, also in earlier runs."""

from collections.abc import Callable
from typing import TypeVar

from ..history.history import PastCalls
from ..history.index import StoppedError
from ..history.past_call import PastCall
from ..history.search import AmbiguousCallError, Search, UnknownCallError
from ..instance.instance import Instance
from ..models.history import HistoryResult, PastCallCommand, PastCallDetail, PastCallResult
from ..problem import ControlError, ProblemKind
from .handler import Handler, Tell

T = TypeVar("T")


async def _history(search: Search, instance: Instance, tell: Tell) -> HistoryResult:
    return await on_history(
        instance, lambda calls: HistoryResult.model_validate(calls.search(search).to_json())
    )


async def _past_call(command: PastCallCommand, instance: Instance, tell: Tell) -> PastCallResult:
    return await on_past_call(
        instance,
        command.call,
        lambda call: PastCallResult(call=PastCallDetail.model_validate(call.to_json())),
    )


async def on_past_call(instance: Instance, name: str, work: Callable[[PastCall], T]) -> T:
    """Find one call, and do some work with it on the thread of the history.

    Raises:
        ControlError: there is no such call, or more than one, or as `on_history` has it.
    """
    try:
        return await on_history(instance, lambda calls: work(calls.find(name)))
    except AmbiguousCallError as error:
        raise ControlError(ProblemKind.AMBIGUOUS_CALL, error.found, error.advice) from None
    except UnknownCallError as error:
        raise ControlError(ProblemKind.UNKNOWN_CALL, error.found, error.advice) from None


async def on_history(instance: Instance, work: Callable[[PastCalls], T]) -> T:
    """Do some work on the thread of the history.

    Raises:
        ControlError: there is no history now, or it can't be read.
    """
    if instance.history is None:
        raise ControlError(
            ProblemKind.NOT_POSSIBLE, "the instance is still starting: try again in a moment"
        )
    try:
        return await instance.history.do(work)
    except StoppedError:
        raise ControlError(ProblemKind.NOT_POSSIBLE, "the instance is ending") from None
    except OSError as error:
        words = f"the detail records can't be read: {error.filename}: {error.strerror}"
        raise ControlError(ProblemKind.NOT_POSSIBLE, words) from None


HISTORY = Handler(Search, _history)
PAST_CALL = Handler(PastCallCommand, _past_call)
