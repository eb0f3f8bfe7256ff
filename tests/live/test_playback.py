"""What a bot plays in a live call, and what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from callboard.bots import (
    Call,
    CallOver,
    Feed,
    Playback,
    Source,
    SourceError,
    Synthesizer,
    Tone,
    Utterance,
)
from callboard.media import Kind
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, staged
from callboard.tests.media.espeak import needs_espeak


@dataclass(frozen=True)
class Beep(Source):
    """A tone that ends."""

    frequency: int
    frames: int = 25
    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        return islice(Tone(self.frequency).encode(kind, codec), self.frames)


async def hears(call: Call, frequency: int) -> None:
    """Wait until this is what the other side plays; 0 is silence."""
    async for frame in call.frames("audio"):
        sound = frame.to_ndarray().reshape(-1, 2)[:, 0].astype(float)
        if np.abs(sound).max() < 200:
            heard = 0.0
        else:
            spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
            heard = float(np.argmax(spectrum) * frame.sample_rate / len(sound))
        if abs(heard - frequency) <= 50:
            return


def test_a_playback_is_a_thing(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB)
            playback = await out.play("tone:600")
            assert isinstance(playback, Playback)
            await hears(came, 600)
            assert not playback.is_over
            at = playback.position
            assert 0 < at < 20
            await playback.seek(4)
            assert playback.position < 5
            await playback.gain(-6)
            await hears(came, 600)
            await playback.stop()
            await playback.ended
            await playback.ended
            await hears(came, 0)
            assert playback.is_over
            stopped = playback.position
            await playback.stop()
            await playback.seek(1)
            assert playback.position == stopped

            replaced = await out.play(Beep(700, 5000), wait=False)
            beeps = await out.play([Beep(800), Beep(900)], loop=2)
            await replaced.ended
            assert beeps.is_over
            assert beeps.position == pytest.approx(0.5)
            loop = await out.play(Beep(1000), loop=True)
            await hears(came, 1000)

            broken = await out.play([Beep(1100, 2), Broken()], wait=False)
            await loop.ended
            with pytest.raises(SourceError, match="the tape tore"):
                await broken.ended
            with pytest.raises(ValueError, match="seconds is -1"):
                await broken.seek(-1)

            cut = await out.play(Beep(700, 5000), wait=False)
            await came.hangup()
            with pytest.raises(CallOver, match="the call is over"):
                await cut.ended
            await cut.stop()
            with pytest.raises(CallOver, match="the call is over"):
                await cut.gain(3)
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@dataclass(frozen=True)
class Broken(Source):
    """Fails at once."""

    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        raise OSError("the tape tore")
        yield


def test_a_playback_ends_when_its_time_has_come(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB)
            pressed = asyncio.Event()
            playing = asyncio.ensure_future(out.play("tone:600", until=pressed))
            await hears(came, 600)
            pressed.set()
            assert (await playing).is_over
            await hears(came, 0)

            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            playback = await out.play("tone:700", until=future, wait=False)
            await hears(came, 700)
            await playback.stop()
            await playback.ended
            assert not future.cancelled()
            later = await out.play("tone:800", until=future, wait=False)
            future.set_exception(LookupError("nobody is free"))
            with pytest.raises(LookupError, match="nobody is free"):
                await later.ended
            await out.play(Beep(600), until=asyncio.Event())  # its own end comes first
            await out.hangup()
            with pytest.raises(CallOver):
                await out.play("tone", until=asyncio.Event())
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_who_is_on_hold_hears_music_and_then_what_was_played(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB)
            story = await out.play(Beep(600, 5000), wait=False)
            await hears(came, 600)
            await out.hold(play=Beep(900, 10))
            await hears(came, 900)
            held_at = story.position
            for _ in range(15):  # it lasts ten frames, and is played again and again
                await hears(came, 900)
            await out.mute()
            await hears(came, 0)
            await out.mute(on=False)
            await hears(came, 900)
            assert story.position == held_at
            await out.hold(play="tone:1200")
            await hears(came, 1200)
            await out.hold()
            await hears(came, 0)
            await out.hold(on=False)
            await hears(came, 600)
            assert held_at < story.position < held_at + 5

            await out.mute()
            await out.hold()
            await out.hold(on=False)
            await hears(came, 0)  # it is muted still
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_feed_is_played_until_it_is_closed_and_drained(run: Run, tmp_path: Path) -> None:
    tone = (9000 * np.sin(2 * np.pi * 600 * np.arange(16000) / 16000)).astype(np.int16)

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB)
            came = await stage.ringing(BOB)
            first = Feed(rate=16000, buffer=2)
            await first.write(tone)
            await came.answer(audio=first)
            await out.connected()
            await hears(out, 600)

            feed = Feed(rate=16000)
            playing = asyncio.ensure_future(came.play(feed))
            await feed.write(tone)
            await hears(out, 600)
            feed.close()
            playback = await playing
            assert playback.is_over
            assert playback.position >= 1
            with pytest.raises(SourceError, match="not played any more"):
                await first.write(tone)
            with pytest.raises(SourceError, match="played once"):
                await came.play(feed)
            with pytest.raises(ValueError, match="nothing to seek"):
                await (await came.play(Feed(), wait=False)).seek(1)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def hum(_: Utterance) -> Iterator[bytes]:
    """A voice without an end."""
    wave = 9000 * np.sin(2 * np.pi * 600 * np.arange(1600) / 16000)
    return repeat(wave.astype(np.int16).tobytes())


#: What a bot lets its peer hear, without an end of its own, until something happens.
BEGINS: dict[str, Callable[[Call, Any], Awaitable[Playback]]] = {
    "play": lambda call, until: call.play("tone:600", until=until),
    "say": lambda call, until: call.say("Hm", synthesizer=Synthesizer(hum), until=until),
}


@needs_espeak
@pytest.mark.parametrize("begin", BEGINS.values(), ids=BEGINS)
def test_a_playback_ends_as_soon_as_the_peer_speaks(
    run: Run, tmp_path: Path, begin: Callable[[Call, Any], Awaitable[Playback]]
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB, audio="silence")
            playing = asyncio.ensure_future(begin(out, "speech"))
            await hears(came, 600)
            speaking = await came.say("Hello, is anybody there? " * 10, wait=False)
            assert (await playing).is_over
            assert not speaking.is_over
            await hears(came, 0)
            await speaking.stop()
            with pytest.raises(ValueError, match="sends no video"):
                await out.play("pattern", kind="video", until="speech")
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@pytest.mark.parametrize("begin", BEGINS.values(), ids=BEGINS)
def test_a_playback_ends_as_soon_as_the_peer_presses_a_key(
    run: Run, tmp_path: Path, begin: Callable[[Call, Any], Awaitable[Playback]]
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB, audio="silence")
            playing = asyncio.ensure_future(begin(out, "digit"))
            await hears(came, 600)
            await came.press("5")
            assert (await playing).is_over
            await hears(came, 0)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)
