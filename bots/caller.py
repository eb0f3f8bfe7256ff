"""The bot ``caller``."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..actors import AsyncioActorRef
from ..actors.messages.call import CallOver
from ..config.duration import parse_duration
from ..config.jid import normal_jid
from .bot import Bot
from .call import Call


class Caller(Bot):
    """Calls somebody, once or again and again; takes no calls itself.

    Options:
        to: whom to call; a JID, or a list of them that is gone through.
        audio: what is sent; ``tone`` if not given, ``none`` for a call without audio.
        video: what is shown; ``pattern`` if not given, ``none`` for a call without video.
        seconds: how long each call is held, like 10s, which it is if not given.
        every: how long from one call's end to the next, like 1m; without it each is called once.
        record: ``true`` records both directions.
    """

    def __init__(
        self,
        ref: AsyncioActorRef[Any] | None,
        account: str,
        options: Mapping[str, Any],
        folder: Path,
    ) -> None:
        """Read the options.

        Raises:
            ValueError: one of them can't be used.
        """
        super().__init__(ref, account, options, folder)
        to = options.get("to", [])
        self.peers = [self._peer(one) for one in ([to] if isinstance(to, str) else to)]
        self.seconds = self._duration("seconds", 10)
        self.every = self._duration("every", 0)

    def _peer(self, jid: object) -> str:
        try:
            return normal_jid(str(jid))
        except ValueError as error:
            raise ValueError(f"to: {error}") from None

    def _duration(self, name: str, otherwise: float) -> float:
        try:
            return parse_duration(self.options.get(name, otherwise))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None

    async def on_start(self) -> None:
        """Go through the list, for ever if `every` is given."""
        if not self.peers:
            self.log.warning("%s has nobody to call: give it the option to", self.account)
        while self.peers:
            for peer in self.peers:
                await self.hold_call(peer)
                await asyncio.sleep(self.every)
            if "every" not in self.options:
                return

    async def hold_call(self, peer: str) -> None:
        """Call a peer, hold the call, hang up.

        Args:
            peer: whom to call.
        """
        call: Call = await self.call(
            peer,
            audio=self.options.get("audio", "tone"),
            video=self.options.get("video", "pattern"),
            record=bool(self.options.get("record", False)),
        )
        try:
            await call.connected()
        except CallOver as over:
            self.log.info("%s: %s did not take the call: %s", self.account, peer, over)
        else:
            ended = asyncio.ensure_future(call.ended())
            await asyncio.wait([ended], timeout=self.seconds)
            ended.cancel()
            await call.hangup()
        await call.ended()
