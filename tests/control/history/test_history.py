"""The history beside an event loop."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from callboard.config.keep import Keep
from callboard.control.history import history as module
from callboard.control.history import upkeep as upkeep_module
from callboard.control.history.history import History
from callboard.control.history.index import Index
from callboard.control.history.retention import RecordingsRemoved
from callboard.control.history.search import Search, UnknownCallError
from callboard.control.history.upkeep import Upkeep
from callboard.tests.conftest import Run
from callboard.tests.control.history.past import NOON, add, past, recorded

T = TypeVar("T")

KEEP = Keep.model_validate({"for": "1d"})


def rows(index: Path) -> int:
    with closing(sqlite3.connect(index)) as database:
        (count,) = database.execute("SELECT count(*) FROM calls").fetchone()
    return int(count)


def test_the_index_takes_in_what_comes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHER", 0.01)
    log = tmp_path / "calls.jsonl"

    async def main() -> None:
        loop = asyncio.get_running_loop()
        used: asyncio.Queue[None] = asyncio.Queue()
        real = Index.use

        def use(index: Index, work: Callable[[sqlite3.Connection], T]) -> T:
            try:
                return real(index, work)
            finally:
                loop.call_soon_threadsafe(used.put_nowait, None)

        monkeypatch.setattr(Index, "use", use)
        history = History(log, tmp_path)
        try:
            for number in range(1, 4):
                one = past()
                add(log, one)
                history.hear("anything else")
                history.hear(one)
                history.hear(one)
                await used.get()
                assert await asyncio.to_thread(rows, tmp_path / "calls.jsonl.index") == number
            assert used.empty()
            assert (await history.search(Search(limit=2))).total == 3
            assert (await history.find(one.uuid)).record == one
            with pytest.raises(UnknownCallError):
                await history.find("nobody")
        finally:
            await history.close()

    run(main)


def test_it_ends_while_a_long_log_is_read(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST", 0.5)  # it would take two hours
    log = tmp_path / "calls.jsonl"
    add(log, *(past() for _ in range(3000)))

    async def main() -> None:
        history = History(log, tmp_path)
        searching = asyncio.create_task(history.search(Search()))
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await history.close()
            await asyncio.wait({searching})
        searching.exception()

    run(main)


def test_a_sweep_that_fails_is_said_and_tried_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep_module, "EVERY", 0.01)
    log, folder = tmp_path / "calls.jsonl", tmp_path / "recordings"
    one = recorded(folder / "20261128t120000z-desk.ogg")
    add(log, past(started=NOON - 10 * 86400, ended=NOON - 10 * 86400, recordings=(one,)))
    tries: list[int] = []
    removed = tmp_path / "calls.jsonl.removed"
    removed.symlink_to("/dev/full")

    async def main() -> RecordingsRemoved:
        history = History(log, folder)
        told: asyncio.Future[RecordingsRemoved] = asyncio.get_running_loop().create_future()

        def keep() -> Keep:
            tries.append(threading.get_ident())
            if len(tries) == 3:
                removed.unlink()
            return KEEP

        upkeep = Upkeep(history, keep, told.set_result)
        try:
            return await told
        finally:
            await upkeep.close()
            await history.close()

    with caplog.at_level(logging.INFO):
        assert run(main).recordings == 1
    assert len(tries) >= 3
    assert "can't be removed" in caplog.text
    assert "removed 1 recording" in caplog.text


def test_without_limits_nothing_is_removed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_module, "EVERY", 0.001)
    log, folder = tmp_path / "calls.jsonl", tmp_path / "recordings"
    one = recorded(folder / "20261128t120000z-desk.ogg")
    add(log, past(started=1.0, ended=1.0, recordings=(one,)))
    asked = 0

    async def main() -> None:
        nonlocal asked
        history = History(log, folder)
        enough = asyncio.Event()

        def keep() -> None:
            nonlocal asked
            asked += 1
            if asked == 3:
                enough.set()

        upkeep = Upkeep(history, keep, lambda _: None)
        await enough.wait()
        await upkeep.close()
        await history.close()

    run(main)
    assert Path(one.path or "").exists()
