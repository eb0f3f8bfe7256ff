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
from typing import Any

import pytest
from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.cli.deployment import Deployment
from callboard.config import Settings
from callboard.control.control_socket import ControlSocket
from callboard.media import FinishedRecording
from callboard.tests.cli.command import PATIENCE, callboard, command, in_process
from callboard.tests.conftest import Run
from pykka import ActorRegistry

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


def test_one_while_the_exchange_starts_ends_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = Deployment.start

    async def interrupted(deployment: Deployment, *given: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await start(deployment, *given)

    monkeypatch.setattr(Deployment, "start", interrupted)
    declared = {"jid": "desk@localhost", "password": "s3", "bot": "silent"}
    settings = Settings.model_validate({"recordings": tmp_path, "accounts": [declared]})

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            async with deployed(settings, BUILT_IN, tmp_path, lambda _: None):
                pytest.fail("it has started")
        assert ActorRegistry.get_by_class_name("Exchange") == []

    run(main)
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_one_more_when_all_accounts_have_ended_says_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    close = ControlSocket.close
    presses: list[bool] = []
    stop = Deployment.stop

    def pressed(deployment: Deployment) -> None:
        presses.append(deployment.stands)
        stop(deployment)

    async def interrupted(control: ControlSocket) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            while len(presses) < 2:  # noqa: ASYNC110 - nobody tells of a signal
                await asyncio.sleep(0)
        await close(control)

    monkeypatch.setattr(Deployment, "stop", pressed)
    monkeypatch.setattr(ControlSocket, "close", interrupted)
    declared = {"jid": "desk@localhost", "password": "s3", "bot": "silent"}
    settings = Settings.model_validate({"recordings": tmp_path, "accounts": [declared]})

    async def main() -> None:
        file = tmp_path / "a.yaml"
        async with deployed(settings, BUILT_IN, tmp_path, lambda _: None, file=file) as deployment:
            os.kill(os.getpid(), signal.SIGINT)
            await deployment.over()

    run(main)
    assert presses == [True, False]
    assert [one.message for one in caplog.records if one.levelno >= logging.ERROR] == []


#: Presses Ctrl-C where Python waits for its threads, and begins as the console script does.
PRESSED_LAST = """\
import os, signal, sys, threading
from callboard.cli.start import main

threading._register_atexit(os.kill, os.getpid(), signal.SIGINT)
main()
"""


def test_one_at_the_very_end_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    arguments = ["check", "accounts.yaml"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", PRESSED_LAST, *arguments],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE,
    )
    single = callboard(*arguments, cwd=tmp_path, anew=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, single.stdout, single.stderr)
