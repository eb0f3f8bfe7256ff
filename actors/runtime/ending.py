"""Actors whose end is the same, whatever brought it about."""

from types import TracebackType

from .actor import AsyncioActor


class Ending(AsyncioActor):
    """An actor with one hook for its end in the place of Pykka's two."""

    async def on_end(self, error: BaseException | None) -> None:
        """Clean up after the last message.

        Args:
            error: the bug that ended it, None if it was stopped or killed.
        """

    async def on_stop(self) -> None:
        """End in order."""
        await self.on_end(None)

    async def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End after a bug."""
        await self.on_end(exception_value or RuntimeError("an unknown error"))
