"""From what a call says of itself to metrics: while it runs, at its end, and by direction."""

import csv
import io
from dataclasses import replace

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.actors.records.call_record import CallRecord
from callboard.jingle import Reason
from callboard.load.measure.actor_reports import measure_call, measure_media, measure_setup
from callboard.load.measure.ended_calls import COLUMNS, WORST, EndedCalls
from callboard.load.measure.measurements import Measurements
from callboard.load.measure.tally import Tally
from callboard.load.run.phase_tag import session_id
from callboard.media import MediaStatistics

SID = session_id(1)
TITLES = ("login", "rush hour")


def heard(
    received: int, lost: int = 0, *, kind: str = "audio", mos: float = 4.0
) -> MediaStatistics:
    return MediaStatistics(
        kind="audio" if kind == "audio" else "video",
        codec="opus" if kind == "audio" else "VP8",
        sent=received + lost,
        received=received,
        lost=lost,
        jitter_ms=2.0,
        rtt_ms=10.0,
        mos=mos if kind == "audio" else None,
        reordered=1 if received else 0,
    )


def status(seconds: float, *media: MediaStatistics, direction: str = "out") -> CallStatus:
    return CallStatus(
        id=SID,
        account="a@localhost",
        peer="b@localhost/load",
        direction="out" if direction == "out" else "in",
        phase="connected",
        media=("audio",),
        seconds=seconds,
        steps={"dtls": 0.2},
        statistics=media,
    )


def record(direction: str = "out", state: str = "completed") -> CallRecord:
    return CallRecord(
        id=SID,
        account="a@localhost",
        peer="b@localhost/load",
        direction="out" if direction == "out" else "in",
        state="completed" if state == "completed" else "failed",
        reason=Reason.SUCCESS,
        started=1_800_000_000.0,
        connected=1_800_000_000.2,
        ended=1_800_000_003.2,
    )


def merged(tally: Tally) -> Measurements:
    found = Measurements(TITLES)
    found.merge(0, tally.take())
    found.close(1.0)
    return found


def test_quality_is_taken_while_a_call_runs() -> None:
    tally = Tally()
    states = [
        status(0.0),
        status(1.0, heard(50)),
        status(2.0, heard(75, 25)),
        status(3, heard(125, 25)),
    ]
    for before, now in zip([None, *states], states, strict=False):
        measure_media(before, now, tally.of(1))
    found = merged(tally)
    assert found.value("audio.now.loss", "count") == 3
    assert found.value("audio.now.loss", "max") == pytest.approx(50, rel=0.002)
    assert found.value("audio.now.loss", "min") == 0
    assert found.value("audio.now.rate", "min") == pytest.approx(25, rel=0.002)
    worst, best = found.value("audio.now.mos", "min"), found.value("audio.now.mos", "max")
    assert worst is not None
    assert best is not None
    assert worst < 2.5 < 4.3 < best, "half a second without sound is heard, then it is good again"
    assert found.counters["audio.received"] == found.counters["audio.to-caller.received"] == 125
    assert found.counters["audio.lost"] == 25
    assert found.counters["audio.reordered"] == 1
    assert found.counters["audio.sent"] == found.counters["audio.to-callee.sent"] == 150
    assert "audio.to-callee.received" not in found.counters


def test_directions_are_told_apart() -> None:
    tally = Tally()
    measure_call(record("out"), status(3, heard(100, mos=4.4)), 1, tally.of(1))
    last = status(3, heard(50, 50, mos=2.0), direction="in")
    measure_call(record("in"), last, 1, tally.of(1))
    found = merged(tally)
    assert found.value("audio.to-caller.mos", "max") == pytest.approx(4.4, rel=0.002)
    assert found.value("audio.to-callee.mos", "max") == pytest.approx(2.0, rel=0.002)
    assert found.value("audio.mos", "count") == 2
    assert found.value("audio.to-callee.loss", "max") == pytest.approx(50, rel=0.002)


