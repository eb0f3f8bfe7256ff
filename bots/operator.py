"""The bot ``operator``."""

import asyncio
from typing import Any

from ..actors import messages
from ..actors.messages.account import Offline
from ..config.jid import bare, normal_jid
from ..media import CallOver
from .bot import Bot
from .call import Call
from .conference import ConferenceBot
from .echo import EchoBot
from .options import OneOf, Options, OptionsError, as_text
from .recorder import RecorderBot

DECLINE = "decline"
NEXT: dict[str, type[Bot]] = {
    "conference": ConferenceBot,
    "echo": EchoBot,
    "recorder": RecorderBot,
}
"""Who may have a call that nobody has taken."""


class OperatorBot(Bot):
    """Lets calls ring at the board, for somebody who takes them there.

    Options:
        patience: how long a call rings there, like 20s, which it is if not given.
        to: a JID that is called when nobody has taken the call; the caller hears it ring.
        ringback: what the caller hears meanwhile; two tones if not given.
        then: what becomes of a call that nobody has taken, if there is no ``to``: ``decline``,
            as it is if not given, or the bot that has it: ``recorder``, ``echo`` or
            ``conference``.
        options: those of that bot.
    """

    path = "packets"

    def read_options(self, options: Options) -> None:
        """Read how long calls ring, and who has them then."""
        self.patience = options.seconds("patience", 20.0)
        self.to = options.take("to", as_address, None)
        self.ringback = options.playable("ringback", "audio", "tone:440:2s")
        self.then = options.take("then", OneOf((DECLINE, *NEXT)), DECLINE)
        next_options: dict[str, Any] = options.take("options", as_mapping, {})
        self.next: Bot | None = None
        self._taken: set[str] = set()
        if self.to is not None and bare(self.to) == self.account:
            options.refuse("to", f"{self.account} can't call itself: give another JID")
        if self.to is not None and self.then != DECLINE:
            options.refuse("then", f"{self.to} has the call: leave one of 'to' and 'then' out")
        if self.then == DECLINE and next_options:
            options.refuse("options", "nobody has these: name a bot as 'then'")
        elif self.then != DECLINE:
            try:
                self.next = NEXT[self.then](self._ref, self.account, next_options, self.folder)
            except OptionsError as error:
                options.refuse("options", str(error))

    async def on_start(self) -> None:
        """Start the other bot, if there is one."""
        if self.next is not None:
            await self.next.on_start()

    async def on_call(self, call: Call) -> None:
        """Let a call ring until somebody takes it at the board, and hand it on if nobody does."""
        try:
            async with asyncio.timeout(self.patience):
                await call.connected()
        except CallOver:
            return
        except TimeoutError:
            if (await call.status()).phase == "ringing" and await self._hand_on(call):
                return
        # Whoever answers by talking is the call's guest before it connects.
        take_over = messages.call.GuestKind.TAKE_OVER.value
        if any(one.part == take_over for one in (await call.status()).guests):
            self._taken.add(call.id)
        try:
            await call.ended()
        finally:
            self._taken.discard(call.id)

    async def on_giveback(self, call: Call, person: str) -> None:
        """Hang up a call that somebody answered by talking: it has nobody else.

        All others have a bot, or what was chosen for them when they were placed.
        """
        if call.id in self._taken:
            await call.hangup()

    async def _hand_on(self, call: Call) -> bool:
        """Return whether it could be: somebody may have taken it at the last moment."""
        if self.next is not None:
            await self.next.on_call(call)
        elif self.to is not None:
            await self._connect(call, self.to)
        else:
            try:
                await call.decline()
            except ValueError:
                return False
        return True

    async def _connect(self, call: Call, to: str) -> None:
        """Let the caller talk to somebody else; hang up if that one does not come."""
        await call.answer(video="silence" if "video" in call.media else None)
        try:
            video = "silence" if "video" in call.media else None
            other = await self.call(to, video=video, like=call)
            await call.bridge(other, meanwhile=self.ringback)
        except (CallOver, Offline) as error:
            self.log.info("%s did not get through to %s: %s", call.peer, to, error)
            await call.hangup()
        await call.ended()

    async def on_stop(self) -> None:
        """Stop the other bot, if there is one."""
        if self.next is not None:
            await self.next.on_stop()


def as_address(value: Any) -> str:
    """Read one JID."""
    return normal_jid(as_text(value))


def as_mapping(value: Any) -> dict[str, Any]:
    """Read the options of another bot."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ValueError("give the options of the bot that 'then' names, as a mapping")
    return value
