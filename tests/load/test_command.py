"""``callboard load`` as people run it: its exit status, what it leaves, how it is ended."""

import asyncio
import csv
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
from callboard.load.report.report import write_report
from callboard.load.run.run import Run
from callboard.load.run.verdict import Status, Verdict
from callboard.tests.cli.command import in_process

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 100.0

#: What a run without calls leaves.
REPORT = ["calls.csv", "junit.xml", "report.html", "samples.csv", "summary.json"]

# Two phases of calls go on at the same time, between the same accounts.
SMALL = """\
server: embedded
accounts:
  - jid: caller-{1..3}@localhost
  - jid: callee-{1..3}@localhost
phases:
  - login: {rate: 50/s}
  - call: {from: caller-*@localhost, to: callee-*@localhost, rate: 3/s, duration: 1s, hold: 1500ms}
  - name: direct
    call: {from: callee-*@localhost, to: caller-1@localhost, rate: 2/s, duration: 1s, hold: 1500ms,
           propose: false, path: packets, audio: silence, video: pattern}
    start: with
  - message: {from: callee-*@localhost, to: caller-*@localhost, rate: 10/s, duration: 1s}
    start: with
  - presence: {rate: 5/s, duration: 1s}
    start: with
  - logout: {rate: 50/s}
thresholds:
  - login.failed == 0
  - call.setup.p95 < 1ms
  - {check: call.ok == 2, phase: direct}
"""


class Done(NamedTuple):
    """A command that has ended."""

    status: int
    said: str
    out: Path

    @property
    def summary(self) -> dict[str, Any]:
        """What it left for programs."""
        found: dict[str, Any] = json.loads((self.out / "summary.json").read_text())
        return found


def command(folder: Path, plan: str, *options: str) -> list[str]:
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")
    arguments = ("load", str(folder / "plan.yaml"), "--out", str(folder / "report"), *options)
    return [sys.executable, "-m", "callboard", *arguments]


def load(folder: Path, plan: str, *options: str, limit: str = "") -> Done:
    """Run a plan to its end, with `limit` as a shell sets it."""
    arguments = command(folder, plan, *options)
    if limit:
        arguments = ["bash", "-c", f'{limit} && exec "$@"', "bash", *arguments]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return Done(done.returncode, done.stdout + done.stderr, folder / "report")


class Going:
    """A command that goes on, and what it has said up to now."""

    def __init__(self, process: "subprocess.Popen[str]", out: Path) -> None:
        self._process = process
        self._said: list[str] = []
        self._out = out

    def until(self, words: str) -> None:
        """Return when it says something."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line)
            if words in line:
                return
        raise AssertionError(f"it never said {words!r}: {''.join(self._said)}")

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Press Ctrl-C, or send another signal."""
        self._process.send_signal(number)

    def end(self) -> Done:
        """Return when it has ended."""
        rest, _ = self._process.communicate(timeout=PATIENCE)
        return Done(self._process.returncode, "".join(self._said) + rest, self._out)


