"""The bot ``recorder``."""

from typing import Literal, get_args

from .. import media
from .argument_checks import DIRECTIONS, Recorded
from .bot import Bot
from .call import Call
from .options import OneOf, Options

Cue = Literal["speech", "digit"]
CUES: tuple[Cue, ...] = get_args(Cue)


class RecorderBot(Bot):
    """Answers every call, greets, records, and stays until the caller hangs up.

    Options:
        audio: what callers hear; ``silence`` if not given.
        video: what callers see; ``pattern`` (a moving clock) if not given.
        greeting: what is played or said first, like ``["say:Hello.", "tone:880:500ms"]``.
        until: what the caller does to end the greeting early: ``speech`` or ``digit``.
        direction: what is recorded: ``received``, ``sent``, or ``both``, as it is if not given.
        wav: ``true`` records audio as WAV: stereo, or mono for one direction.
    """

    def read_options(self, options: Options) -> None:
        """Read what callers hear and see, and how calls are recorded."""
        self.audio = options.playable("audio", "audio", "silence")
        self.video = options.playable("video", "video", "pattern")
        self.greeting = options.playable("greeting", "audio", None)
        self.until: Cue | None = options.take("until", OneOf(CUES), None)
        self.direction: Recorded = options.take("direction", OneOf(DIRECTIONS), "both")
        self.wav = options.flag("wav", False)
        if self.until is not None and self.options.get("greeting") is None:
            options.refuse("until", "there is no greeting that could end: give a greeting")
        if self.until == "speech":
            try:
                media.check_speech()
            except media.SpeechError as error:
                options.refuse("until", str(error))

    async def on_call(self, call: Call) -> None:
        """Answer, greet, record."""
        both = self.direction == "both"  # from the first frame on
        await call.answer(audio=self.audio, video=self.video, record=both, wav=self.wav and both)
        if not both:
            await call.record(self.direction, wav=self.wav)
        if self.greeting is not None:
            await call.play(self.greeting, until=self.until)
            await call.play(self.audio)
        await call.ended()
