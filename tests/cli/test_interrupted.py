"""Ctrl-C before a command has done what it is for: one sentence, and one status."""

import asyncio
import logging
import os
import pty
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.config import Settings
from callboard.control.control_socket import ControlSocket
from callboard.media import FinishedRecording
from callboard.tests.cli.command import PATIENCE, callboard, command, in_process
from callboard.tests.conftest import Run

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
        if "calls" in line:
            seen = in_process("status", cwd=tmp_path)
            assert "callboard-demo: up for" in seen.stdout, seen.stderr
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, said) == (130, "callboard: interrupted\n")


@pytest.mark.parametrize("signals", [1, 2])
def test_it_says_so_while_a_run_is_starting(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    signals: int,
) -> None:
    """Two at the same moment as well: the second one must not cut off what the first one ends."""
    looked: list[str] = []

    def interrupted(folder: Path) -> list[FinishedRecording]:
        for _ in range(signals):
            os.kill(os.getpid(), signal.SIGINT)
        return []

    monkeypatch.setattr("callboard.media.recover_recordings", interrupted)
    close = ControlSocket.close

    async def closed(control: ControlSocket) -> None:
        await close(control)
        looked.append("closed")

    monkeypatch.setattr(ControlSocket, "close", closed)
    declared = {"jid": "desk@localhost", "password": "s3", "bot": "silent"}
    settings = Settings.model_validate({"recordings": tmp_path, "accounts": [declared]})

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            async with deployed(
                settings, BUILT_IN, tmp_path, lambda _: None, file=tmp_path / "a.yaml"
            ):
                pytest.fail("it has started")

    with caplog.at_level(logging.INFO):
        run(main)
    said = [one.message for one in caplog.records if one.message.startswith("ending")]
    assert said == ["ending: not everything was started yet"]
    assert looked == ["closed"]


def test_a_person_is_told_that_it_starts(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as terminal,
        subprocess.Popen(command("run", "missing.yaml"), cwd=tmp_path, stderr=theirs) as process,
    ):
        os.close(theirs)
        said = b""
        with suppress(OSError):  # EIO: the other end is closed
            while data := terminal.read(4096):
                said += data
        assert process.wait(PATIENCE) == 2
    first, second, *_ = said.decode().splitlines()
    assert first == "callboard: starting missing.yaml …"
    assert second.startswith("missing.yaml")


@pytest.mark.parametrize("name", ["check", "run", "call"])
def test_it_says_so_while_the_file_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts: [{jid: a@localhost, bot: 'pressed:Desk'}]\n")
    (tmp_path / "pressed.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    parties = ["a@localhost", "b@localhost"] if name == "call" else []
    done = callboard(name, file, *parties, anew=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "callboard: interrupted\n")


#: Presses Ctrl-C where a module is looked for, and begins as the console script does.
PRESSED = """\
import os, signal, sys
from importlib import import_module

class Press:
    def find_spec(self, name, path=None, target=None):
        if name == WANTED:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

WANTED = sys.argv.pop(1)
module, function = sys.argv.pop(1).split(":")
main = getattr(import_module(module), function)
sys.meta_path.insert(0, Press())
main()
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("cli", "check"),
        ("cli.start", "check"),
        ("cli.process_end", "check"),
        ("cli.views.standard_streams", "check"),
        ("cli.app", "check"),
        ("cli.instance_commands", "check"),
        ("cli.check", "check"),
        ("config.load", "check"),
        ("cli.run", "run"),
        ("cli.deployed", "run"),  # the embedded server starts meanwhile
    ],
)
def test_it_says_so_while_the_command_itself_is_read(
    tmp_path: Path, module: str, name: str
) -> None:
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    (tmp_path / "tmp").mkdir()
    project = Path(__file__).parents[2] / "pyproject.toml"
    entry = tomllib.loads(project.read_text("utf-8"))["project"]["scripts"]["callboard"]
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            PRESSED,
            f"callboard.{module}",
            entry,
            name,
            "accounts.yaml",
        ],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "callboard: interrupted\n")
    assert not list((tmp_path / "tmp").iterdir())
