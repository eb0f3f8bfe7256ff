"""An answering machine: answers each call, plays a greeting, and records what is said."""

import asyncio
import math
import wave
from pathlib import Path

from callboard.bots import Bot, Call

RATE = 48_000
#: A rising chord: hertz and seconds of each note.
NOTES = ((523.25, 0.2), (659.25, 0.2), (783.99, 0.4))


class Greeter(Bot):
    """Answers, greets, and records until the caller hangs up."""

    async def on_start(self) -> None:
        """Make a greeting, unless somebody has put one there."""
        if not self.greeting.exists():
            await asyncio.to_thread(write_greeting, self.greeting)
            self.log.info("made %s; replace it with a greeting of your own", self.greeting.name)

    async def on_call(self, call: Call) -> None:
        """Take one call."""
        await call.answer(record=True)
        await call.play(self.greeting)
        self.log.info("%s has heard the greeting", call.peer)
        record = await call.ended()
        for one in record.recordings:
            if one.failure is not None:
                self.log.warning("no whole recording: %s", one.failure)
            else:
                self.log.info("recorded %.1f s of %s", one.seconds, call.peer)

    @property
    def greeting(self) -> Path:
        """The file that callers hear first."""
        return self.folder / "greeting.wav"


def write_greeting(path: Path) -> None:
    """Write the notes as 16-bit mono.

    Args:
        path: the WAV file.
    """
    samples = bytearray()
    for frequency, seconds in NOTES:
        count = int(RATE * seconds)
        for n in range(count):
            # Notes that begin and end softly do not click.
            loudness = 8_000 * math.sin(math.pi * n / count)
            sample = round(loudness * math.sin(2 * math.pi * frequency * n / RATE))
            samples += sample.to_bytes(2, "little", signed=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
