"""What is counted of calls."""

from dataclasses import replace
from typing import Any

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.actors.records.call_record import CallRecord
from callboard.control.metrics.call_metrics import CallMetrics
from callboard.jingle import Reason
from callboard.media import MediaStatistics
from prometheus_client import CollectorRegistry

OUT = CallStatus("1", "desk@localhost", "alice@localhost/a", "out", "proposed", ("audio",))
SOUND = MediaStatistics("audio", "opus", 10, 90, 10, 5.0, 20.0, 4.2)
RECORD = CallRecord(
    "1", "desk@localhost", "alice@localhost/a", "out", "completed", Reason.SUCCESS, 100.0, 110.0
)


class Counted:
    """The metrics of calls, and what they are."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.calls = CallMetrics(self.registry)

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"callboard_{name}", labels)

    def running(self, direction: str = "out") -> dict[str, float]:
        [family] = [one for one in self.registry.collect() if one.name == "callboard_calls"]
        return {
            one.labels["phase"]: one.value
            for one in family.samples
            if one.labels["direction"] == direction and one.value
        }


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_call_counts_in_one_phase_at_a_time(counted: Counted) -> None:
    for phase in ("proposed", "ringing", "ringing", "connecting", "connected"):
        counted.calls.status(replace(OUT, phase=phase))
        assert counted.running() == {phase: 1}
    counted.calls.status(replace(OUT, id="2", direction="in", phase="ringing"))
    assert (counted.running(), counted.running("in")) == ({"connected": 1}, {"ringing": 1})
    counted.calls.status(replace(OUT, phase="ended"))
    counted.calls.record(RECORD)
    assert (counted.running(), counted.running("in")) == ({}, {"ringing": 1})
    assert counted("calls_ended_total", direction="out", state="completed", reason="success") == 1


def test_a_call_that_ends_without_a_last_word_does_not_go_on(counted: Counted) -> None:
    counted.calls.status(OUT)
    counted.calls.record(RECORD)
    assert counted.running() == {}


def test_a_call_that_was_refused_at_once_has_only_an_end(counted: Counted) -> None:
    counted.calls.status(replace(OUT, phase="ended"))
    counted.calls.record(replace(RECORD, state="busy", reason=Reason.BUSY))
    assert counted.running() == {}
    assert counted("calls_ended_total", direction="out", state="busy", reason="busy") == 1


def test_steps_are_counted_once_and_from_the_one_before(counted: Counted) -> None:
    counted.calls.status(replace(OUT, steps={"propose": 0.0}))
    counted.calls.status(replace(OUT, steps={"propose": 0.0, "proceed": 2.0}))
    done = {"propose": 0.0, "proceed": 2.0, "dtls": 2.5, "ice-restart": 3.0, "ended": 9.0}
    for _ in range(2):
        counted.calls.status(replace(OUT, steps=done, phase="connected"))
    steps = {
        step: (
            counted("call_step_seconds_count", direction="out", step=step),
            counted("call_step_seconds_sum", direction="out", step=step),
        )
        for step in ("proceed", "dtls", "ice-restart", "ended")
    }
    assert steps == {
        "proceed": (1, 2.0), "dtls": (1, 0.5), "ice-restart": (None, None), "ended": (None, None)
    }  # fmt: skip
    assert counted("call_setup_seconds_sum", direction="out") == 2.5


def test_packets_and_freezes_are_counted_while_the_call_goes_on(counted: Counted) -> None:
    video = replace(SOUND, kind="video", freezes=1, frozen_ms=500.0)
    counted.calls.status(replace(OUT, statistics=(SOUND, video)))
    more = replace(SOUND, sent=30, received=120, lost=10)
    still = replace(video, freezes=3, frozen_ms=1500.0)
    counted.calls.status(replace(OUT, statistics=(more, still)))
    assert counted("rtp_packets_total", kind="audio", direction="sent") == 30
    assert counted("rtp_packets_total", kind="audio", direction="received") == 120
    assert counted("rtp_packets_lost_total", kind="audio") == 10
    assert counted("freezes_total", kind="video") == 3
    assert counted("frozen_seconds_total", kind="video") == 1.5


def test_counters_that_begin_anew_take_nothing_back(counted: Counted) -> None:
    counted.calls.status(replace(OUT, statistics=(SOUND,)))
    counted.calls.status(replace(OUT, statistics=(replace(SOUND, received=5, lost=0),)))
    assert counted("rtp_packets_total", kind="audio", direction="received") == 90


def media(**changes: Any) -> dict[str, Any]:
    whole = {"kind": "audio", "received": 90, "lost": 10, "jitter_ms": 5, "rtt_ms": 20, "mos": 4.2}
    return {**whole, **changes}


def test_quality_is_judged_at_the_end(counted: Counted) -> None:
    legs = (media(), media(kind="video", mos=None, rtt_ms=None), media(received=0))
    counted.calls.record(replace(RECORD, connected=101.0, media=legs))
    assert counted("call_mos_sum", kind="audio") == 4.2
    assert counted("call_loss_ratio_sum", kind="audio") == 0.1
    assert counted("call_jitter_seconds_sum", kind="video") == 0.005
    assert counted("call_round_trip_seconds_sum", kind="audio") == 0.02
    assert counted("call_round_trip_seconds_count", kind="video") == 0
    assert counted("call_duration_seconds_sum", direction="out") == 9
    assert counted("call_loss_ratio_count", kind="audio") == 1


def test_labels_come_from_tables(counted: Counted) -> None:
    for number in range(50):
        strange: Any = f"strange-{number}"
        counted.calls.record(
            replace(RECORD, state=strange, reason=strange, media=(media(kind=strange),))
        )
    assert counted("calls_ended_total", direction="out", state="other", reason="other") == 50
    assert counted("call_loss_ratio_count", kind="other") == 50
    samples = [one for family in counted.registry.collect() for one in family.samples]
    assert not [one for one in samples if "strange" in str(one.labels)]


def test_each_failure_is_there_before_it_first_happens(counted: Counted) -> None:
    value = counted(
        "calls_ended_total", direction="in", state="failed", reason="connectivity-error"
    )
    assert value == 0
