"""Callboard as a service: what systemd is told, and the unit."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from callboard.cli.service_manager import ServiceManager
from callboard.tests.cli.command import PATIENCE, running

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "deploy" / "callboard.service"


class Notified:
    """The socket at which a service manager is told."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.words: list[dict[str, str]] = []

    def until(self, name: str, value: str | None = None) -> dict[str, str]:
        """Return the next datagram that has a word."""
        while True:
            lines = self.listener.recv(65536).decode().splitlines()
            words = dict(line.split("=", 1) for line in lines)
            self.words.append(words)
            if name in words and value in (None, words[name]):
                return words


@contextmanager
def notified(monkeypatch: pytest.MonkeyPatch, *, abstract: bool = False) -> Iterator[Notified]:
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
    ):
        path = f"{folder}/notify"
        listener.bind(f"\0{path}" if abstract else path)
        listener.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{path}" if abstract else path)
        yield Notified(listener)


ACCOUNTS = "drain: 25s\naccounts:\n  - {jid: desk@localhost, bot: silent}\n"


def test_a_service_manager_is_told_how_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS)
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    with notified(monkeypatch) as manager, running("run", file) as run:
        assert "STATUS" in manager.until("READY", "1")
        while "1 online" not in manager.until("WATCHDOG", "1")["STATUS"]:
            pass

        before = time.monotonic_ns() // 1000
        run.process.send_signal(signal.SIGHUP)
        assert before < int(manager.until("RELOADING", "1")["MONOTONIC_USEC"])
        manager.until("READY", "1")

        file.write_text("accounts: []\n")
        run.process.send_signal(signal.SIGHUP)
        manager.until("RELOADING", "1")
        manager.until("READY", "1")
        assert "not reloaded: " in manager.until("WATCHDOG", "1")["STATUS"]

        run.process.send_signal(signal.SIGTERM)
        ending = manager.until("STOPPING", "1")
        assert int(ending["EXTEND_TIMEOUT_USEC"]) > 25e6
        assert run.process.wait(PATIENCE) == 0


def environment(**words: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": "/run/nowhere", "HOME": "/", **words}


@pytest.mark.parametrize(
    ("words", "beat"),
    [
        ({}, 10.0),
        ({"WATCHDOG_USEC": "4000000"}, 2.0),
        ({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}, 10.0),
        ({"WATCHDOG_USEC": "soon"}, 10.0),
        ({"WATCHDOG_USEC": "0"}, 10.0),
        ({"WATCHDOG_USEC": "60000000"}, 10.0),
    ],
)
def test_the_watchdog_s_time_is_the_environment_s(words: dict[str, str], beat: float) -> None:
    given = environment(**words)
    manager: Any = ServiceManager.of(given)
    assert manager._beat == beat
    assert given == {"HOME": "/"}  # child processes are no concern of the service manager's


def test_a_manager_that_is_not_there_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    manager = ServiceManager.of(environment())
    manager.reloading()
    manager.reloaded()
    assert len(caplog.messages) == 1


def test_a_name_without_a_file_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with notified(monkeypatch, abstract=True) as manager:
        ServiceManager.of(
            {"NOTIFY_SOCKET": f"@{manager.listener.getsockname()[1:].decode()}"}
        ).reloaded()
        assert manager.until("READY") == {"READY": "1"}


def unit_here(folder: Path) -> Path:
    """The unit with this machine's program, as systemd looks for it."""
    program = Path(sys.executable).with_name("callboard")
    file = folder / UNIT.name
    file.write_text(UNIT.read_text("utf-8").replace("/opt/callboard/bin/callboard", str(program)))
    return file


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    verified = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", str(unit_here(tmp_path))),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert UNIT.name not in verified.stderr
    assert verified.returncode == 0, verified.stderr
    rated = subprocess.run(
        ("systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit_here(tmp_path))),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    found = re.search(r"exposure level for callboard.service: ([0-9.]+) OK", rated.stdout)
    assert found is not None, rated.stdout + rated.stderr
    assert float(found[1]) <= 2.5, rated.stdout


def test_the_unit_and_the_image_run_commands_that_there_are() -> None:
    """Each word after `callboard` is a subcommand, and each option is one of its own."""
    from callboard.cli.app import app
    from typer.main import get_command

    commands: Any = get_command(app)
    text = UNIT.read_text("utf-8")
    image = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
    lines = re.findall(r"^Exec\w+=\S+/callboard (.+)$", text, re.MULTILINE)
    lines += [
        one.replace('", "', " ") for one in re.findall(r'CMD \["(?:callboard", ")?(.+)"\]', image)
    ]
    assert len(lines) == 4
    for line in lines:
        name, *words = line.split()
        known = {option for one in commands.commands[name].params for option in one.opts}
        assert {word for word in words if word.startswith("-")} <= known
    assert not re.search(r"^FROM \S*[./]\S*:", image, re.MULTILINE)  # names no registry
