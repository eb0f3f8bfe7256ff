"""Ctrl-C before a command has done what it is for: one sentence, and one status."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from callboard.tests.cli.command import PATIENCE, callboard, command

ACCOUNTS = """\
server: embedded
recordings: recordings/
drain: 0s
accounts:
  - {jid: desk@localhost, bot: silent}
  - {jid: alice@localhost, bot: silent}
"""


def started(folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["demo", "--seconds", 600], "Starting a private Prosody"),
        (["demo", "--seconds", 600], "calls desk@localhost"),
        (["call", "accounts.yaml", "alice@localhost", "desk@localhost"], "alice@localhost online"),
        (["call", "accounts.yaml", "alice@localhost", "desk@localhost"], "ringing"),
    ],
)
def test_it_says_so(tmp_path: Path, arguments: list[object], line: str) -> None:
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    process = started(tmp_path, *arguments)
    try:
        assert process.stdout is not None
        assert any(line in one for one in process.stdout)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, said) == (130, "callboard: interrupted\n")


@pytest.mark.parametrize("name", ["check", "run", "call"])
def test_it_says_so_while_the_file_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts: [{jid: a@localhost, bot: 'pressed:Desk'}]\n")
    (tmp_path / "pressed.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = callboard(name, file, *(["a@localhost", "b@localhost"] if name == "call" else []))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "callboard: interrupted\n")
