"""SIGHUP: somebody wants a reload, or a terminal was closed."""

import fcntl
import os
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from callboard.tests.cli.command import PATIENCE, Running, callboard, command, records, running

ACCOUNTS = """\
drain: 20s
accounts:
  - {{jid: desk@localhost, bot: 'desk:Desk'{desk}}}
  - jid: alice@localhost
    bot: caller
    options: {{to: desk@localhost, video: none, seconds: 60}}
"""
BOT = """\
from callboard.bots import Bot
import helper


class Desk(Bot):
    async def on_call(self, call):
        await call.answer()
        self.log.info("floor %d", helper.FLOOR)
        await call.ended()
        self.log.info("left floor %d", helper.FLOOR)
"""


def logged(run: Running, words: str, count: int = 1) -> Any:
    """Wait until so many lines of the log have these words; return the last one."""

    def found(event: dict[str, Any]) -> bool:
        if event["event"] == "Log" and words in event["message"]:
            seen.append(id(event))
        return len(set(seen)) >= count

    seen: list[int] = []
    return run.until(found)["message"]


def write(folder: Path, floor: int, desk: str = "") -> Path:
    (folder / "helper.py").write_text(f"FLOOR = {floor}\n")
    (folder / "desk.py").write_text(BOT)
    file = folder / "accounts.yaml"
    file.write_text(ACCOUNTS.format(desk=desk))
    return file


def test_sighup_takes_new_code_and_the_call_goes_on_with_the_old(tmp_path: Path) -> None:
    file = write(tmp_path, 1)
    with running("run", file) as run:
        run.connected("alice@localhost")
        logged(run, "floor 1")
        write(tmp_path, 2)
        run.process.send_signal(signal.SIGHUP)
        assert "desk@localhost (code)" in logged(run, "reloaded accounts.yaml")
        (tmp_path / "helper.py").write_text("FLOOR =\n")
        run.process.send_signal(signal.SIGHUP)
        assert "helper.py, line 1" in logged(run, "not reloaded:")
        refused = callboard("reload", file)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == callboard("check", file).stderr
        write(tmp_path, 2, ", status: Here")
        done = callboard("reload", file)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "1 changed: desk@localhost (status)\n"
        assert run.stop() == 0
        logged(run, "left floor 1")
        changes = [one for one in run.events if one["event"] == "AccountChanged"]
        assert [one["state"] for one in changes if one["jid"] == "desk@localhost"] == [
            *("connecting", "online", "leaving", "closed")
        ]
    found = records(tmp_path / "recordings" / "calls.jsonl")
    assert {one["state"] for one in found.values()} == {"completed"}


SLOW = """\
import os, signal
from callboard.bots.silent import SilentBot as Desk

if not os.path.exists("there"):
    open("there", "w").close()
    os.kill(os.getpid(), signal.SIGHUP)
"""


def test_a_reload_that_is_asked_for_at_the_very_start_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as while the bots' modules are imported for the first time."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "desk.py").write_text(SLOW)
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts:\n  - {jid: desk@localhost, bot: 'desk:Desk'}\n")
    with running("run", file) as run:
        logged(run, "reloaded accounts.yaml: nothing has changed")
        run.until(lambda e: e.get("state") == "online")
        assert run.stop() == 0


@contextmanager
def on_a_terminal(*arguments: object) -> Iterator[tuple[Running, int]]:
    """Run a command in a session of its own; give it, and the descriptor that is its terminal."""
    ours, its = os.openpty()
    process = subprocess.Popen(
        command(*arguments, "--json"),
        stdin=its,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else does
    )
    os.close(its)
    found = Running(process)
    try:
        yield found, ours
    finally:
        found.close()


def test_a_terminal_that_is_closed_ends_it_in_order(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts:\n  - {jid: desk@localhost, bot: silent}\n")
    with on_a_terminal("run", file) as (run, terminal):
        run.until(lambda e: e.get("state") == "online")
        run.process.send_signal(signal.SIGHUP)  # while it is there, that is a wish
        logged(run, "reloaded accounts.yaml: nothing has changed")
        os.close(terminal)
        assert run.process.wait(PATIENCE) == 0
        run.until(lambda e: e.get("state") == "closed")
