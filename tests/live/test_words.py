"""What peers are told when a call ends: nothing of how things are called in here."""

from pathlib import Path
from typing import Any

import pytest
from callboard.actors.call.signalling import WORDS
from callboard.bots import Bot, Call
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage, staged


class Secretive(Bot):
    async def on_call(self, call: Call) -> None:
        raise ValueError("the password of the database is hunter2")


class Patient(Bot):
    async def on_call(self, call: Call) -> None:
        await call.ended()


class Ready(Bot):
    async def on_call(self, call: Call) -> None:
        await call.answer()


@pytest.mark.parametrize(
    ("bot", "calls", "own"),
    [
        (Secretive, {}, "Secretive"),
        (Patient, {"ring_timeout": 0.5}, "nobody answered"),
        (Ready, {"max_duration": 0.5}, "calls.max_duration"),
        (Ready, {"from": "*@elsewhere.test"}, "calls.from"),
        (Ready, {"answer": "never"}, "calls.answer"),
        (Ready, {"video": False}, ""),
    ],
    ids=["bot", "ring_timeout", "max_duration", "from", "answer", "nothing"],
)
def test_a_peer_hears_no_names_of_ours(
    run: Run, tmp_path: Path, bot: type[Bot], calls: dict[str, Any], own: str
) -> None:
    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "other", "calls": calls}]
        async with staged(tmp_path, accounts, {"other": bot}) as stage:
            call = await placed(stage)
            if not own:
                await call.connected()
                await call.hangup()
            heard = (await call.ended()).text
            assert heard in {"", *(f'the peer says "{words}"' for words in WORDS.values())}
            assert own in (await stage.record(BOB)).text

    run(main)


async def placed(stage: Stage) -> Call:
    """Let alice call the one device of bob's, so that the end is a session-terminate."""
    device = (await stage.account(BOB))._session.jid
    return await stage.puppets[ALICE].call(device, message=False)
