"""A conference: who calls is told how many are there, and then hears and sees them."""

import asyncio
from contextlib import aclosing

import numpy as np
from callboard.bots import Bot, Call, Options, Room, SourceError, Tone

#: Samples a second that guests listen to, in Hz: enough for what they hum.
RATE = 8_000


class Conference(Bot):
    """One room for all who call."""

    async def on_start(self) -> None:
        """Open the room."""
        self.room = Room()

    async def on_call(self, call: Call) -> None:
        """Let one caller in. The room lets it go when it hangs up."""
        await call.answer(video="silence")  # black, until somebody speaks
        await announce(call, len(await self.room.speakers()))
        await self.room.add(call)
        self.log.info("%s has joined, %d here", call.peer, len(await self.room.speakers()))

    async def on_stop(self) -> None:
        """Close the room."""
        await self.room.close()


async def announce(call: Call, others: int) -> None:
    """Tell a caller how many it will meet: in words, or by a beep for each.

    Args:
        call: who is told.
        others: how many are in the room.
    """
    there = "are" if others > 1 else "is"
    try:
        await call.say(f"There {there} {others or 'nobody'} in the room.")
    except SourceError:  # espeak-ng is not installed
        for _ in range(others):
            await call.play(Tone(880), until=asyncio.sleep(0.1))
            await call.play("silence", until=asyncio.sleep(0.1))


class Guest(Bot):
    """Calls, hums a tone, and logs which tones it hears."""

    def read_options(self, options: Options) -> None:
        """Read whom to call, when, and what to hum."""
        self.to = options.text("to", "conference@localhost")
        self.after = options.seconds("after", 0)
        self.tone = options.take("tone", Tone, Tone(440))

    async def on_start(self) -> None:
        """Stay until the conference is over."""
        await asyncio.sleep(self.after)
        call = await self.call(self.to, audio=self.tone)
        await call.connected()
        before: list[int] = []
        second: list[np.ndarray] = []
        async with aclosing(call.frames("audio", rate=RATE, layout="mono")) as frames:
            async for frame in frames:
                second.append(frame.to_ndarray().ravel())
                if sum(map(len, second)) < RATE:
                    continue
                found = tones(np.concatenate(second))
                second.clear()
                if found and found != before:
                    self.log.info("I hear %s", " and ".join(f"{one} Hz" for one in found))
                    before = found


def tones(sound: np.ndarray) -> list[int]:
    """Return the tones that some sound is made of, if that is all it is made of.

    Args:
        sound: a second of 16-bit samples.

    Returns:
        Frequencies in Hz, the lowest first; none for speech, noise or silence.
    """
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    whole = power.sum()
    found = []
    while power.max() > max(whole / 20, 1e9):
        peak = int(power.argmax())
        found.append(round(peak * RATE / len(sound)))
        power[max(0, peak - 5) : peak + 6] = 0
    return sorted(found) if power.sum() < whole / 20 else []
