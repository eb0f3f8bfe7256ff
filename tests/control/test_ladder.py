"""The ladder of a call that goes on, and of one that has ended, over the control socket."""

from pathlib import Path

import pytest
from callboard.control import Client, ControlError
from callboard.control.models.ladder import LadderCommand
from callboard.control.problem import ProblemKind
from callboard.tests.conftest import Run
from callboard.tests.control.stage import controlled
from callboard.tests.live.stage import ALICE, BOB


def test_the_ladder_of_a_call_grows_and_is_found_when_it_has_ended(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            controlled(tmp_path, [ALICE, BOB]) as (stage, path),
            Client.connected(path) as client,
        ):
            call, _ = await stage.connected(ALICE, BOB)
            await stage.step(ALICE, "first-audio")
            for name in (call.id, call.id[:8]):
                going = (await client.ask(LadderCommand(call=name))).ladder
                assert (going.id, going.account, going.state) == (call.id, ALICE, "running")
                assert going.cause == ""
                assert {"propose (audio)", "first audio"} <= {one.text for one in going.rungs}
            other = (await client.ask(LadderCommand(call=call.id, account=BOB))).ladder
            assert other.account == BOB
            await call.hangup()
            records = [await stage.record(one) for one in (ALICE, BOB)]
            for name in (call.id, records[0].uuid, records[0].uuid[:8]):
                ended = (await client.ask(LadderCommand(call=name))).ladder
                assert (ended.uuid, ended.state) == (records[0].uuid, "completed")
                assert ended.rungs[: len(going.rungs)] == going.rungs
            last = (await client.ask(LadderCommand(call="last"))).ladder
            assert last.id == call.id
            for name in ("last-failed", "no-such-call"):
                with pytest.raises(ControlError) as refused:
                    await client.ask(LadderCommand(call=name))
                assert refused.value.kind is ProblemKind.UNKNOWN_CALL

    run(main)
