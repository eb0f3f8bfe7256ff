"""Past calls, as a client of a running instance is told them."""

import time
from pathlib import Path

import pytest
from callboard.control import Client, ControlError
from callboard.control.history.search import Search
from callboard.control.instance import message_log
from callboard.control.models.conversations import ConversationsCommand
from callboard.control.models.history import PastCallCommand
from callboard.control.problem import ProblemKind
from callboard.tests.conftest import Run
from callboard.tests.control.history.past import add, past
from callboard.tests.control.stage import controlled
from callboard.tests.live.stage import ALICE, BOB, CAROL


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


def test_with_whom_there_were_calls_is_known_after_a_restart(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conversations of which nothing was written are in the records of their calls alone."""
    monkeypatch.setattr(message_log, "MOST_CONVERSATIONS", 4)
    log = tmp_path / "calls.jsonl"
    peers = ("ann@x", f"{CAROL}/phone", "eve@x", "ann@x/pc", "old@x")
    for number, peer in enumerate(peers):
        at = 1_000.0 + (number if peer != "old@x" else -10)
        add(log, past(account=ALICE, peer=peer, id=f"c{number}", started=at, ended=at + 0.5))

    async def main() -> None:
        async with (
            controlled(tmp_path, [ALICE, BOB], call_log=log) as (stage, path),
            Client.connected(path) as client,
        ):
            call, _ = await stage.connected(ALICE, BOB)
            wanted = ConversationsCommand(account=ALICE)
            for _ in range(2):  # it is asked of the records once
                found = await client.ask(wanted)
                assert [one.peer for one in found.conversations] == [BOB, "ann@x", "eve@x"]
                assert found.conversations[1].last == "1970-01-01T00:16:43.500Z"
            await call.hangup()
            await stage.record(BOB)

    run(main)
