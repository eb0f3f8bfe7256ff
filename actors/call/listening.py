"""What a call's bot hears and sees of it."""

from collections.abc import Coroutine
from typing import Any

from ...media import MediaClosedError, ReaderQueue, Speech
from ..messages.call import Listen, ListenForSpeech, TakeSnapshot
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from .shared_parts import SharedParts
from .too_late import TooLate


class Listening:
    """Gives the bot what the peer sends.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self._parts = parts

    @handles(Listen)
    def frames(self, message: Listen) -> ReaderQueue[Any]:
        """Return the decoded frames of a kind, as they come.

        Raises:
            ValueError: the receive path is `none`, or nothing of the kind is received.
        """
        media = self._parts.leg.connection.media
        return media.received.frames(
            message.kind, message.limit, rate=message.rate, layout=message.layout
        )

    @handles(ListenForSpeech)
    def speech(self, message: ListenForSpeech) -> ReaderQueue[Speech]:
        """Return when the peer begins and ends to speak, as it does.

        A part of the call that only wants to know of it, to stop what is played for example, has
        `ReceivedStreams.hear_speech` call it, and posts itself a message.

        Raises:
            SpeechError: the extra ``speech`` is not installed.
            ValueError: no audio is received.
        """
        return self._parts.leg.connection.media.received.speech(message.options)

    @handles(TakeSnapshot)
    def snapshot(self, message: TakeSnapshot) -> AsyncioFuture[bytes]:
        """Make an image of what the peer shows, in a task."""
        future: AsyncioFuture[bytes] = AsyncioFuture()
        media = self._parts.leg.connection.media
        if message.name and "video" in self._parts.progress.media:
            self._look(message.name, message.role)
        too_late = self._parts.too_late
        taking = media.received.snapshot(message.format)
        task = self._parts.owner.spawn(_settled(future, taking, too_late))
        task.add_done_callback(lambda _: _give_up(future, too_late))
        return future

    def _look(self, name: str, role: str) -> None:
        if self._parts.progress.guest_looks(name, role):
            self._parts.trace.note("state", f"{name} takes a picture")


async def _settled(
    future: AsyncioFuture[bytes], work: Coroutine[Any, Any, bytes], too_late: TooLate
) -> None:
    try:
        future.set(await work)
    except Exception as error:
        is_over = isinstance(error, MediaClosedError)
        future.fail(too_late.error() if is_over else error)


def _give_up(future: AsyncioFuture[bytes], too_late: TooLate) -> None:
    if not future.done():  # the task was cancelled with its call
        future.fail(too_late.error())