@contextmanager
def going(folder: Path, plan: str, *options: str) -> Iterator[Going]:
    """Run a plan while the block goes on."""
    with subprocess.Popen(
        command(folder, plan, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Going(process, folder / "report")
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A small run with some of everything."""
    return load(tmp_path_factory.mktemp("small"), SMALL, "--shards", "2")


def test_a_broken_threshold_gives_1_and_is_named(small: Done) -> None:
    assert small.status == Status.BREACHED, small.said
    assert "1 of 3 thresholds does not hold: call.setup.p95 < 1ms" in small.said
    assert [check["held"] for check in small.summary["thresholds"]] == [True, False, True]


def test_everything_that_was_planned_is_done_and_counted(small: Done) -> None:
    counters = small.summary["counters"]
    assert counters["login.ok"] == counters["logout.ok"] == 6
    assert counters["call.started"] == counters["call.ok"] == 5
    assert counters["message.started"] == counters["message.received"] == 10
    assert counters["message.receipted"] == 10
    assert counters["presence.ok"] == 5
    assert "iteration.dropped" not in counters
    assert counters["audio.received"] >= 0.8 * counters["audio.sent"] > 0
    names = set(small.summary["distributions"])
    assert {"login.tcp", "login.tls", "login.sasl", "login.bind", "login.roster"} <= names
    assert {"login.presence", "call.propose", "call.ringing", "call.proceed"} <= names
    assert {"call.initiate", "call.accept", "call.ice", "call.dtls", "call.first-audio"} <= names
    assert {"audio.now.jitter", "audio.to-caller.loss", "audio.to-callee.mos"} <= names
    assert {"generator.lag", "generator.cpu", "generator.memory", "server.cpu"} <= names
    assert small.summary["distributions"]["audio.mos"]["max"] > 4
    assert small.summary["distributions"]["server.memory"]["max"] > 1


def test_phases_are_told_apart_also_where_they_overlap(small: Done) -> None:
    phases = {phase["name"]: phase for phase in small.summary["phases"]}
    assert phases["direct"]["began"] < phases["call"]["ended"]
    assert phases["call"]["counters"]["call.ok"] == 3
    assert phases["direct"]["counters"]["call.ok"] == 2
    assert phases["call"]["rate"] == pytest.approx(3)
    assert phases["call"]["distributions"]["call.setup"]["count"] == 3
    assert "call.propose" in phases["call"]["distributions"]
    assert "call.propose" not in phases["direct"]["distributions"]
    heard = phases["call"]["counters"]
    assert heard["audio.to-callee.received"] >= 0.8 * heard["audio.to-callee.sent"] > 0
    assert phases["message"]["distributions"]["message.delivery"]["count"] == 10
    assert phases["message"]["counters"]["message.receipted"] == 10
    assert phases["login"]["distributions"]["login"]["count"] == 6
    assert set(phases["login"]["counters"]) == {"login.started", "login.ok"}


def test_every_side_of_every_call_has_a_row(small: Done) -> None:
    with (small.out / "calls.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    sides = {(row["call"], row["side"]) for row in rows}
    assert len({call for call, _ in sides}) == 5
    assert len(sides) == 10
    heard = [row for row in rows if row["phase"] == "call"]
    assert [row["media"] for row in heard] == ["audio"] * 6
    # How much of it came in time is the machine's affair: the calls are short.
    assert all(int(row["received"]) > 0 < int(row["sent"]) for row in heard)
    assert {row["state"] for row in rows} == {"completed"}


def test_the_report_is_one_page_and_others_are_for_programs(small: Done) -> None:
    suite = ET.fromstring((small.out / "junit.xml").read_text())
    assert suite.attrib["failures"] == "1"
    assert "call.setup.p95" in (small.out / "samples.csv").read_text().splitlines()[0]
    html = (small.out / "report.html").read_text()
    found = list(small.out.rglob("*"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in found}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in found}
    assert len(modes) >= 5
    assert stat.S_IMODE(small.out.stat().st_mode) == 0o700
    body = html.split("<script>", maxsplit=1)[0]
    assert body.index("does not hold") < body.index("<h2>")
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", html)
    for title in ("Thresholds", "Phases", "Over time", "Quality of media", "The generator itself"):
        assert f"<h2>{title}</h2>" in body
    assert "The worst legs" in body


def test_it_says_where_the_embedded_server_listens(small: Done) -> None:
    assert re.search(r"the embedded server listens on 127\.0\.0\.1:\d+$", small.said, re.MULTILINE)


def test_ctrl_c_ends_in_order_and_metrics_are_there_while_it_runs(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    plan = (
        "accounts: [{jid: 'a-{1..2}@localhost'}]\n"
        "phases: [{login: {}}, {idle: {duration: 1h}}]\n"
        "thresholds: [login.ok == 2]\n"
    )
    with going(tmp_path, plan, "--shards", "1", "--metrics", str(port)) as run:
        run.until("idle begins")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            metrics = answer.read().decode()
        run.interrupt()
        done = run.end()
    assert "callboard_login_ok_total 2.0" in metrics
    assert done.status == Status.HELD, done.said
    assert "The one threshold holds" in done.said
    assert "stopped early" in done.said
    assert done.summary["phases"][1]["ended"] is not None
    assert (done.out / "report.html").exists()


#: Two accounts that log in and do nothing.
IDLE = """\
accounts: [{jid: 'a-{1..2}@localhost'}]
phases: [{login: {}}, {idle: {duration: 1h}}]
thresholds: [login.ok == 2]
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("words", "status"), [("login begins", None), ("idle begins", Status.HELD)]
)
def test_a_signal_ends_it_with_its_report_whatever_it_is_doing(
    tmp_path: Path, words: str, status: int | None, number: int
) -> None:
    with going(tmp_path, IDLE, "--shards", "1") as run:
        run.until(words)
        run.interrupt(number)
        done = run.end()
    assert done.status == status or status is None  # none: both may be online by then, or not
    assert "stopped early" in done.said
    assert "Traceback" not in done.said
    assert [path.name for path in sorted(done.out.iterdir())] == REPORT


def test_ctrl_c_while_the_report_is_written_costs_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*given: Any) -> list[Path]:
        os.kill(os.getpid(), signal.SIGINT)
        written = write_report(*given)
        assert {path.name for path in written} <= set(REPORT)
        return written

    monkeypatch.setattr("callboard.cli.load.write_report", write)
    (tmp_path / "plan.yaml").write_text("accounts: [{jid: a@localhost}]\nphases: [{login: {}}]\n")
    done = in_process("load", tmp_path / "plan.yaml", "--out", tmp_path / "report", "--shards", 1)
    assert done.returncode == Status.HELD, done.stderr
    assert [path.name for path in sorted((tmp_path / "report").iterdir())] == REPORT
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_callback_that_would_end_the_process_does_not_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def run_it(self: Run) -> Verdict:
        loop = asyncio.get_running_loop()
        loop.call_soon(sys.exit, 5)
        loop.call_soon(loop.stop)
        return await run(self)

    run = Run.run
    monkeypatch.setattr(Run, "run", run_it)
    (tmp_path / "plan.yaml").write_text("accounts: [{jid: a@localhost}]\nphases: [{login: {}}]\n")
    done = in_process("load", tmp_path / "plan.yaml", "--out", tmp_path / "report", "--shards", 1)
    assert done.returncode == Status.HELD, done.stderr
    assert "raised SystemExit(5)" in caplog.text
    assert "stopped the event loop" in caplog.text
    assert [path.name for path in sorted((tmp_path / "report").iterdir())] == REPORT


