"""Runs a bot's coroutines one after another, in a task of the actor that owns them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from .bot_code import Author, run_code
from .context import BotPort, Context
from .jid import bare
from .messages.exchange import BotFailed
from .post import post
from .runtime import AsyncioActor

log = logging.getLogger(__name__)

#: Coroutines that may wait for a slow bot; more are dropped, with a word in the log.
MAX_WAITING = 1000
#: Seconds that a bot has for its last words.
LAST_WORDS = 5.0


class BotRunner:
    """Runs a bot's coroutines in order, so that it hears things as they happened.

    Args:
        owner: the actor whose tasks they run in; they end with it.
        bot: the bot, for its name.
        context: where its failures are reported.
    """

    def __init__(self, owner: AsyncioActor, bot: BotPort, context: Context) -> None:
        self._owner = owner
        self._context = context
        self._author = Author(bot.name, bare(context.settings.jid))
        self._waiting: list[Coroutine[Any, Any, None]] = []
        self._running = False

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine of the bot's after those that wait."""
        if len(self._waiting) >= MAX_WAITING:
            coroutine.close()
            log.warning("%s is too slow: an event was dropped", self._author)
            return
        self._waiting.append(coroutine)
        if not self._running:
            self._running = True
            self._owner.spawn(self._work())

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
            log.info("%s: %s", self._author, error)
            return None
        log.error("%s failed", self._author, exc_info=error)
        sentence = f"{type(error).__name__}: {error}"
        failed = BotFailed(self._author.account, self._author.bot, sentence)
        post(self._context.exchange, failed)
        return error

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self.guard(self._waiting.pop(0))
        finally:
            self._running = False
            while self._waiting:  # cancelled with its actor
                self._waiting.pop(0).close()
