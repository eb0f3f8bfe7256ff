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


LEFT = """\
recordings: recordings/
drain: 0
webhooks:
  - {{url: "http://127.0.0.1:{port}/hook", secret: "${{WEBHOOK_SECRET}}"}}
accounts:
  - {{jid: desk@localhost, bot: recorder}}
  - {{jid: alice@localhost, bot: {bot}}}
"""
CALLER = "caller, options: {to: desk@localhost, video: none, seconds: 600}"


def test_calls_that_a_kill_left_are_told_when_the_next_start_records_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a call that a kill ended is the last that failed for every command, without a ladder."""
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    file = tmp_path / "accounts.yaml"
    with receiving() as found:
        file.write_text(LEFT.format(port=found.port, bot=CALLER))
        with running("run", file) as command:
            command.connected("desk@localhost")
            command.recorded(0)
            found.until(2)
            command.process.kill()
            command.process.wait()
        file.write_text(LEFT.format(port=found.port, bot="silent"))
        with running("run", file) as command:
            command.until(lambda e: e["event"] == "AccountReady" and e["jid"] == "alice@localhost")
            found.until(5)
            assert command.stop(signal.SIGTERM) == 0
    told = [json.loads(one.body) for one in found.deliveries][2:]
    assert sorted(one["type"] for one in told) == ["call-ended", "call-ended", "recording-ready"]
    ended = [one for one in told if one["type"] == "call-ended"]
    assert {(one["account"], one["state"]) for one in ended} == {
        ("alice@localhost", "failed"),
        ("desk@localhost", "failed"),
    }
    [ready] = [one for one in told if one["type"] == "recording-ready"]
    assert ready["call"]["account"] == "desk@localhost"
    [recorded] = [one["recordings"] for one in ended if one["recordings"]]
    assert ready["path"] == recorded[0]["path"]

    last = json.loads(in_process("calls", "last-failed", "--json", cwd=tmp_path).stdout)
    assert last["uuid"] in {one["uuid"] for one in ended}
    assert "callboard ladder" not in in_process("calls", "last-failed", cwd=tmp_path).stdout
    for name in ("last", "last-failed", last["uuid"], last["uuid"][:8]):
        done = in_process("ladder", name, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"call {last['uuid'][:8]}, " in done.stderr
        assert "has no ladder (the program was killed" in done.stderr
    assert (
        "has no ladder (the program was killed"
        in in_process("ladder", last["id"], cwd=tmp_path).stderr
    )


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
