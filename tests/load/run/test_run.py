"""Whole runs on a private Prosody, small ones."""

import asyncio
import os
import re
import signal
import urllib.request
from pathlib import Path

import pytest
from callboard.config.metrics import ListenAddress
from callboard.control.load_run.summary import summary
from callboard.load import load_plan
from callboard.load.measure.measurements import Point
from callboard.load.report.report import write_report
from callboard.load.run.prometheus import serve_metrics
from callboard.load.run.run import Run
from callboard.load.run.verdict import Status, Verdict
from callboard.tests.conftest import Run as RunFixture

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 60.0


def written(folder: Path, text: str) -> Path:
    file = folder / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    return file


async def finished(run: Run) -> Verdict:
    async with asyncio.timeout(PATIENCE):
        return await run.run()


@pytest.mark.parametrize("then", ["continue", "abort"])
def test_a_shard_that_dies_is_lost_and_the_run_does_as_the_plan_says(
    tmp_path: Path, run: RunFixture, then: str
) -> None:
    plan = load_plan(
        written(
            tmp_path,
            f"lost_shard: {then}\n"
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
    assert verdict.status is (Status.BREACHED if then == "continue" else Status.ABORTED)
    assert [check.held for check in verdict.checks] == [False, True]
    assert test.shards[1].lost == "its process was ended by SIGKILL"
    assert "Shard 1 was lost with its 2 accounts, 2 of them online" in " ".join(verdict.warnings)
    if then == "abort":
        assert "shard 1 was lost" in verdict.sentence
        assert test.phases[-1].began is None
        return
    assert test.measurements.counters["logout.ok"] == 2
    assert (tmp_path / "out" / "report.html") in write_report(
        tmp_path / "out", "plan", test, verdict
    )


def test_what_is_seen_last_is_how_a_stopped_run_has_ended(tmp_path: Path, run: RunFixture) -> None:
    plan = load_plan(
        written(
            tmp_path,
            "accounts: [{jid: 'a-{1..2}@localhost'}]\n"
            "phases: [{login: {}}, {idle: {duration: 10m}}, {logout: {}}]\n",
        )
    )
    seen: list[Point] = []
    test: Run

    def see(point: Point) -> None:
        seen.append(point)
        if point.gauges.get("accounts.online") == 2 and not test.is_ending:
            assert [one.state for one in summary(test).phases] == ["ended", "running", "waiting"]
            test.stop()

    test = Run(plan, tmp_path, shards=1, see=see)
    verdict = run(lambda: finished(test))
    assert seen[-1] is test.measurements.points[-1]
    assert seen[-1].gauges["accounts.online"] == 0
    assert [one.state for one in summary(test).phases] == ["ended", "ended", "skipped"]
    [report] = [
        one for one in write_report(tmp_path, "plan", test, verdict) if one.suffix == ".html"
    ]
    assert report.read_text("utf-8").count("did not begin") == 1


def test_a_threshold_can_end_the_run_and_stays_broken(tmp_path: Path, run: RunFixture) -> None:
    # What is compared holds again at the end, when everybody has logged out.
    plan = load_plan(
        written(
            tmp_path,
            f"server_pid: {os.getpid()}\n"
            "accounts: [{jid: 'a-{1..2}@localhost'}]\n"
            "phases: [{login: {}}, {idle: {duration: 1h}}]\n"
            "thresholds: [login.ok == 2, {check: accounts.online < 2, abort: true}]\n",
        )
    )
    test = Run(plan, tmp_path, shards=1)
    verdict = run(lambda: finished(test))
    assert verdict.status is Status.BREACHED
    assert test.measurements.points[-1].gauges["accounts.online"] == 0
    assert [(check.held, check.value) for check in verdict.checks] == [(True, 2), (False, 2)]
    assert verdict.warnings[0].endswith("did not hold: accounts.online < 2.")
    # The process that the plan names is this one, many times as large as the embedded server.
    memory = test.measurements.value("server.memory", "max")
    assert memory is not None
    assert memory > 60
    assert test.measurements.value("server.cpu", "count")


def test_a_saturated_generator_can_end_the_run(tmp_path: Path, run: RunFixture) -> None:
    plan = load_plan(
        written(
            tmp_path,
            "accounts: [{jid: a@localhost}]\n"
            "watchdog: {lag: 0s, for: 500ms, then: abort}\n"
            "phases: [{login: {}}, {idle: {duration: 1h}}]\n",
        )
    )
    test = Run(plan, tmp_path, shards=1)
    verdict = run(lambda: finished(test))
    assert verdict.status is Status.ABORTED
    assert verdict.sentence == "Aborted: the generator is saturated"
    assert "The generator, not the target, was the limit" in verdict.warnings[0]
    assert (tmp_path / "out" / "report.html") in write_report(
        tmp_path / "out", "plan", test, verdict
    )


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
    counters = test.measurements.counters
    assert counters["audio.received"] >= 0.8 * counters["audio.sent"] > 0


def test_prometheus_finds_metrics_while_it_runs(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path, "accounts: [{jid: a@localhost}]\nphases: [{login: {}}]\n"))
    test = Run(plan, tmp_path, shards=1)
    test.measurements.count("login.ok", 7)
    test.measurements.record("call.setup", 0.25)
    test.measurements.close(1.0)
    server = serve_metrics(ListenAddress("127.0.0.1", 0), test)
    try:
        page = f"http://127.0.0.1:{server.port}/metrics"
        with urllib.request.urlopen(page, timeout=PATIENCE) as answer:
            text = answer.read().decode()
    finally:
        server.close()
    assert "callboard_login_ok_total 7.0" in text
    assert re.search(r'callboard_call_setup_seconds\{quantile="0.95"\} 0\.25', text)
