"""The bot ``conference``."""

from .bot import Bot
from .call import Call
from .options import OneOf, Options
from .room import Room


class ConferenceBot(Bot):
    """Lets all who call hear and see each other.

    Options:
        greeting: what each caller hears before it is let in.
        record: ``mix`` records what all say, besides.
        tones: ``false`` lets callers come and go without a tone.
    """

    def read_options(self, options: Options) -> None:
        """Read what callers hear, and what is recorded."""
        self.greeting = options.playable("greeting", "audio", None)
        self.record = options.take("record", OneOf(["mix", "none"]), "none")
        self.tones = options.flag("tones", True)

    async def on_start(self) -> None:
        """Open the room."""
        self.room = Room(record="mix" if self.record == "mix" else None, tones=self.tones)

    async def on_call(self, call: Call) -> None:
        """Let one caller in; it leaves when it hangs up."""
        await call.answer(video="silence" if "video" in call.media else None)
        if self.greeting is not None:
            await call.play(self.greeting)
        await self.room.add(call)
        await call.ended()

    async def on_stop(self) -> None:
        """Close the room."""
        await self.room.close()
