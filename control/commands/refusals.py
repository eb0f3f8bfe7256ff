"""What actors and bots' handles raise, as a client is told it."""

from collections.abc import Iterator
from contextlib import contextmanager

from pykka import ActorDeadError

from ...actors.messages.account import Offline
from ...actors.messages.call import CallOver
from ...media import MediaError
from ..problem import SEE_STATUS, ControlError, ProblemKind

#: The kind of refusal that each error is; the first that fits.
KINDS: tuple[tuple[type[Exception], ProblemKind], ...] = (
    (CallOver, ProblemKind.NOT_POSSIBLE),
    (Offline, ProblemKind.NOT_POSSIBLE),
    (MediaError, ProblemKind.WRONG_ARGUMENT),  # a source that can't be played, mostly
    (ValueError, ProblemKind.WRONG_ARGUMENT),
)


@contextmanager
def refusing() -> Iterator[None]:
    """Raise what is known here as a refusal; what is not is a bug.

    Raises:
        ControlError: it can't be done.
    """
    try:
        yield
    except ActorDeadError:
        raise ControlError(ProblemKind.NOT_POSSIBLE, "it has ended meanwhile", SEE_STATUS) from None
    except TimeoutError as error:
        raise ControlError(ProblemKind.TIMED_OUT, str(error) or "try again") from None
    except tuple(kind for kind, _ in KINDS) as error:
        [kind, *_] = [kind for known, kind in KINDS if isinstance(error, known)]
        raise ControlError(kind, str(error)) from None
