"""The switchboard among the examples, with callers and agents that do what a test wants."""

import importlib.util
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callboard.bots import Bot, Call, CallOver, Synthesizer, Utterance
from callboard.tests.conftest import Run
from callboard.tests.live import heard
from callboard.tests.live.stage import ALICE, BOB, CAROL, Stage, staged
from callboard.tests.live.test_playback import hears

BOARD, DAVE = "board@localhost", "dave@localhost"
FILE = Path(__file__).parents[2] / "examples" / "switchboard" / "switchboard.py"
#: In Hz: what the voice of the tests sounds like, one note of the music, what agents send.
VOICE, NOTE, AGENT = 1500, 784, 1000


def example() -> type[Bot]:
    """The class, as a program of its own has it."""
    spec = importlib.util.spec_from_file_location("switchboard", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: type[Bot] = module.Switchboard
    return found


class Words:
    """A voice that notes what it is to say, and says a short tone."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.synthesizer = Synthesizer(self._speak, rate=8000)

    def numbers(self) -> list[str]:
        """The places in the queue that were said."""
        return [found[1] for text in self.said if (found := re.search(r"number (\d+)", text))]

    def _speak(self, utterance: Utterance) -> Iterator[Any]:
        self.said.append(utterance.text)
        times = np.arange(4000) / 8000
        yield (9000 * np.sin(2 * np.pi * VOICE * times)).astype(np.int16)


@asynccontextmanager
async def board(folder: Path, **options: Any) -> AsyncIterator[tuple[Stage, Words]]:
    """A switchboard whose agent is Bob, and callers."""
    words = Words()
    kind = type("Switchboard", (example(),), {"synthesizer": words.synthesizer})
    options = {"agents": BOB, "pause": "100ms", **options}
    entry = {"jid": BOARD, "bot": "switchboard", "options": options}
    async with staged(
        folder, [entry, ALICE, BOB, CAROL, DAVE], bots={"switchboard": kind}
    ) as stage:
        yield stage, words


async def called(stage: Stage, caller: str, keys: str, tone: int = 300) -> Call:
    """A call to the switchboard that has heard its voice, and pressed these keys."""
    call = await stage.puppets[caller].call(BOARD, audio=f"tone:{tone}")
    await call.connected()
    await hears(call, VOICE)
    await call.press(keys)
    return call


async def rung(stage: Stage, *before: Call) -> Call:
    """The next call that rings at the agent's."""
    known = {call.id for call in before}
    return await stage.told(BOB, Call, lambda call: call.id not in known)


@pytest.mark.parametrize(("keys", "who_leaves"), [("1", "caller"), ("71", "agent"), ("", "caller")])
def test_a_caller_talks_to_the_agent(run: Run, tmp_path: Path, keys: str, who_leaves: str) -> None:
    async def main() -> None:
        async with board(tmp_path) as (stage, words):
            if keys:
                caller = await called(stage, ALICE, keys)
            else:
                caller = await stage.puppets[ALICE].call(BOARD, audio="tone:300")
            agent = await rung(stage)
            await hears(caller, NOTE)
            await agent.answer(audio=f"tone:{AGENT}")
            await hears(caller, AGENT)
            await hears(agent, 300)
            leaves, stays = (caller, agent) if who_leaves == "caller" else (agent, caller)
            await leaves.hangup()
            assert (await stays.ended()).reason == "success"
            assert any("behind 7" in text for text in words.said) is ("7" in keys)

    run(main)


def test_who_waits_keeps_its_place(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with board(tmp_path, ringing="4s") as (stage, words):
            alice = await called(stage, ALICE, "1")
            first = await rung(stage)
            await first.answer(audio=f"tone:{AGENT}")
            await hears(alice, AGENT)

            carol = await called(stage, CAROL, "1")
            await hears(carol, NOTE)
            dave = await called(stage, DAVE, "1", 400)
            await hears(dave, NOTE)
            assert words.numbers() == ["1", "2"]
            await carol.hangup()
            await hears(dave, VOICE)
            assert words.numbers() == ["1", "2", "1"]

            await alice.hangup()
            second = await rung(stage, first)
            await second.decline()
            third = await rung(stage, first, second)
            with pytest.raises(CallOver):  # nobody answers it, so the switchboard gives up
                await third.connected()
            fourth = await rung(stage, first, second, third)
            await hears(dave, NOTE)
            await fourth.answer(audio=f"tone:{AGENT}")
            await hears(dave, AGENT)
            await hears(fourth, 400)
            await dave.hangup()
            await fourth.ended()

    run(main)


def test_who_hangs_up_while_it_rings_calls_nobody(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with board(tmp_path) as (stage, _):
            alice = await called(stage, ALICE, "1")
            first = await rung(stage)
            await alice.hangup()
            await first.ended()
            carol = await called(stage, CAROL, "1")
            second = await rung(stage, first)
            await second.answer(audio=f"tone:{AGENT}")
            await hears(carol, AGENT)

    run(main)


@pytest.mark.parametrize(("keys", "ends_by"), [("1", "key"), ("2", "hangup")])
def test_a_caller_leaves_a_message(run: Run, tmp_path: Path, keys: str, ends_by: str) -> None:
    async def main() -> None:
        async with board(tmp_path, patience="1s", ringing="1s") as (stage, words):
            alice = await called(stage, ALICE, keys)
            await hears(alice, 880)
            assert any("nobody can come" in text for text in words.said) is (keys == "1")
            await alice.play("tone:350", wait=False)
            await hears(alice, 0)
            await alice.play("tone:350:500ms")
            if ends_by == "key":
                await alice.press("#")
                assert (await alice.ended()).reason == "success"
            else:
                await alice.hangup()
            record = await stage.record(BOARD, alice.id)
            [message] = record.recordings
            assert message.failure is None
            assert message.path is not None
            [[pitch]] = heard.tones(Path(message.path))
            assert pitch == pytest.approx(350, abs=5)

    run(main)
