"""``callboard run --dev``: whoever writes a bot sees each change at work."""

from pathlib import Path
from typing import Any

import pytest
from callboard.cli.preflight import EXTRAS
from callboard.tests.cli.command import Running, in_process, running

ACCOUNTS = "accounts:\n  - {{jid: desk@localhost, bot: 'desk:Desk'{more}}}\n"
BOT = """\
from callboard.bots import Bot


class Desk(Bot):
    async def on_start(self):
        self.log.info("version {version}")
"""


def logged(run: Running, words: str) -> None:
    def found(event: dict[str, Any]) -> bool:
        return event["event"] == "Log" and words in event["message"]

    run.until(found)


def test_what_is_written_is_at_work_at_once(tmp_path: Path) -> None:
    file, bot = tmp_path / "accounts.yaml", tmp_path / "desk.py"
    file.write_text(ACCOUNTS.format(more=""))
    bot.write_text(BOT.format(version=1))
    with running("run", file, "--dev") as run:
        logged(run, "version 1")
        bot.write_text("class Desk(\n")
        logged(run, "changed: desk.py")
        logged(run, "not reloaded: ")
        new = tmp_path / "desk.new"  # as editors do it
        new.write_text(BOT.format(version=2))
        new.rename(bot)
        logged(run, "version 2")
        file.write_text(ACCOUNTS.format(more=", status: Here"))
        logged(run, "desk@localhost (status)")
        assert run.stop() == 0


def test_without_its_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRAS, "dev", ("watchfiles_that_is_not_there",))
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts:\n  - {jid: desk@localhost, bot: silent}\n")
    done = in_process("run", file, "--dev")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "callboard: --dev: needs the package watchfiles_that_is_not_there, which is not "
        "installed: run pip install 'callboard[dev]'\n"
    )