def test_ctrl_c_twice_ends_at_once_with_a_report(tmp_path: Path) -> None:
    plan = (
        "accounts: [{jid: 'a-{1..2}@localhost'}]\n"
        "drain: 1h\n"
        "phases:\n"
        "  - login: {}\n"
        "  - call: {rate: 1/s, duration: 1s, hold: 1h}\n"
        "  - {start: with, delay: 2s, idle: {duration: 1h}}\n"
    )
    with going(tmp_path, plan, "--shards", "1") as run:
        run.until("idle begins")
        run.interrupt()
        run.until("press Ctrl-C again to stop at once")
        run.interrupt()
        done = run.end()
    assert done.status == Status.ABORTED, done.said
    assert "Aborted: it was stopped at once" in done.said
    assert (done.out / "report.html").exists()


def test_a_target_that_is_not_there_gives_3_with_a_report(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        done = load(
            tmp_path,
            f"server: {{host: 127.0.0.1, port: {taken.getsockname()[1]}}}\n"
            "accounts: [{jid: 'a-{1..2}@localhost', password: x}]\n"
            "phases: [{login: {}}, {idle: {duration: 1h}}]\n",
        )
    assert done.status == Status.ABORTED, done.said
    assert "no account could log in: nothing listens" in done.summary["verdict"]
    suite = ET.fromstring((done.out / "junit.xml").read_text())
    assert suite.attrib["errors"] == "1"


def test_a_wrong_plan_gives_2_and_all_places(tmp_path: Path) -> None:
    done = load(
        tmp_path,
        "accounts: [{jid: a@localhost}]\n"
        "phases: [{login: {rat: 1/s}}]\n"
        "thresholds: [login.faild == 0]\n",
    )
    assert done.status == Status.WRONG_PLAN
    first, second = done.said.strip().splitlines()
    file = tmp_path / "plan.yaml"
    assert first == f"{file}:2:19: there is no key 'rat' here: did you mean 'rate'?"
    assert second.startswith(f"{file}:3:14: ")
    assert not done.out.exists()


def test_more_open_files_than_there_may_be_gives_2_and_the_number(tmp_path: Path) -> None:
    done = load(
        tmp_path,
        "accounts: [{jid: 'a-{1..900}@localhost'}]\nphases: [{login: {}}]\n",
        limit="ulimit -n 400",
    )
    assert done.status == Status.WRONG_PLAN
    assert "needs 1,050 open files in one process, and the limit is 400" in done.said
