"""The ladder of a past call, by the names that the call has among the detail records."""

from ...actors.records.call_record import KILLED, CallRecord
from ...ladder.folder import LadderNotFound, find_ladder
from ...ladder.ladder import Ladder
from ..problem import Advice, AdvisedError
from .history import PastCalls
from .search import LAST, AmbiguousCallError, UnknownCallError


class NoPastLadderError(AdvisedError, LadderNotFound):
    """A call, or its ladder, is not there any more."""


def find_past_ladder(calls: PastCalls, name: str) -> Ladder:
    """Find the ladder of a call that has ended. Blocking.

    Args:
        calls: the past calls. A load test leaves ladders and no records.
        name: as `PastCalls.find` has it: ``last`` and ``last-failed`` are the same call for both.

    Raises:
        LadderNotFound: there is none; says why.
        OSError: a file can't be read.
    """
    if not calls.records.is_file():
        return find_ladder(calls.records, name)
    if name in LAST:
        record = _known(calls, name)
        return _of(calls, record)
    try:
        return find_ladder(calls.records, name)
    except LadderNotFound as none:
        try:
            record = calls.find(name).record
        except AmbiguousCallError as several:  # the ends of one call: either tells why
            record = several.calls[0].record
        except UnknownCallError:
            raise none from None
        return _of(calls, record)


def _known(calls: PastCalls, name: str) -> CallRecord:
    try:
        return calls.find(name).record
    except UnknownCallError as error:
        raise NoPastLadderError(error.found, error.advice) from None


def _of(calls: PastCalls, record: CallRecord) -> Ladder:
    try:
        return find_ladder(calls.records, record.uuid)
    except LadderNotFound:
        raise _none(record) from None


def _none(record: CallRecord) -> NoPastLadderError:
    call = f"call {record.uuid[:8]}, {record.account} with {record.peer}, has no ladder"
    known = "shows what is known of it"
    see = Advice(
        f"callboard calls {record.uuid[:8]} {known}",
        f"its entry in the history {known}",
    )
    if record.text == KILLED:
        return NoPastLadderError(f"{call} ({KILLED})", see)
    kept = "ladders: in the YAML file says how many are kept"
    return NoPastLadderError(f"{call} any more ({kept})", see)
