"""What one stranger may cost: answers, records and warnings are bounded, and told once."""

import asyncio
from pathlib import Path

import pytest
from callboard.actors.call_rate import AT_ONCE, RATE
from callboard.actors.records.call_record import CallRecord
from callboard.actors.xmpp.stanza import iq_set
from callboard.bots import Message
from callboard.jingle import Propose
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, staged

FLOOD = 3000


@pytest.mark.parametrize("direct", [False, True], ids=["proposals", "sessions"])
@pytest.mark.parametrize("listed", [False, True], ids=["refused", "over the limit"])
def test_a_flood_of_calls_by_one_stranger_leaves_few_records(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, direct: bool, listed: bool
) -> None:
    policy = {"from": ["*@localhost"] if listed else [BOB], "limit": 1}

    async def main() -> None:
        async with (
            staged(tmp_path, [{"jid": ALICE, "calls": policy}], guests=["carol"]) as stage,
            Device(stage, "carol@localhost/device") as device,
        ):
            account = await stage.account(ALICE)
            device.hand_to(account)  # as fast as a server that knows no limit of its own
            loop = asyncio.get_running_loop()
            began = loop.time()
            for number in range(FLOOD):
                if direct:
                    device.send(iq_set(account._session.jid, device.initiate(f"sid-{number}")))
                else:
                    device.say(account._session.jid, Propose(f"sid-{number}", ("audio",)))
                if not number % 100:
                    await asyncio.sleep(0)
            device.text(account._session.jid, "after all of them")
            await stage.told(ALICE, Message)
            assert (await stage.record(ALICE)).peer == device.jid
            most = AT_ONCE + RATE * (loop.time() - began)
            assert len(stage.all(CallRecord)) <= most < FLOOD / 2
            assert (tmp_path / "calls.jsonl").stat().st_size <= 1000 * most
        assert sum("dropped" in one.getMessage() for one in caplog.records) == 1

    run(main)
