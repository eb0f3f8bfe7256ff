"""The bot ``caller``."""

import asyncio

from ..actors.messages.call import CallOver
from ..config.duration import parse_duration
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

    async def on_start(self) -> None:
        """Go through the list, for ever if `every` is given."""
        to = self.options.get("to", [])
        peers = [to] if isinstance(to, str) else list(to)
        if not peers:
            self.log.warning("%s has nobody to call: give it the option to", self.account)
        while peers:
            for peer in peers:
                await self.hold_call(peer)
                await asyncio.sleep(parse_duration(self.options.get("every", 0)))
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
            await asyncio.wait([ended], timeout=parse_duration(self.options.get("seconds", 10)))
            ended.cancel()
            await call.hangup()
        await call.ended()
