"""The bots of one account: the one that takes what comes, and those that it has replaced."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from . import messages
from .bot.runner import BotRunner
from .call_routes import Routes
from .context import Context
from .messages.account import AccountMessage, BotLeft, OrderSettled, ReplacedOverdue
from .messages.bot import BotPort
from .runtime.actor import AsyncioActor, handles
from .runtime.future import AsyncioFuture

if TYPE_CHECKING:
    from .messages.call import CallRef


class _Replaced(Struct, eq=False):
    """A bot that another one has replaced.

    Attributes:
        bot, runner: the bot, and what runs its coroutines.
        calls: those that began with it and go on, by the peer's bare JID and the session id.
        orders: calls that it has ordered and that have not begun.
        is_overdue: its calls have had their time.
        is_leaving: it is told that it is over.
    """

    bot: BotPort
    runner: BotRunner
    calls: set[tuple[str, str]]
    orders: "list[AsyncioFuture[CallRef]]" = field(default_factory=list)
    is_overdue: bool = False
    is_leaving: bool = False


class AccountBots:
    """The bots of one account, a part of the account's actor.

    A bot that is replaced takes nothing new. It sees its calls to their end, and then stops; with
    no calls it stops before the next one begins.

    Args:
        account: the actor that this is a part of.
        context: what the account works with.
        routes: the account's calls.
        begin: called when the bot may begin after it had to wait for the one before.

    Attributes:
        current: the one that takes what comes.
        has_begun: it is told what happens.
    """

    __slots__ = (
        "_account",
        "_begin",
        "_context",
        "_replaced",
        "_routes",
        "_runner",
        "current",
        "has_begun",
    )

    def __init__(
        self,
        account: AsyncioActor[AccountMessage],
        context: Context,
        routes: Routes,
        begin: Callable[[], None],
    ) -> None:
        self._account = account
        self._context = context
        self._routes = routes
        self._begin = begin
        self._replaced: tuple[_Replaced, ...] = ()
        self.current: BotPort = context.bot(account.actor_ref, context.settings)
        self._runner = BotRunner(account, self.current, context)
        self.has_begun = False

    def run(self, coroutine: Coroutine[Any, Any, None], lane: Hashable) -> None:
        """Run a coroutine of the current bot's: see `BotRunner.run`."""
        self._runner.run(coroutine, lane)

    def begin(self) -> bool:
        """Let the current bot begin; tell whether it does so now."""
        if self.has_begun or any(one.is_leaving for one in self._replaced):
            return False
        self.has_begun = True
        # A lane of its own: it may last for as long as the bot likes.
        self.run(self.current.started(), "start")
        return True

    def replace(
        self, bot: BotPort, orders: "Iterable[AsyncioFuture[CallRef]]", seconds: float
    ) -> None:
        """Let another bot take what comes. It begins when `begin` is called next.

        Args:
            bot: the other one.
            orders: promises of calls that the current one has ordered.
            seconds: that its calls may go on for.
        """
        taken = {key for one in self._replaced for key in one.calls}
        old = _Replaced(self.current, self._runner, set(self._routes.keys()) - taken, list(orders))
        had_begun, self.has_begun = self.has_begun, False
        self.current = bot
        self._runner = BotRunner(self._account, bot, self._context)
        old.bot.replaced()
        if not had_begun:
            return
        self._replaced = (*self._replaced, old)
        account = self._account.actor_ref
        for order in old.orders:
            order.add_done_callback(lambda _: account.post(OrderSettled()))
        if not self._leaves(old):
            self._account.after(seconds, ReplacedOverdue(old.bot))

    def forget(self, peer: str, sid: str) -> None:
        """Take note that a call is over."""
        for one in self._replaced:
            if (peer, sid) in one.calls:
                one.calls.discard((peer, sid))
                self._leaves(one)

    async def last_words(self) -> None:
        """Tell every bot that the account is about to log out."""
        left = [(one.bot, one.runner) for one in self._replaced if not one.is_leaving]
        bots = [(self.current, self._runner), *left]
        await asyncio.gather(*(runner.last(bot.stopping()) for bot, runner in bots))

    def _leaves(self, one: _Replaced) -> bool:
        """Let a bot go that has no call any more; tell whether that is so."""
        if one.calls or one.orders or one.is_leaving:
            return one.is_leaving
        one.is_leaving = True

        async def leave() -> None:
            await one.runner.last(one.bot.stopping())
            await one.runner.end()

        self._account.pipe(leave(), lambda _: BotLeft(one.bot))
        return True

    @handles(BotLeft)
    def _left(self, message: BotLeft) -> None:
        self._replaced = tuple(one for one in self._replaced if one.bot is not message.bot)
        self._begin()

    @handles(OrderSettled)
    def _order_settled(self, _: OrderSettled) -> None:
        for one in self._replaced:
            settled = [order for order in one.orders if order.done()]
            for order in settled:
                one.orders.remove(order)
                with suppress(Exception):  # it was refused, which its bot was told
                    one.calls.update(self._routes.keys_of(order.get(timeout=0)))
            if one.is_overdue:
                self._end_calls(one)
            self._leaves(one)

    @handles(ReplacedOverdue)
    def _overdue(self, message: ReplacedOverdue) -> None:
        for one in self._replaced:
            if one.bot is message.bot:
                one.is_overdue = True
                self._end_calls(one)

    def _end_calls(self, one: _Replaced) -> None:
        for peer, sid in one.calls:
            self._routes.tell(peer, sid, messages.call.DrainCall())
