"""The errors of media that callers of this package see."""

import sysconfig
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

_PACKAGE = __name__.partition(".")[0]
_LIBRARIES = (
    *(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")),
    str(Path(threading.__file__).parent),
)


class MediaError(Exception):
    """The base of all errors of this package."""


class MediaClosedError(MediaError):
    """The connection was closed before or while it was asked to do something."""


class DescriptionError(MediaError):
    """The peer's session description cannot be used; the message says why."""


class IncompatibleMediaError(DescriptionError):
    """The peer's session description has no codec in common with us."""


class NetworkError(MediaError):
    """A socket of a call could not be opened; the message says which config key to change."""


class DataChannelError(MediaError):
    """A message could not be sent over a data channel; the message says why."""


class CallOver(Exception):  # noqa: N818 - what happened, not a fault
    """The call ended, or never was, before what was asked of it could happen."""


class SourceError(MediaError, ValueError):
    """A source can't be played; the message says why and what can be done."""


class UnfitError(Exception):
    """What comes next in a file can't go out as it is: it has to be encoded."""


def shown(error: object, show: Callable[[object], str] = repr) -> str:
    """Say what a bot or a source raised, also if its ``__str__`` or ``__repr__`` raises.

    Args:
        error: What was raised, or something else of a bot's author.
        show: `repr`, or `str`.
    """
    try:
        return show(error)
    except BaseException:
        return f"{type(error).__name__}, which can't be shown: its own {show.__name__} raises"


def told(error: BaseException, author: object = None) -> str:
    """Say what a bot or a source raised, and at which line of its author's code.

    Args:
        error: What was raised.
        author: A function of the author's: it is named if no line of the author's raised.
    """
    lines = list(_lines(error))
    is_plain = isinstance(error, SourceError) or not lines
    text = (shown(error, str) if is_plain else "") or shown(error)
    code = getattr(author, "__code__", None)
    if not lines and code is not None:
        lines = [(code.co_filename, code.co_firstlineno)]
    return f"{text.rstrip('.')} at {Path(lines[-1][0]).name}:{lines[-1][1]}" if lines else text


def is_authors(frame: FrameType) -> bool:
    """Tell whether a frame runs code of a bot's author, and neither ours nor a library's.

    Args:
        frame: Of any thread.
    """
    name: str = frame.f_globals.get("__name__", "")
    package, _, rest = name.partition(".")
    if package == _PACKAGE:
        return rest.startswith(("tests.", "examples."))
    return package != "__main__" and not frame.f_code.co_filename.startswith((*_LIBRARIES, "<"))


def _lines(error: BaseException) -> Iterator[tuple[str, int]]:
    trace = error.__traceback__
    while trace is not None:
        if is_authors(trace.tb_frame):
            yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
