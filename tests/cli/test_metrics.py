"""``callboard run`` with metrics: what keeps it from serving them is said."""

import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard.tests.cli.command import in_process, running

ACCOUNTS = "server: embedded\naccounts: [{jid: 'desk-{1..101}@localhost', bot: echo}]\n"
WITHOUT = """\
import sys
sys.modules.update(dict.fromkeys(["h11", "prometheus_client"]))
from callboard.cli import main
main()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS.replace("{1..101}", "1"))
    return file


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is in use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_a_port_in_use_ends_it_before_anybody_logs_in(file: Path, port: int) -> None:
    assert in_process("check", file).returncode == 0
    with running("run", file, "--metrics", port) as command:
        assert command.process.wait(60) == 1
        assert [event["event"] for event in command.events if event["event"] != "Log"] == []


def test_check_says_what_can_not_be_served(file: Path, port: int) -> None:
    wanted = f"metrics: {{address: 192.0.2.7:{port}, accounts: true}}\n"
    file.write_text(wanted + ACCOUNTS)
    address, accounts = in_process("check", file).stderr.splitlines()
    assert address == (
        f"{file}:1:{wanted.index('192') + 1}: address: nothing can listen at 192.0.2.7:{port} "
        "(Cannot assign requested address): give an IP address of this machine, and a port above "
        "1023"
    )
    assert accounts == (
        f"{file}:1:{wanted.index('true') + 1}: accounts: there are 101, which is more than 100 "
        "metrics: leave it out"
    )


@pytest.mark.parametrize("address", ["http", "127.0.0.1", "-1", "example.org:1", ""])
def test_a_wrong_address_is_a_wrong_argument(file: Path, address: str) -> None:
    done = in_process("run", file, "--metrics", address)
    assert done.returncode == 2
    assert "--metrics" in done.stderr


def test_a_free_port_is_taken_and_logged(file: Path) -> None:
    with running("run", file, "--metrics", "127.0.0.1:0") as command:
        told = command.until(lambda event: "metrics are served at" in event.get("message", ""))
        url = told["message"].removeprefix("metrics are served at ")
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert "# TYPE callboard_" in answer.read().decode()
        assert command.stop(signal.SIGTERM) == 0


def test_they_can_be_read_until_the_end(file: Path) -> None:
    file.write_text(f"metrics: 9\n{file.read_text()}")  # the option goes before
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with running("run", file, "--metrics", f"127.0.0.1:{port}") as command:
        command.until(lambda event: event.get("state") == "online")
        for page, words in (("metrics", "# TYPE callboard_"), ("readyz", "ok"), ("healthz", "ok")):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=60) as answer:
                assert words in answer.read().decode()
        status = in_process("status", file, "--json")
        assert re.search(rf'"http://127\.0\.0\.1:{port}/metrics"', status.stdout), status
        assert command.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("where", ["file", "option"])
def test_without_the_extra_it_says_what_to_install(file: Path, where: str) -> None:
    option = ["--metrics", "9100"] if where == "option" else []
    if where == "file":
        file.write_text(f"metrics: 9100\n{ACCOUNTS}")
    command = [sys.executable, "-P", "-c", WITHOUT, "run", str(file), *option]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 2
    assert "metrics: needs the package h11" in done.stderr
    assert "pip install 'callboard[metrics]'" in done.stderr
    assert "Traceback" not in done.stderr
