"""``callboard run`` with webhooks."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from callboard.tests.cli.command import in_process, running
from callboard.tests.cli.test_metrics import WITHOUT
from callboard.tests.control.webhooks.receiving import SECRET, receiving

FILE = """\
webhooks:
  - url: http://127.0.0.1:{port}/hook
    secret: ${{WEBHOOK_SECRET}}
    events: [call-started, call-ended]
accounts:
  - jid: desk@localhost
    bot: echo
  - jid: alice@localhost
    bot: caller
    options: {{to: desk@localhost, video: none, seconds: 1}}
"""


def test_what_happens_is_told_and_seen_in_the_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    file = tmp_path / "accounts.yaml"
    with receiving() as found:
        file.write_text(FILE.format(port=found.port))
        with running("run", file) as command:
            found.until(4)
            status = json.loads(in_process("status", file, "--json").stdout)
            assert command.stop(signal.SIGTERM) == 0
    told = [json.loads(one.body)["type"] for one in found.deliveries]
    assert sorted(told) == ["call-ended", "call-ended", "call-started", "call-started"]
    [part] = [part for part in status["parts"] if part["name"].startswith("webhook")]
    assert part["name"] == f"webhook 127.0.0.1:{found.port}"
    assert part["state"] == "running"
    assert not [event for event in command.events if SECRET in str(event)]


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    file = tmp_path / "accounts.yaml"
    file.write_text(FILE.format(port=9))
    command = [sys.executable, "-P", "-c", WITHOUT, "run", str(file)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 2
    assert "webhooks: needs the package h11" in done.stderr
    assert "pip install 'callboard[webhooks]'" in done.stderr
