"""The bot ``recorder``."""

from .bot import Bot
from .call import Call
from .options import Options


class RecorderBot(Bot):
    """Answers every call, records both directions, and stays until the caller hangs up.

    Options:
        audio: what callers hear; ``silence`` if not given.
        video: what callers see; ``pattern`` (a moving clock) if not given.
        greeting: a file that is played first.
        wav: ``true`` records audio as stereo WAV.
    """

    def read_options(self, options: Options) -> None:
        """Read what callers hear and see, and how calls are recorded."""
        self.audio = options.playable("audio", "audio", "silence")
        self.video = options.playable("video", "video", "pattern")
        self.greeting = options.playable("greeting", "audio", None)
        self.wav = options.flag("wav", False)

    async def on_call(self, call: Call) -> None:
        """Answer, greet, record."""
        await call.answer(audio=self.audio, video=self.video, record=True, wav=self.wav)
        if self.greeting is not None:
            await call.play(self.greeting)
            await call.play(self.audio)
        await call.ended()
