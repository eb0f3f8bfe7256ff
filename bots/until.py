"""What ends a playback early."""

import asyncio
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..media import SpeechOptions
from . import argument_checks

if TYPE_CHECKING:
    from ..actors.messages.call import Cue

_USUAL = SpeechOptions()


@dataclass(frozen=True)
class Speaks:
    """That the peer speaks, as sure as it has to be: ``"speech"`` with other limits than usual.

    Attributes:
        threshold: how sure it must be that it is speech, between 0 and 1; less ends a playback
            earlier, and more often for other noise.
        min_speech: how long the peer must speak: ``100ms``, or seconds; up to ``5s``.
    """

    threshold: float = _USUAL.threshold
    min_speech: str | float = _USUAL.min_speech

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            TypeError: one is of the wrong type.
            ValueError: one is out of its range.
        """
        self.options()

    def options(self) -> SpeechOptions:
        """Return what is listened for."""
        return SpeechOptions(
            threshold=argument_checks.number("threshold", self.threshold),
            min_speech=argument_checks.duration("min_speech", self.min_speech),
        )


#: What the peer does, an event, or something else that can be awaited; None: its own end alone.
Until = Literal["speech", "digit"] | Speaks | asyncio.Event | Awaitable[Any] | None


def split(until: object) -> "tuple[Cue | None, asyncio.Event | Awaitable[Any] | None]":
    """Tell what the call itself notices from what is awaited.

    Args:
        until: what was given as such.

    Raises:
        TypeError: it is nothing of that kind.
        ValueError: there is no such word.
    """
    if until is None or isinstance(until, asyncio.Event | Awaitable):
        return None, until
    if isinstance(until, Speaks):
        return until.options(), None
    if not isinstance(until, str):
        raise TypeError(
            f"until is {type(until).__name__}: give 'speech', 'digit', Speaks(), an asyncio.Event "
            "or an awaitable"
        )
    if until == "speech":
        return SpeechOptions(), None
    if until == "digit":
        return "digit", None
    raise ValueError(f"until is {until!r}: give 'speech', 'digit' or an asyncio.Event")


def first_of(*waited: asyncio.Event | Awaitable[Any]) -> asyncio.Future[None]:
    """Begin to wait for the first of several.

    To cancel this cancels coroutines, begun or not, but no task or future of a bot's.

    Args:
        waited: what is waited for.

    Returns:
        Done with the first of them. What that raises is raised.
    """
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    tasks = [_begun(each) for each in waited]

    def settle(task: asyncio.Future[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if first.done():
            return
        if task.cancelled():
            first.cancel()
        elif error is not None:
            first.set_exception(error)
        else:
            first.set_result(None)

    def let_go(_: asyncio.Future[None]) -> None:
        for task in tasks:
            task.cancel()

    for task in tasks:
        task.add_done_callback(settle)
    first.add_done_callback(let_go)
    return first


def _begun(until: asyncio.Event | Awaitable[Any]) -> asyncio.Future[Any]:
    """Wait in a task of our own. A coroutine is one, so that also one that never ran is ended."""
    if isinstance(until, Coroutine):
        return asyncio.ensure_future(until)
    return asyncio.ensure_future(_comes(until))


async def _comes(until: asyncio.Event | Awaitable[Any]) -> None:
    if isinstance(until, asyncio.Event):
        await until.wait()
    elif isinstance(until, asyncio.Future):
        await asyncio.wait({until})
        if not until.cancelled():
            until.result()
    else:
        await until
