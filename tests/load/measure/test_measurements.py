"""What shards measure is merged as if one had measured all."""

import csv
import io
import json
from xml.etree import ElementTree as ET

import pytest
from callboard.load.measure.measurements import Measurements
from callboard.load.measure.tally import MAX_CAUSES, OTHER, Tally
from callboard.load.plan.threshold import Threshold
from callboard.load.report.junit import junit
from callboard.load.report.samples import samples
from callboard.load.run.verdict import Check, Status, check, judge, shown


def measured() -> Measurements:
    found = Measurements()
    for shard in range(2):
        tally = Tally()
        for value in range(1, 101):
            tally.record("call.setup", (shard * 100 + value) / 1000)
        tally.count("call.started", 100)
        tally.fail("call", "failed: connectivity-error")
        tally.gauge("accounts.online", 5)
        found.merge(shard, tally.take())
    found.close(1.0)
    return found


def test_distributions_of_shards_are_one() -> None:
    found = measured()
    assert found.value("call.setup", "count") == 200
    assert found.value("call.setup", "p50") == pytest.approx(0.1, rel=0.002)
    assert found.value("call.setup", "p95") == pytest.approx(0.19, rel=0.002)
    assert found.value("call.setup", "max") == pytest.approx(0.2, rel=0.002)
    assert found.value("call.setup", "min") == pytest.approx(0.001, rel=0.002)
    assert found.value("call.setup", "mean") == pytest.approx(0.1005, rel=0.002)
    assert found.value("call.failed", "ratio") == 1.0
    assert found.value("accounts.online", "value") == 10
    assert found.points[0].spreads["call.setup"].p99 == pytest.approx(0.198, rel=0.002)


def test_an_interval_has_only_what_came_in_it() -> None:
    found = measured()
    point = found.close(2.0)
    assert not point.counters
    assert not point.spreads
    assert point.gauges["accounts.online"] == 10
    found.lose(0)
    assert found.close(3.0).gauges["accounts.online"] == 5
    assert found.value("call.setup", "count") == 200


def test_causes_are_bounded() -> None:
    tally = Tally()
    for number in range(3 * MAX_CAUSES):
        tally.fail("login", f"word {number}")
    causes = tally.take().causes
    assert len(causes) == MAX_CAUSES + 1
    assert causes["login", OTHER] == 2 * MAX_CAUSES


def test_what_was_not_measured_does_not_hold() -> None:
    found = check(Threshold(check="audio.mos.p05 > 4"), measured())
    assert not found.held
    assert shown(found.value, found.unit) == "not measured"


@pytest.mark.parametrize(
    ("thresholds", "aborted", "status", "words"),
    [
        (["call.setup.p95 < 1s"], None, Status.HELD, "The one threshold holds"),
        (["call.setup.p95 < 1s", "call.failed == 0"], None, Status.BREACHED, "1 of 2"),
        (["call.setup.p95 < 1s"], "no account could log in", Status.ABORTED, "Aborted: no account"),
        ([], None, Status.HELD, "no thresholds"),
    ],
)
def test_the_verdict(
    thresholds: list[str], aborted: str | None, status: Status, words: str
) -> None:
    wanted = [Threshold(check=one) for one in thresholds]
    verdict = judge(wanted, measured(), aborted=aborted, stopped=False, warnings=[])
    assert verdict.status is status
    assert words in verdict.sentence


def test_a_threshold_of_a_phase_looks_at_that_phase() -> None:
    tally = Tally()
    for phase, seconds in ((0, 0.1), (1, 0.9)):
        tally.of(phase).record("call.setup", seconds)
    found = Measurements(("quiet", "rush"))
    found.merge(0, tally.take())
    found.close(1.0)
    held = {
        phase: check(Threshold(check="call.setup.max < 500ms", phase=phase), found).held
        for phase in (None, "quiet", "rush")
    }
    assert held == {None: False, "quiet": True, "rush": False}


def test_what_ended_the_run_stays_broken() -> None:
    found = measured()
    threshold = Threshold(check="call.setup.p95 < 1s", abort=True)
    broken = {threshold: Check(threshold.check, 2.5, "s", held=False)}
    verdict = judge(
        [threshold], found, broken=broken, aborted=None, stopped=False, warnings=["slow"]
    )
    assert verdict.status is Status.BREACHED
    assert verdict.breached[0].value == 2.5
    assert verdict.warnings[0].endswith("did not hold: call.setup.p95 < 1s.")


def test_samples_have_a_row_for_each_interval() -> None:
    found = measured()
    found.close(2.0)
    rows = list(csv.DictReader(io.StringIO(samples(found.points))))
    assert [row["seconds"] for row in rows] == ["1", "2"]
    assert rows[0]["call.started"] == "200"
    assert float(rows[0]["call.setup.p95"]) == pytest.approx(0.19, rel=0.002)
    assert rows[1]["call.setup.p95"] == ""


def test_junit_names_what_does_not_hold() -> None:
    thresholds = [Threshold(check="call.failed == 0"), Threshold(check="call.started == 200")]
    verdict = judge(thresholds, measured(), aborted="x\0<y>", stopped=True, warnings=["w"])
    suite = ET.fromstring(junit("plan.yaml", 12.34, verdict))
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["errors"] == "1"
    (failure,) = suite.iterfind("testcase[failure]")
    assert failure.attrib["name"] == "call.failed == 0"
    assert json.dumps(failure.find("failure").attrib) == '{"message": "measured: 2"}'  # type: ignore[union-attr]
