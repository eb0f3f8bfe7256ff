"""The errors of media that callers of this package see."""

from collections.abc import Callable


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


def shown(error: BaseException, show: Callable[[object], str] = repr) -> str:
    """Say what a bot or a source raised, also if its ``__str__`` or ``__repr__`` raises.

    Args:
        error: What was raised.
        show: `repr`, or `str`.
    """
    try:
        return show(error)
    except BaseException:
        return f"{type(error).__name__}, which can't be shown: its own {show.__name__} raises"
