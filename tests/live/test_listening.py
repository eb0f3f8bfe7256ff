"""What a bot hears of its peer, over a real server."""

import asyncio
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from callboard.bots import Bot, Call, SpeechBegan, SpeechEnded
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage, Told, staged
from callboard.tests.media.espeak import needs_espeak, write_speech
from callboard.tests.media.hearing.sound import pitch

BOTS: list[str | dict[str, str]] = [ALICE, BOB]


def test_a_bot_hears_at_the_rate_that_it_asks_for(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, BOTS) as stage:
            _, call = await stage.connected(ALICE, BOB, audio="tone:700")
            heard = []
            async for frame in call.frames("audio", rate=16000, layout="mono"):
                assert (frame.samples, frame.sample_rate, frame.layout.name) == (320, 16000, "mono")
                heard.append(frame)
                if len(heard) == 50:
                    break
            assert {b.pts - a.pts for a, b in pairwise(heard)} == {320}
            sound = np.concatenate([frame.to_ndarray()[0] for frame in heard[10:]])
            assert pitch(sound, 16000) == pytest.approx(700, abs=3)

    run(main)


@needs_espeak
def test_speech_is_found_once_and_has_what_was_said(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "speech.wav"
    write_speech(file, "Good morning, I am calling about my order of last week.")

    async def main() -> None:
        async with staged(tmp_path, BOTS) as stage:
            peers, call = await stage.connected(ALICE, BOB, audio="silence")
            speech = call.speech()
            async with asyncio.TaskGroup() as both:
                both.create_task(peers.play(str(file)))
                began, ended = await anext(speech), await anext(speech)
            assert isinstance(began, SpeechBegan)
            assert isinstance(ended, SpeechEnded)
            seconds = len(ended.pcm) / 16000
            assert 2.0 < seconds < 5.0
            # It begins `pre_roll` before the speech, and ends with the silence after it.
            assert seconds - (ended.ended - ended.began) > 0.5
            assert np.abs(ended.pcm.astype(np.int32)).max() > 3000
            await call.hangup()
            assert [each async for each in speech] == []

    run(main)


class Clerk(Bot):
    """Takes down what its callers say."""

    stage: Stage

    async def on_call(self, call: Call) -> None:
        await call.answer()
        async for speech in call.speech(min_silence="10s"):
            self.stage.see(Told(self.account, type(speech).__name__))


@needs_espeak
def test_the_last_words_before_a_hangup_are_heard(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "speech.wav"
    write_speech(file, "One two three four.")
    bots: list[str | dict[str, str]] = [ALICE, {"jid": BOB, "bot": "clerk"}]

    async def main() -> None:
        async with staged(tmp_path, bots, {"clerk": Clerk}) as stage:
            Clerk.stage = stage
            call = await stage.puppets[ALICE].call(BOB, audio="silence")
            await call.connected()
            plays = asyncio.create_task(call.play(str(file)))
            await stage.told(BOB, str, lambda e: e == "SpeechBegan")
            await plays
            await call.hangup()
            await stage.told(BOB, str, lambda e: e == "SpeechEnded")

    run(main)
