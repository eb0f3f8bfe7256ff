"""A load test keeps the ladders of some calls that failed and of the slowest."""

from pathlib import Path

from callboard.ladder.folder import find_ladder
from callboard.load import load_plan
from callboard.load.report.report import write_report
from callboard.load.run.run import Run
from callboard.tests.conftest import Run as RunFixture
from callboard.tests.load.report.test_page import Markup
from callboard.tests.load.run.test_run import finished, written

PLAN = """
accounts:
  - jid: a-{1..4}@localhost
  - {jid: busy@localhost, calls: {answer: never}}
phases:
  - login: {rate: 20/s}
  - {name: talk, call: {from: a-1@localhost, to: a-2@localhost, rate: 1/s, duration: 1s, hold: 1s}}
  - {name: fail, call: {from: a-4@localhost, to: busy@localhost, rate: 1/s, duration: 2s, hold: 1s}}
"""


def test_the_report_has_the_ladders_of_failed_and_slow_calls(
    tmp_path: Path, run: RunFixture
) -> None:
    test = Run(load_plan(written(tmp_path, PLAN)), tmp_path, shards=2)
    verdict = run(lambda: finished(test))
    [slow] = test.measurements.ladders.slowest
    assert (slow.account, slow.direction, slow.state) == ("a-1@localhost", "out", "completed")
    assert slow.connected is not None
    failed = test.measurements.ladders.failed
    assert {one.account for one in failed} == {"a-4@localhost"}
    assert all(one.cause.startswith("Declined: the peer refused the call") for one in failed)

    out = tmp_path / "out"
    for _ in range(2):  # another report takes the place of the one before
        files = write_report(out, "plan", test, verdict)
        assert out / "calls.ladders" in files
    assert find_ladder(out / "calls.jsonl", slow.uuid) == slow
    assert find_ladder(out / "calls.jsonl", "last-failed") in failed
    modes = {path.stat().st_mode & 0o777 for path in (out / "calls.ladders").rglob("*.jsonl")}
    assert modes == {0o600}
    page = Markup((out / "report.html").read_text(encoding="utf-8"))
    assert "Calls that failed, step by step" in page.text
    assert "propose (audio)" in page.text
    assert [tag for tag, _ in page.tags].count("svg") == 1 + len(failed)
