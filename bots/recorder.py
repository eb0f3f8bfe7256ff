"""The bot ``recorder``."""

from .bot import Bot
from .call import Call


class Recorder(Bot):
    """Answers every call, records both directions, and stays until the caller hangs up.

    Options:
        audio: what callers hear; ``silence`` if not given.
        video: what callers see; ``pattern`` (a moving clock) if not given.
        greeting: a file that is played first.
        wav: ``true`` records audio as stereo WAV.
    """

    async def on_call(self, call: Call) -> None:
        """Answer, greet, record."""
        options = self.options
        await call.answer(
            audio=options.get("audio", "silence"),
            video=options.get("video", "pattern"),
            record=True,
            wav=bool(options.get("wav", False)),
        )
        if "greeting" in options:
            await call.play(options["greeting"])
            await call.play(options.get("audio", "silence"))
        await call.ended()
