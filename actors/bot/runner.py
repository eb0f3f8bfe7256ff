"""Runs a bot's coroutines in tasks of the actor that owns them, those of one lane in order."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from ...config.jid import bare
from ...media import shown
from ..context import Context
from ..messages.bot import BotPort
from ..messages.exchange import BotFailed
from ..runtime.actor import AsyncioActor
from ..runtime.log_throttle import LogThrottle
from .authors_trace import as_author_needs
from .containment import Author, run_code

log = logging.getLogger(__name__)

#: Coroutines that may wait for a slow bot in one lane, and in all; more are dropped, with a word in
#: the log.
MAX_WAITING = 1_000
MAX_WAITING_IN_ALL = 10_000
#: Seconds that a bot has for its last words.
LAST_WORDS = 5.0


class BotRunner:
    """Runs a bot's coroutines, those of one lane in the order in which things happened.

    What lasts in one lane keeps no other one waiting.

    Args:
        owner: the actor whose tasks they run in; they end with it.
        bot: the bot, for its name.
        context: where its failures are reported.
        is_harmless: tells what is no failure of the bot's; only the log has a word of it.
    """

    def __init__(
        self,
        owner: AsyncioActor,
        bot: BotPort,
        context: Context,
        is_harmless: Callable[[Exception], bool] = lambda _: False,
    ) -> None:
        self._is_harmless = is_harmless
        self._owner = owner
        self._context = context
        self._author = Author(bot.name, bare(context.settings.jid))
        self._lanes: dict[Hashable, deque[Coroutine[Any, Any, None]]] = {}
        self._waiting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropped = LogThrottle()

    def run(self, coroutine: Coroutine[Any, Any, None], lane: Hashable = None) -> None:
        """Run a coroutine of the bot's after those that wait in its lane.

        Args:
            coroutine: the bot's.
            lane: what it must not overtake, such as a kind of event and a peer.
        """
        waiting = self._lanes.get(lane)
        in_all = self._waiting + len(self._lanes)
        if in_all >= MAX_WAITING_IN_ALL or (waiting is not None and len(waiting) >= MAX_WAITING):
            coroutine.close()
            if dropped := self._dropped.due():
                log.warning("%s is too slow: %d events were dropped", self._author, dropped)
            return
        self._waiting += 1
        if waiting is not None:
            waiting.append(coroutine)
            return
        waiting = self._lanes[lane] = deque([coroutine])
        task = self._owner.spawn(self._work(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._close(lane, waiting))

    async def end(self) -> None:
        """Cancel what still runs, and return when it has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def last(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of the bot's now, for a few seconds at the most."""
        try:
            await asyncio.wait_for(self.guard(coroutine), LAST_WORDS)
        except TimeoutError:
            log.warning("%s did not stop within %.0f s", self._author, LAST_WORDS)

    async def guard(
        self,
        coroutine: Coroutine[Any, Any, None],
        is_harmless: Callable[[Exception], bool] = lambda _: False,
    ) -> BaseException | None:
        """Run a coroutine of the bot's; what it raises, whatever it is, is reported and returned.

        Args:
            coroutine: the bot's.
            is_harmless: tells what is no failure of the bot's; only the log has a word of it.
        """
        error = await run_code(coroutine, self._author)
        if error is None:
            return None
        if isinstance(error, Exception) and is_harmless(error):
            log.info("%s: %s", self._author, shown(error, str))
            return None
        log.error("%s failed", self._author, exc_info=as_author_needs(error))
        sentence = f"{type(error).__name__}: {shown(error, str)}"
        failed = BotFailed(self._author.account, self._author.bot, sentence)
        self._context.exchange.post(failed)
        return error

    async def _work(self, lane: Hashable) -> None:
        waiting = self._lanes[lane]
        while waiting:
            self._waiting -= 1
            await self.guard(waiting.popleft(), self._is_harmless)
        del self._lanes[lane]

    def _close(self, lane: Hashable, waiting: deque[Coroutine[Any, Any, None]]) -> None:
        """Let go of what was cancelled with its actor."""
        self._waiting -= len(waiting)
        while waiting:
            waiting.popleft().close()
        if self._lanes.get(lane) is waiting:
            del self._lanes[lane]
