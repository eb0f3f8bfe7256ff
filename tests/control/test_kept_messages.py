"""Messages of conversations on disk, only if the file says so."""

import asyncio
import logging
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Message
from callboard.config.keep import Keep
from callboard.control.instance import message_files, message_keeper
from callboard.control.instance.message_files import (
    Kept,
    KeptDelivery,
    KeptMessage,
    MessageFiles,
)
from callboard.control.instance.message_keeper import MessageKeeper
from callboard.control.instance.message_log import MessageLog
from callboard.control.models.conversations import ChatText
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.web.http import ask
from callboard.tests.web.stage import TOKENS, boarded

SECRET = "the parrot is not dead"
MESSAGES = f"/api/accounts/{ALICE}/conversations/{BOB}/messages"


def a_message(number: int, body: str = "Hello") -> KeptMessage:
    text = ChatText(
        time="2026-11-29T10:00:00.000Z",
        direction="out",
        author="bot",
        body=body,
        id=f"m{number}",
        delivery="sent",
    )
    return KeptMessage(ALICE, BOB, text)


def written(folder: Path, *kept: Kept, **limits: int) -> MessageFiles:
    files = MessageFiles(folder, **limits)
    for one in kept:
        files.append([one])
    files.close()
    return files


async def talked(folder: Path, **settings: Any) -> list[Any]:
    """Let one write to the other; return what the board then has of the conversation."""
    async with boarded(folder, [ALICE, BOB], **settings) as (stage, port):
        await stage.puppets[ALICE].send(BOB, SECRET)
        heard = await stage.told(BOB, Message)
        await heard.reply(SECRET.upper())
        await stage.told(ALICE, Message)
        answer = await ask(port, MESSAGES, token=TOKENS["listen"])
        return list(answer.json["messages"])


def test_nothing_is_on_disk_unless_the_file_says_so(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        assert len(await talked(tmp_path)) == 2

    run(main)
    files = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert files  # records at the least
    for one in files:
        assert SECRET.encode() not in one.read_bytes().lower()


def test_they_are_read_back_after_a_restart(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "messages"

    async def main() -> None:
        first = await talked(tmp_path, messages=folder)
        second = await talked(tmp_path, messages=folder)
        assert second[:2] == first
        assert [one["body"] for one in second] == [SECRET, SECRET.upper()] * 2

    run(main)
    files = sorted(folder.iterdir())
    assert len(files) == 2  # one of each run
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}


def test_deliveries_are_kept_and_damage_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    delivered = KeptDelivery(ALICE, BOB, "m1", "received")
    files = written(tmp_path, a_message(1), delivered, a_message(2))
    [file] = tmp_path.iterdir()
    with file.open("ab") as torn:
        torn.write(b'{"account": 1}\n\xff\n{"account":"' + ALICE.encode())
    (tmp_path / "notes.txt").write_text("no file of ours")
    log = MessageLog()
    log.restore(files.read())
    found = log.texts(ALICE, BOB)
    assert [(one.id, one.delivery) for one in found] == [("m1", "received"), ("m2", "sent")]
    assert "3 damaged lines are left out" in caplog.text


def test_files_are_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    files = written(tmp_path, *map(a_message, range(20)), largest=1_000, most=3_000)
    count = len(list(tmp_path.iterdir()))
    assert count > 3
    assert files.remove(None) == count - len(list(tmp_path.iterdir())) > 0
    assert _octets(tmp_path) <= 3_000
    kept = [one.text.id for one in files.read() if isinstance(one, KeptMessage)]
    assert kept == [f"m{number}" for number in range(20)][-len(kept) :]


def _octets(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.iterdir())


def test_what_is_older_than_the_file_says_goes(tmp_path: Path) -> None:
    files = written(tmp_path, a_message(1))
    [old] = tmp_path.iterdir()
    os.utime(old, (time.time() - 7_200,) * 2)
    other = tmp_path / "messages-of-somebody.jsonl"
    other.touch()
    os.utime(other, (0, 0))
    files.append([a_message(2)])
    assert files.remove(86_400) == 0
    assert files.remove(3_600) == 1
    files.close()
    assert not old.exists()
    assert other.exists()
    assert [one.text.id for one in files.read() if isinstance(one, KeptMessage)] == ["m2"]


def test_a_link_is_neither_followed_nor_removed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "messages", tmp_path / "outside.jsonl"
    folder.mkdir()
    outside.write_text("{}\n")
    link = folder / "messages-20200101t000000z.jsonl"
    link.symlink_to(outside)
    files = written(folder, a_message(1), most=1)
    assert len(list(files.read())) == 1
    files.remove(0)
    assert outside.exists()
    assert link.is_symlink()


def test_a_disk_that_takes_nothing_is_told_once_and_nothing_is_lost(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_keeper, "AGAIN", 0.01)
    caplog.set_level(logging.INFO)
    folder = tmp_path / "messages"
    folder.write_text("in the way")

    async def main() -> None:
        keeper = MessageKeeper(MessageFiles(folder), lambda: Keep.model_validate({"for": "1h"}))
        for number in range(3):
            keeper.keep(a_message(number))
        async with asyncio.timeout(30):
            while "messages can't be kept" not in caplog.text:  # noqa: ASYNC110 - it tells the log
                await asyncio.sleep(0.01)
            await asyncio.to_thread(folder.unlink)
            while "messages can be kept again" not in caplog.text:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
        keeper.keep(a_message(3))
        await keeper.close()

    run(main)
    assert caplog.text.count("messages can't be kept") == 1
    kept = [one.text.id for one in MessageFiles(folder).read() if isinstance(one, KeptMessage)]
    assert kept == ["m0", "m1", "m2", "m3"]


def test_only_the_newest_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = written(tmp_path, *map(a_message, range(20)), largest=1_000)
    monkeypatch.setattr(message_files, "MOST_READ", 1_500)
    kept = [one.text.id for one in files.read() if isinstance(one, KeptMessage)]
    assert 0 < len(kept) < 20
    assert kept[-1] == "m19"
