"""How late live sound is: through a bot, and until one that is interrupted is silent."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import av
import numpy as np
from callboard.benchmarks.leg import LOOPBACK
from callboard.benchmarks.result import Figure, Result, percentile
from callboard.benchmarks.speech import NOISES, PAUSE, scene
from callboard.benchmarks.trial import main, trial, turns
from callboard.media import (
    Connected,
    Direction,
    Echo,
    EncodedFrame,
    Feed,
    Kind,
    MediaEvent,
    PeerConnection,
    ReceivePath,
    Source,
    Speech,
    SpeechBegan,
    SpeechOptions,
    Tone,
)
from callboard.media.codecs.sound import Samples, SoundDecoder
from callboard.media.joining.mix import chime
from callboard.media.sources.encoder import encode_audio
from callboard.media.sources.unit import Unit

RATE = 48_000
#: Noise in which a bot is interrupted: that of `callboard.benchmarks.speech`.
NOISY = ("no noise", "white noise, 20 dB", "pink noise, 10 dB")
#: How loud what a bot says is at least, in samples of 16 bits; below it, it is silent.
LOUD = 1_000
#: Frames that must have been loud for an end of what a bot says to count.
BEFORE = 10


@dataclass(frozen=True)
class Played(Source):
    """Sound that is played over and over."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})
    noisy: str = ""
    count: int = 0

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode it once."""
        del kind
        sound = said(self.noisy, self.count)[0] if self.noisy else beeps()
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        return encode_audio([frame], codec)


def beeps() -> Samples:
    """Make a short tone, with silence before and after it: 0.7 s in all."""
    sound = np.zeros((33_600, 1), np.int16)
    beep = chime(440, seconds=0.1, volume=0.5)
    sound[9_600 : 9_600 + len(beep)] = beep
    return sound


@cache
def said(noisy: str, count: int) -> tuple[Samples, list[float]]:
    """Make what somebody says in noise; gives sound, and when each utterance begins in seconds."""
    sound, begins = scene(*NOISES[noisy], count)
    frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
    frame.sample_rate = 16_000
    resampler = av.AudioResampler("s16", "mono", RATE)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    whole = np.concatenate([part.to_ndarray()[0] for part in parts])
    return whole[: len(whole) // 960 * 960, None], begins


@asynccontextmanager
async def talking(source: Source, answer: Source) -> AsyncIterator[tuple[PeerConnection, Any]]:
    """Connect a caller that plays a source with a bot, in one process.

    Yields:
        The bot's connection, and what the caller sent and received.
    """
    frames: dict[Direction, list[EncodedFrame]] = {way: [] for way in Direction}
    connected = asyncio.Event()

    def hear(event: MediaEvent) -> None:
        if isinstance(event, Connected):
            connected.set()

    caller, bot = (
        PeerConnection(network=LOOPBACK, path=ReceivePath.PACKETS, on_event=each)
        for each in (lambda _: None, hear)
    )
    caller.media.add_sink(lambda way, frame: frames[way].append(frame))
    try:
        offer = await caller.offer(audio=source, video=None)
        await caller.accept(await bot.answer(offer, audio=answer, video=None))
        await connected.wait()
        yield bot, frames
    finally:
        await caller.close()
        await bot.close()


# -- ear to ear ------------------------------------------------------------------------------------


async def delay(kind: str, seconds: float) -> dict[str, Any]:
    """Say how long after it went out a beep comes back, by an echo or by a feed, in ms."""
    feed = Feed(RATE, buffer=0.04)
    async with talking(Played(), Echo() if kind == "echo" else feed) as (bot, frames):
        task = asyncio.ensure_future(pass_on(bot, feed)) if kind != "echo" else None
        await asyncio.sleep(seconds)
        if task is not None:
            task.cancel()
    sent, received = onsets(frames[Direction.SENT]), onsets(frames[Direction.RECEIVED])
    late = [min(at - left for left in sent if left <= at) * 1000 for at in received if at > sent[0]]
    return {"p50": percentile(late, 0.5), "p95": percentile(late, 0.95), "beeps": len(late)}


async def pass_on(connection: PeerConnection, feed: Feed) -> None:
    """Write each frame that is heard, and let hardly any wait on either side."""
    async for frame in connection.media.received.frames("audio", limit=1, rate=RATE, layout="mono"):
        if isinstance(frame, av.AudioFrame):
            await feed.write(frame)


def onsets(frames: list[EncodedFrame]) -> list[float]:
    """Say when each beep began, by when the frame went out or came in that has its beginning."""
    decoder = SoundDecoder("opus")
    found: list[float] = []
    quiet = 10
    for frame in frames:
        sound = np.abs(decoder.decode(frame.data)[:, 0].astype(np.int32))
        loud = np.flatnonzero(sound > 3_000)
        if len(loud) and quiet >= 10:
            found.append(frame.arrival + float(loud[0]) / RATE)
        quiet = 0 if len(loud) else quiet + 1
    return found


# -- barge-in --------------------------------------------------------------------------------------


async def interrupted(noisy: str, count: int) -> dict[str, Any]:
    """Say how long after a caller began to speak it hears a bot no more, in ms."""
    sound, begins = await asyncio.to_thread(said, noisy, count)
    async with talking(Played(noisy, count), Tone()) as (bot, frames):
        playback = bot.media.playing("audio")

        def hear(speech: Speech) -> None:
            nonlocal playback
            if not isinstance(speech, SpeechBegan):
                playback = bot.media.play("audio", Tone())
            elif playback is not None:
                playback.stop()

        hearing = bot.media.received.hear_speech(SpeechOptions(), hear)
        await asyncio.sleep(len(sound) / RATE)
        hearing.close()
    sent = frames[Direction.SENT]
    silent = silences(frames[Direction.RECEIVED])
    spoke = [
        sent[int(begin * 50)].arrival + begin % 0.02
        for begin in begins
        if int(begin * 50) < len(sent)
    ]
    late = [
        1000 * next((at - begin for at in silent if 0 <= at - begin < PAUSE / 2), -1)
        for begin in spoke
    ]
    found = [each for each in late if each >= 0]
    return {
        "found": 100 * len(found) / max(1, len(spoke)),
        "p50": percentile(found, 0.5) if found else 0.0,
        "p95": percentile(found, 0.95) if found else 0.0,
    }


def silences(frames: list[EncodedFrame]) -> list[float]:
    """Say when what a bot says ended, each time."""
    decoder = SoundDecoder("opus")
    found: list[float] = []
    loud = 0
    for frame in frames:
        sound = np.abs(decoder.decode(frame.data)[:, 0].astype(np.int32))
        # A decoder fades out: silent is a frame that ends in silence.
        if sound[-240:].max(initial=0) > LOUD:
            loud += 1
            continue
        if loud >= BEFORE:
            found.append(frame.arrival)
        loud = 0
    return found


# -- the measurement -------------------------------------------------------------------------------


async def measure(quick: bool) -> Result:
    """Measure the one, then the other."""
    seconds = 1.5 if quick else 30.0
    echoed, fed = await turns(
        1,
        lambda: trial(delay, kind="echo", seconds=seconds),
        lambda: trial(delay, kind="feed", seconds=seconds),
        together=quick,
    )
    result = Result(
        "How late live sound is",
        "Opus, both ends in one process. Ear to ear: a beep every 0.7 s, from the frame that goes "
        "out to the one that comes back, through a bot that writes each frame it hears into a "
        "feed; beside it an echo. Barge-in: somebody says sentences of espeak-ng in several voices "
        "with two seconds between them, in noise that is so many dB softer; from the first sound "
        "of each, as it goes out, to the first silent frame that comes back of what the bot plays.",
        [
            Figure(
                f"ear to ear through a feed, {which} ms",
                fed[0][which],
                {"echo": echoed[0][which]},
                reach=f"<= {most}",
                met=fed[0][which] <= most,
            )
            for which, most in (("p50", 80), ("p95", 120))
        ],
    )
    if shutil.which("espeak-ng") is None:
        result.notes.append("Barge-in was not measured: espeak-ng is not installed.")
        return result
    for noisy in NOISY[: 1 if quick else None]:
        found = await trial(interrupted, noisy=noisy, count=1 if quick else 14)
        p95 = found["p95"]
        result.figures += [
            Figure(f"barge-in, {noisy}: p50, ms", found["p50"]),
            Figure(f"barge-in, {noisy}: p95, ms", p95, reach="<= 150", met=p95 <= 150),
            Figure(f"barge-in, {noisy}: stopped for, %", found["found"], better="high"),
        ]
    return result


if __name__ == "__main__":
    main(measure, {"delay": delay, "interrupted": interrupted})
