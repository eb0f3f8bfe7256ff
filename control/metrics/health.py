"""Whether a running instance is alive, and whether it is ready for calls."""

import asyncio
import concurrent.futures
from collections.abc import Callable

from ...load.scrape.http_server import HttpAnswer

#: Seconds in which the loop must answer.
PATIENCE = 5.0


class Health:
    """Answers probes, on another loop than the one that it looks at.

    Made on the loop that is looked at.

    Args:
        stands: whether the exchange runs; called on that loop.
        unready: why calls would not be taken now, in a sentence, or None; called on that loop.
        patience: seconds in which that loop must answer.
    """

    def __init__(
        self,
        stands: Callable[[], bool],
        unready: Callable[[], str | None],
        patience: float = PATIENCE,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._stands = stands
        self._unready = unready
        self._patience = patience
        self._asked: concurrent.futures.Future[tuple[bool, str | None]] | None = None

    async def alive(self, _: str) -> HttpAnswer:
        """Answer ``/healthz``: 200 if the loop answers and the exchange stands."""
        return (await self._ask())[0]

    async def ready(self, _: str) -> HttpAnswer:
        """Answer ``/readyz``: 200 if calls are taken by as many accounts as are wanted."""
        alive, unready = await self._ask()
        if alive.status != 200 or unready is None:
            return alive
        return HttpAnswer.said(503, unready)

    async def _ask(self) -> tuple[HttpAnswer, str | None]:
        # All who ask while the loop is busy wait for one answer: nothing heaps up there.
        if self._asked is None or self._asked.done():
            self._asked = concurrent.futures.Future()
            self._loop.call_soon_threadsafe(self._look, self._asked)
        waiting = asyncio.wrap_future(self._asked)
        try:
            async with asyncio.timeout(self._patience):
                stands, unready = await asyncio.shield(waiting)
        except TimeoutError:
            words = f"The event loop has not answered for {self._patience:g} s: see the log."
            return HttpAnswer.said(503, words), None
        if not stands:
            return HttpAnswer.said(503, "The exchange does not run: see the log."), None
        return HttpAnswer.said(200, "ok"), unready

    def _look(self, asked: "concurrent.futures.Future[tuple[bool, str | None]]") -> None:
        asked.set_result((self._stands(), self._unready()))
