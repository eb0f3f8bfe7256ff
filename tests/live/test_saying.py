"""What a bot says in a live call, by whatever synthesizer."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callboard.bots import Call, CallOver, Feed, SourceError, Synthesizer, Utterance
from callboard.bots.speaking import espeak_ng
from callboard.media.sources import espeak
from callboard.media.sources.espeak import EspeakSpeech
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, staged
from callboard.tests.live.test_playback import hears
from callboard.tests.media.espeak import needs_espeak


def wave(frequency: int, seconds: float, rate: int) -> Any:
    times = np.arange(int(seconds * rate)) / rate
    return (9000 * np.sin(2 * np.pi * frequency * times)).astype(np.int16)


async def loud(call: Call) -> None:
    """Wait until there is something to hear."""
    async for frame in call.frames("audio"):
        if np.abs(frame.to_ndarray().astype(int)).max() > 1000:
            return


@needs_espeak
def test_a_text_is_heard_as_it_is_synthesized_and_can_be_stopped(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB)
            said = await out.say("-w out.wav", voice="en-us", rate=300)
            assert said.is_over
            assert 0.3 < said.position < 6
            endless = await out.say("one two three four five six. " * 300, wait=False)
            await loud(came)
            await endless.stop()
            await endless.ended
            await hears(came, 0)
            quick = asyncio.Event()
            quick.set()
            assert (await out.say("one two three four. " * 100, until=quick)).is_over
            cut = await out.say("one two three four five six. " * 300, wait=False)
            await loud(came)
            await out.hangup()
            with pytest.raises(CallOver):
                await cut.ended
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)
    assert not (tmp_path / "out.wav").exists()


def test_without_espeak_a_sentence_says_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeak, "PROGRAM", "no-such-program")

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            with pytest.raises(SourceError, match=r"install it .* or give a synthesizer"):
                await out.say("Hello", wait=False)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_synthesizer_that_fails_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeak, "PROGRAM", "false")

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            with pytest.raises(SourceError, match="false failed with status 1"):
                await out.say("Hello")
            assert (await out.status()).phase == "connected"
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_bot_brings_its_own_synthesizer(run: Run, tmp_path: Path) -> None:
    told: list[Utterance] = []
    threads: list[threading.Thread] = []

    def in_a_thread(utterance: Utterance) -> Iterator[bytes]:
        told.append(utterance)
        threads.append(threading.current_thread())
        yield wave(600, 0.5, 24000).tobytes()

    async def on_the_loop(utterance: Utterance) -> AsyncIterator[Any]:
        told.append(utterance)
        yield wave(800, 0.5, 16000)

    async def endless(_: Utterance) -> AsyncIterator[Any]:
        try:
            while True:
                yield wave(1000, 0.5, 16000)
        finally:
            told.append(Utterance("closed"))

    def failing(_: Utterance) -> Iterator[Any]:
        yield wave(600, 0.1, 16000)
        raise OSError("the voice is gone")

    def exiting(_: Utterance) -> Iterator[Any]:
        sys.exit("no voice")

    def no_sound(_: Utterance) -> Iterator[Any]:
        yield "text"

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            stage.puppets[ALICE].synthesizer = Synthesizer(in_a_thread, rate=24000)
            out, came = await stage.connected(ALICE, BOB)
            await hears(came, 440)
            saying = asyncio.ensure_future(out.say("Hello", voice="mine", rate=200))
            await hears(came, 600)
            assert (await saying).position >= 0.5
            assert told == [Utterance("Hello", "mine", 200)]
            assert threads != [threading.main_thread()]
            saying = asyncio.ensure_future(
                out.say("Hello again", synthesizer=Synthesizer(on_the_loop))
            )
            await hears(came, 800)
            await saying
            playback = await out.say("More", synthesizer=Synthesizer(endless), wait=False)
            await hears(came, 1000)
            await out.play("tone:700")
            await playback.ended
            await hears(came, 700)
            assert told[-1] == Utterance("closed")
            for bad, words in (
                (failing, "the voice is gone"),
                (exiting, "SystemExit"),
                (no_sound, "str is no sound"),
            ):
                with pytest.raises(SourceError, match=words):
                    await out.say("Hello", synthesizer=Synthesizer(bad))
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@needs_espeak
def test_espeak_gives_sound_piece_by_piece_and_leaves_nothing_when_it_is_closed() -> None:
    speech = EspeakSpeech("one two three four five six seven eight. " * 200)
    first = next(speech)
    assert first.sample_rate == 22050
    assert first.samples < 22050
    speech.close()
    assert sum(1 for _ in speech) < 100  # what was in the pipe
    speech.reap()
    closed = EspeakSpeech("Hello")
    closed.close()
    with pytest.raises(SourceError, match="not said any more"):
        next(closed)
    closed.reap()


def test_what_can_not_be_a_synthesizer_is_refused() -> None:
    with pytest.raises(TypeError, match="speak is str: give a function"):
        Synthesizer("espeak")  # type: ignore[arg-type] # that is what is tested
    with pytest.raises(ValueError, match="rate of 100 Hz"):
        Synthesizer(espeak_ng().speak, rate=100)
    assert isinstance(espeak_ng().feed(), Feed)
