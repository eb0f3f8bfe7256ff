"""The traceback of what a bot has raised, as its author needs it."""

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
    Callboard refuses what the author has asked for. A fault inside Callboard keeps all.

    Args:
        error: what a bot's code has raised.

    Returns:
        What `logging` takes as ``exc_info``.
    """
    steps = _steps(error.__traceback__)
    authors = [at for at, step in enumerate(steps) if is_authors(step.tb_frame)]
    if not authors:
        return type(error), error, error.__traceback__
    kept, behind = steps[authors[0] :], steps[authors[-1] + 1 :]
    if any(_is_ours(step.tb_frame) for step in behind):
        if not _is_refusal(error, behind[-1]):
            return type(error), error, error.__traceback__
        kept = kept[: -len(behind)]
    trace: TracebackType | None = None
    for step in reversed(kept):
        trace = TracebackType(trace, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return type(error), error, trace


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
    frame = innermost.tb_frame
    operation = opname[frame.f_code.co_code[innermost.tb_lasti]]
    return isinstance(error, TELLING) and _is_ours(frame) and operation == "RAISE_VARARGS"
