"""Whole runs on a private Prosody, small ones."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from callboard.load import load_plan
from callboard.load.measurements import Point
from callboard.load.metrics import MetricsServer
from callboard.load.report import write_report
from callboard.load.run import Run
from callboard.load.verdict import Status, Verdict
from callboard.tests.conftest import Run as RunFixture

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 60.0

SMALL = """\
server: embedded
accounts:
  - jid: caller-{1..3}@localhost
  - jid: callee-{1..3}@localhost
phases:
  - login: {rate: 50/s}
  - call: {from: caller-*@localhost, to: callee-*@localhost, rate: 3/s, duration: 1s, hold: 1500ms}
  - message: {from: callee-*@localhost, to: caller-*@localhost, rate: 10/s, duration: 1s}
    start: with
  - presence: {rate: 5/s, duration: 1s}
    start: with
  - name: direct
    call: {from: callee-*@localhost, to: caller-1@localhost, rate: 2/s, duration: 1s, hold: 1ms,
           propose: false, path: packets, audio: silence, video: pattern}
  - logout: {rate: 50/s}
thresholds:
  - login.failed == 0
  - call.setup.p95 < 1ms
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "callboard", "load", *map(str, arguments)]


async def finished(run: Run) -> Verdict:
    async with asyncio.timeout(PATIENCE):
        return await run.run()


def test_a_plan_runs_in_two_shards_and_leaves_a_report(tmp_path: Path) -> None:
    out = tmp_path / "report"
    done = subprocess.run(
        command(written(tmp_path, SMALL), "--out", out, "--shards", "2"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == Status.BREACHED, done.stdout + done.stderr
    assert "1 of 2 thresholds does not hold: call.setup.p95 < 1ms" in done.stdout
    found = json.loads((out / "summary.json").read_text())
    counters = found["counters"]
    assert counters["login.ok"] == counters["logout.ok"] == 6
    assert counters["call.started"] == counters["call.ok"] == 5
    assert counters["message.started"] == counters["message.received"] == 10
    assert counters["message.receipted"] == 10
    assert counters["presence.ok"] == 5
    assert "iteration.dropped" not in counters
    assert counters["audio.received"] > 300
    assert {"login", "call", "message"} <= {phase["kind"] for phase in found["phases"]}
    steps = {name for name in found["distributions"] if name.startswith(("login.", "call."))}
    assert {"login.tcp", "login.tls", "login.sasl", "login.bind", "login.roster"} <= steps
    assert {"login.presence", "call.propose", "call.ice", "call.first-audio"} <= steps
    assert found["distributions"]["audio.mos"]["p05"] > 4
    assert found["distributions"]["server.memory"]["max"] > 1
    suite = ET.fromstring((out / "junit.xml").read_text())
    assert suite.attrib["failures"] == "1"
    assert "call.setup.p95" in (out / "samples.csv").read_text().splitlines()[0]
    html = (out / "report.html").read_text()
    assert "does not hold" in html.split("<script>", maxsplit=1)[0]
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", html)


def test_a_target_that_is_not_there_aborts(tmp_path: Path, run: RunFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        plan = load_plan(
            written(
                tmp_path,
                f"server: {{host: 127.0.0.1, port: {port}}}\n"
                "accounts: [{jid: 'a-{1..2}@localhost', password: x}]\n"
                "phases: [{login: {}}, {idle: {duration: 1h}}]\n",
            )
        )
        verdict = run(lambda: finished(Run(plan, tmp_path, shards=1)))
    assert verdict.status is Status.ABORTED
    assert "no account could log in: nothing listens" in verdict.sentence


def test_a_shard_that_dies_is_lost_and_the_run_goes_on(tmp_path: Path, run: RunFixture) -> None:
    plan = load_plan(
        written(
            tmp_path,
            "accounts: [{jid: 'a-{1..4}@localhost'}]\n"
            "phases: [{login: {}}, {idle: {duration: 3s}}, {logout: {}}]\n"
            "thresholds: [shard.lost == 0, login.ok == 4]\n",
        )
    )
    test: Run

    def see(point: Point) -> None:
        if point.gauges.get("accounts.online") == 4 and not test.shards[1].lost:
            os.kill(test.shards[1].pid, signal.SIGKILL)

    test = Run(plan, tmp_path, shards=2, see=see)
    verdict = run(lambda: finished(test))
    assert verdict.status is Status.BREACHED
    assert [check.held for check in verdict.checks] == [False, True]
    assert test.shards[1].lost == "its process was ended by SIGKILL"
    assert "Shard 1 was lost with its 2 accounts" in " ".join(verdict.warnings)
    assert test.measurements.counters["logout.ok"] == 2
    assert (tmp_path / "out" / "report.html") in write_report(
        tmp_path / "out", "plan", test, verdict
    )


def test_ctrl_c_ends_in_order_with_a_report(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "accounts: [{jid: 'a-{1..2}@localhost'}]\n"
        "phases: [{login: {}}, {idle: {duration: 1h}}]\n"
        "thresholds: [login.ok == 2]\n",
    )
    out = tmp_path / "report"
    arguments = command(file, "--out", out, "--shards", "1")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "2 online" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == Status.HELD
    assert "It holds" in told
    assert "ended early" in told
    assert (out / "report.html").exists()


def test_a_wrong_plan_is_told_with_its_places(tmp_path: Path) -> None:
    file = written(tmp_path, "accounts: [{jid: a@localhost}]\nphases: [{login: {rat: 1/s}}]\n")
    done = subprocess.run(
        command(file), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == Status.WRONG_PLAN
    assert done.stderr.strip() == (f"{file}:2:19: there is no key 'rat' here: did you mean 'rate'?")


@pytest.mark.parametrize("caller", ["participant", "caller"])
def test_bots_of_ones_own_take_part(tmp_path: Path, run: RunFixture, caller: str) -> None:
    (tmp_path / "own.py").write_text(
        "from callboard.bots import Bot\n"
        "class Own(Bot):\n"
        "    async def on_call(self, call):\n"
        "        await call.answer(audio='tone:880')\n"
        "        await call.ended()\n",
        encoding="utf-8",
    )
    options = "{to: bot@localhost, video: none, seconds: 1}" if caller == "caller" else "{}"
    call = "{call: {from: a@localhost, to: bot@localhost, rate: 1/s, duration: 1s, hold: 1s}}"
    plan = load_plan(
        written(
            tmp_path,
            "accounts:\n  - {jid: bot@localhost, bot: 'own:Own'}\n"
            f"  - {{jid: a@localhost, bot: {caller}, options: {options}}}\n"
            f"phases: [{{login: {{rate: 5/s}}}}, "
            f"{call if caller == 'participant' else '{idle: {duration: 2500ms}}'}]\n"
            "thresholds: [call.ok == 1]\n",
        )
    )
    test = Run(plan, tmp_path, shards=1)
    verdict = run(lambda: finished(test))
    assert verdict.status is Status.HELD, test.measurements.causes
    assert test.measurements.counters["audio.received"] > 80


def test_prometheus_finds_metrics_while_it_runs(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, "accounts: [{jid: a@localhost}]\nphases: [{login: {}}]\n"))
    test = Run(plan, tmp_path, shards=1)
    test.measurements.count("login.ok", 7)
    test.measurements.record("call.setup", 0.25)
    test.measurements.close(1.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = MetricsServer(port, test)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
    finally:
        server.close()
    assert "callboard_login_ok_total 7.0" in text
    assert re.search(r'callboard_call_setup_seconds\{quantile="0.95"\} 0\.25', text)
