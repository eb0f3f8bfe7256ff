"""Past calls, as a client of a running instance is told them."""

import time
from pathlib import Path

import pytest
from callboard.control import Client, ControlError
from callboard.control.history.search import Search
from callboard.control.models.history import PastCallCommand
from callboard.control.problem import ProblemKind
from callboard.tests.conftest import Run
from callboard.tests.control.history.past import add, past
from callboard.tests.control.stage import controlled
from callboard.tests.live.stage import ALICE, BOB


def test_past_calls_are_told(run: Run, tmp_path: Path) -> None:
    now = time.time()
    add(
        tmp_path / "calls.jsonl",
        *(past(id=f"old-{n}", started=now - 1000 - n, ended=now - 500 - n) for n in range(5)),
    )

    async def main() -> None:
        async with (
            controlled(tmp_path, [ALICE, BOB], call_log=tmp_path / "calls.jsonl") as (stage, path),
            Client.connected(path) as client,
        ):
            call, _ = await stage.connected(ALICE, BOB)
            assert (await client.ask(Search(peer=ALICE, since=now))).total == 0
            await call.hangup()
            mine, theirs = await stage.record(ALICE), await stage.record(BOB)
            found = await client.ask(Search(since=now))
            assert {one.uuid for one in found.calls} == {mine.uuid, theirs.uuid}
            page = await client.ask(Search(until=now, limit=3))
            assert [one.id for one in page.calls] == ["old-0", "old-1", "old-2"]
            assert (page.total, page.skipped) == (5, 0)
            rest = await client.ask(Search(until=now, limit=3, after=page.next))
            assert ([one.id for one in rest.calls], rest.next) == (["old-3", "old-4"], None)
            one = await client.ask(PastCallCommand(call=mine.uuid[:13]))
            assert (one.call.uuid, one.call.state) == (mine.uuid, "completed")
            for name, kind in (
                ("nobody", ProblemKind.UNKNOWN_CALL),
                (call.id, ProblemKind.AMBIGUOUS_CALL),
            ):
                with pytest.raises(ControlError) as refused:
                    await client.ask(PastCallCommand(call=name))
                assert refused.value.kind is kind

    run(main)
