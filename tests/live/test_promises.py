"""Whoever waits for a call that is to be placed hears of it, whatever ends before."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.account import AccountRef, PlaceCall
from callboard.actors.messages.call import CallOver
from callboard.actors.runtime.tasks import Crash
from callboard.media import Silence
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, PATIENCE, staged


@pytest.mark.parametrize("what", ["conversation", "account"])
@pytest.mark.parametrize("how", ["kill", "crash", "stop"])
def test_a_call_whose_conversation_ends_first_is_over(
    run: Run, tmp_path: Path, what: str, how: str
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE], guests=["bob"]) as stage:
            account = await stage.account(ALICE)
            ref: AccountRef = account.actor_ref
            order = PlaceCall(f"{BOB}/nobody", Silence(), None)
            placed = await ref.request(order, timeout=PATIENCE)
            ending: Any = ref if what == "account" else account._conversations[BOB]
            match how:
                case "kill":
                    ending.kill()
                case "crash":
                    ending.tell(Crash(RuntimeError("a bug")))
                case "stop":
                    ending.stop(block=False)
            await ending.ended
            async with asyncio.timeout(PATIENCE):
                try:
                    call = await placed
                except CallOver:
                    return
                # It was placed just before the end, and has ended with it.
                await call.ended

    run(main)
