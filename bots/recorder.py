"""The bot ``recorder``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..actors.messages.account import AccountRef
from .bot import Bot
from .call import Call
from .options import Options, flag, playable


class RecorderBot(Bot):
    """Answers every call, records both directions, and stays until the caller hangs up.

    Options:
        audio: what callers hear; ``silence`` if not given.
        video: what callers see; ``pattern`` (a moving clock) if not given.
        greeting: a file that is played first.
        wav: ``true`` records audio as stereo WAV.
    """

    def __init__(
        self,
        ref: AccountRef | None,
        account: str,
        options: Mapping[str, Any],
        folder: Path,
    ) -> None:
        """Read the options.

        Raises:
            OptionsError: some of them can't be used.
        """
        super().__init__(ref, account, options, folder)
        read = Options(options)
        self.audio: str | None = read.take("audio", playable(folder, "audio"), "silence")
        self.video: str | None = read.take("video", playable(folder, "video"), "pattern")
        self.greeting: str | None = read.take("greeting", playable(folder, "audio"), None)
        self.wav = read.take("wav", flag, False)
        read.check()

    async def on_call(self, call: Call) -> None:
        """Answer, greet, record."""
        await call.answer(audio=self.audio, video=self.video, record=True, wav=self.wav)
        if self.greeting is not None:
            await call.play(self.greeting)
            await call.play(self.audio)
        await call.ended()
