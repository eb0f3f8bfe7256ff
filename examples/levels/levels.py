"""A meter: hears its callers, and tells them in messages how loud they are."""

import asyncio
import math

import av
import numpy as np
from callboard.bots import Bot, Call, Message

#: Levels below this are silence, in dBFS.
SILENCE = -50.0


class Meter(Bot):
    """Answers, listens, and sends the caller a line of statistics for each second."""

    async def on_call(self, call: Call) -> None:
        """Measure one caller."""
        await call.answer()
        second: list[av.AudioFrame] = []
        async for frame in call.frames("audio"):
            second.append(frame)
            if sum(one.samples for one in second) >= frame.sample_rate:
                await self.send(call.peer, describe(second))
                second.clear()


class Talker(Bot):
    """Calls the meter, makes a noise, falls silent, hangs up, and logs what it is told.

    It goes on when the meter has heard a whole second of each, however long that takes.
    """

    async def on_start(self) -> None:
        """Place the one call."""
        self.told: asyncio.Queue[str] = asyncio.Queue()
        call = await self.call(self.options["to"], audio="tone:440")
        await call.connected()
        await self.until(", 0% silence")
        await call.play("silence")
        await self.until(", 100% silence")
        await call.hangup()

    async def until(self, words: str) -> None:
        """Wait until the meter has said this.

        Args:
            words: how its line ends.
        """
        while not (await self.told.get()).endswith(words):
            pass

    async def on_message(self, message: Message) -> None:
        """Log what the meter says."""
        self.log.info("%s says: %s", message.sender, message.body)
        self.told.put_nowait(message.body)


def describe(frames: list[av.AudioFrame]) -> str:
    """Say how loud some audio is.

    Args:
        frames: frames of 16-bit samples, in order.

    Returns:
        A line with the level, the peak and the share of silent frames.
    """
    samples = np.concatenate([frame.to_ndarray().ravel() for frame in frames]) / 32768
    silent = sum(level(frame.to_ndarray() / 32768) < SILENCE for frame in frames)
    peak = decibels(float(np.abs(samples).max()))
    share = silent / len(frames)
    return f"level {level(samples):.1f} dBFS, peak {peak:.1f} dBFS, {share:.0%} silence"


def level(samples: np.ndarray) -> float:
    """Return the level of samples between -1 and 1, in dBFS (root mean square)."""
    return decibels(float(np.sqrt(np.mean(np.square(samples)))))


def decibels(amplitude: float) -> float:
    """Return an amplitude between 0 and 1 in dBFS, -96 (16 bits) at the least."""
    return max(-96.0, 20 * math.log10(max(amplitude, 1e-9)))
