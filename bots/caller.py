"""The bot ``caller``."""

import asyncio
from contextlib import suppress

from ..actors.messages.account import Offline
from ..config.jid import bare
from ..media import CallOver
from .bot import Bot
from .call import Call
from .options import NOTHING, Options

AGAIN = 5.0
"""Seconds until a call is tried again that found its own account offline."""


class CallerBot(Bot):
    """Calls somebody, once or again and again; takes no calls itself.

    While the account is not online, it waits.

    Options:
        to: whom to call; a JID, or a list of them that is gone through.
        audio: what is sent; ``tone`` if not given, ``none`` for a call without audio.
        video: what is shown; ``pattern`` if not given, ``none`` for a call without video.
        seconds: how long each call is held, like 10s, which it is if not given.
        every: how long from one call's end to the next, like 1m; without it each is called once.
        press: keys that are pressed once a call is connected, like "12#"; a comma waits for two
            seconds.
        record: ``true`` records both directions.
    """

    def read_options(self, options: Options) -> None:
        """Read whom to call, and how."""
        self.peers = options.addresses("to", [])
        self.seconds = options.seconds("seconds", 10.0)
        self.every = options.seconds("every", None)
        self.audio = options.playable("audio", "audio", "tone")
        self.video = options.playable("video", "video", "pattern")
        self.press = options.digits("press", "")
        self.record = options.flag("record", False)
        if self.every == 0:
            options.refuse("every", "it is 0, which would call without a pause: give 1s or more")
        if "to" not in self.options or self.options["to"] == []:
            options.refuse("to", "there is nobody to call: give a JID, or a list of them")
        if self.account in map(bare, self.peers):
            options.refuse("to", f"{self.account} can't call itself: give another account")
        if self.audio in NOTHING and self.video in NOTHING:
            options.refuse("audio", "a call needs audio or video: give one of them a source")
        elif self.press and self.audio in NOTHING:
            options.refuse("press", "keys are pressed in the sound, and there is none: give audio")

    async def on_start(self) -> None:
        """Go through the list, for ever if `every` is given."""
        while True:
            for peer in self.peers:
                if self.is_replaced:
                    return
                await self.hold_call(peer)
                await asyncio.sleep(self.every or 0.0)
            if self.every is None:
                return

    async def hold_call(self, peer: str) -> None:
        """Call a peer, hold the call, hang up.

        Args:
            peer: whom to call.
        """
        call = await self._place(peer)
        try:
            await call.connected()
        except CallOver:
            self.log.info("%s did not take the call (%s)", peer, (await call.ended()).why)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await self._press(call)
                    await call.ended()
            await call.hangup()
        await call.ended()

    async def _press(self, call: Call) -> None:
        try:
            if self.press:
                await call.press(self.press)
        except CallOver:
            return
        except ValueError as error:  # the peer's device takes none, or no sound
            self.log.warning("%s: %s", call.peer, error)

    async def _place(self, peer: str) -> Call:
        """Place a call; while the account is not online, wait for it to come back."""
        while True:
            try:
                return await self.call(peer, audio=self.audio, video=self.video, record=self.record)
            except Offline as offline:
                self.log.info("%s; trying again in %g s", offline, AGAIN)
                await asyncio.sleep(AGAIN)