def test_the_share_of_time_in_which_the_picture_stood_still() -> None:
    tally = Tally()
    still = replace(heard(100, kind="video"), freezes=2, frozen_ms=600.0)
    measure_call(record("out"), status(3, heard(100), still), 1, tally)
    found = merged(tally)
    assert found.value("video.frozen", "max") == pytest.approx(20, rel=0.002)
    assert found.value("video.to-caller.frozen", "count") == 1
    assert found.distribution("video.to-callee.frozen") is None


def test_what_belongs_to_a_phase_is_in_the_whole_too() -> None:
    tally = Tally()
    measure_setup(None, status(3, heard(100)), tally.of(1))
    measure_call(record(), status(3, heard(100)), 1, tally.of(1))
    measure_call(record(state="failed"), None, None, tally)
    tally.of(1).drop("call", "nobody there")
    found = merged(tally)
    rush = found.phases["rush hour"]
    assert (rush.counters["call.ok"], rush.counters["call.failed"]) == (1, 0)
    assert (found.counters["call.ok"], found.counters["call.failed"]) == (1, 1)
    assert rush.value("call.setup", "p50") == pytest.approx(0.2, rel=0.002)
    assert found.value("call.setup", "count") == 1
    assert list(rush.causes) == [("call", "nobody there")]
    assert not found.phases["login"].counters
    assert not Tally().take().phases


def test_every_call_has_its_rows() -> None:
    tally = Tally()
    for direction in ("out", "in"):
        media = (heard(90, 10), heard(30, kind="video"))
        measure_call(record(direction), status(3, *media, direction=direction), 1, tally.of(1))
    measure_call(record(state="failed"), None, None, tally)
    found = merged(tally)
    text = b"".join(found.calls.csv()).decode()
    assert text == b"".join(found.calls.csv()).decode(), "it can be read again"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["side"], row["media"]) for row in rows] == [
        ("caller", ""), ("caller", "audio"), ("caller", "video"),
        ("callee", "audio"), ("callee", "video"),
    ]  # fmt: skip
    assert [row["phase"] for row in rows] == ["", *["rush hour"] * 4]
    audio = rows[1]
    assert audio["call"] == SID
    assert (audio["sent"], audio["received"], audio["lost"]) == ("100", "90", "10")
    assert (audio["jitter_ms"], audio["rtt_ms"], audio["mos"]) == ("2", "10", "4")
    assert (audio["setup_s"], audio["held_s"]) == ("0.2", "3")
    assert audio["started"] == "2027-01-15T08:00:00.000Z"


def test_the_worst_legs_are_kept_and_no_more() -> None:
    tally = Tally()
    for place in range(3 * WORST):
        score = 1.0 + (place * 7 % (3 * WORST)) / 15
        measure_call(record(), status(3, heard(100, mos=score)), 1, tally.of(1))
    log = EndedCalls(TITLES)
    for side in tally.take().phases[1].sides:
        log.add(side)
    found = [leg.score for leg in log.worst()]
    assert found == pytest.approx([1 + place / 15 for place in range(WORST)])


def test_each_step_of_a_setup_is_recorded_once_and_when_it_is_taken() -> None:
    tally = Tally()
    before: CallStatus | None = None
    taken: dict[str, float] = {}
    for step, at in (("propose", 0.01), ("accept", 0.11), ("dtls", 0.15), ("first-audio", 0.18)):
        taken = {**taken, step: at}
        now = replace(status(0.0), steps=taken)
        measure_setup(before, now, tally)
        measure_setup(now, now, tally)
        before = now
    found = merged(tally)
    for metric, seconds in (
        ("call.propose", 0.01),
        ("call.accept", 0.1),
        ("call.dtls", 0.04),
        ("call.first-audio", 0.03),
        ("call.setup", 0.15),
        ("call.media", 0.18),
    ):
        assert found.value(metric, "count") == 1, metric
        assert found.value(metric, "max") == pytest.approx(seconds, rel=0.01), metric
