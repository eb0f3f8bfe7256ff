"""The traceback of what a bot has raised, as its author needs it."""

from collections.abc import Iterator
from opcode import opname
from types import FrameType, TracebackType

from ...media import CallOver, MediaError, is_authors
from ..messages.account import Offline

#: What tells an author what is wrong with an argument, or what has happened to the call.
TELLING = (CallOver, MediaError, Offline, TypeError, ValueError)

_PACKAGE = __name__.partition(".")[0]

Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def as_author_needs(error: BaseException) -> Raised:
    """Return what was raised, for a log, without the lines that tell its author nothing.

    Callboard's lines that lead to the author's code are left out. So are those behind it, where
    Callboard refuses what the author has asked for. A fault inside Callboard keeps all. The same
    is done to what was raised before, which is shown with it.

    Args:
        error: what a bot's code has raised; what was raised before it loses these lines.

    Returns:
        What `logging` takes as ``exc_info``.
    """
    earlier = list(_earlier(error))
    for one in earlier:
        one.__traceback__ = _trimmed(one)
    steps = _steps(error.__traceback__)
    has_led = any(_authors(_steps(one.__traceback__)) for one in earlier)
    if has_led and steps and not _authors(steps) and _is_raised(steps[-1]):
        # Callboard tells in other words what the author's code has raised.
        return type(error), error, None
    return type(error), error, _trimmed(error)


def _earlier(error: BaseException) -> Iterator[BaseException]:
    """Give what was raised before, and led to what is told."""
    seen = {id(error)}
    one = _before(error)
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = _before(one)


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _trimmed(error: BaseException) -> TracebackType | None:
    steps = _steps(error.__traceback__)
    authors = _authors(steps)
    if not authors:
        return error.__traceback__
    kept, behind = steps[authors[0] :], steps[authors[-1] + 1 :]
    if any(_is_ours(step.tb_frame) for step in behind):
        if not _is_refusal(error, behind[-1]):
            return error.__traceback__
        kept = kept[: -len(behind)]
    trace: TracebackType | None = None
    for step in reversed(kept):
        trace = TracebackType(trace, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return trace


def _authors(steps: list[TracebackType]) -> list[int]:
    """Return which steps are in the author's code."""
    return [at for at, step in enumerate(steps) if is_authors(step.tb_frame)]


def _steps(trace: TracebackType | None) -> list[TracebackType]:
    steps = []
    while trace is not None:
        steps.append(trace)
        trace = trace.tb_next
    return steps


def _is_ours(frame: FrameType) -> bool:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] == _PACKAGE and not is_authors(frame)


def _is_refusal(error: BaseException, innermost: TracebackType) -> bool:
    """Tell what Callboard raises on purpose from what happens to its code."""
    return isinstance(error, TELLING) and _is_raised(innermost)


def _is_raised(step: TracebackType) -> bool:
    """Tell whether a line of Callboard's raises something itself."""
    frame = step.tb_frame
    operation = opname[frame.f_code.co_code[step.tb_lasti]]
    return _is_ours(frame) and operation == "RAISE_VARARGS"
