"""Calls: how many, how they end, how long their setup takes, how good they are."""

from collections.abc import Container, Mapping
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ...actors.messages.exchange import CallStatus
from ...actors.records.call_record import FAILURES, CallRecord, State
from ...jingle import Reason
from ...load.measure.media_growth import media_growth
from ...load.measure.steps import CALL_STEPS, new_steps

DIRECTIONS = ("in", "out")
PHASES = ("proposed", "ringing", "connecting", "connected")
KINDS = ("audio", "video")
STATES = get_args(State)
REASONS = tuple(map(str, Reason))
#: What a label says that stands in none of our tables.
OTHER = "other"

STEP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
CALL_SECONDS = (1, 5, 15, 30, 60, 300, 900, 3600, 14400)
SHARES = (0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
SCORES = (1.5, 2, 2.5, 3, 3.4, 3.7, 4, 4.2, 4.4)
JITTER_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25)
ROUND_TRIP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5)


class CallMetrics:
    """Counts the calls of all accounts.

    Args:
        registry: where the metrics belong.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._running: dict[tuple[str, str], CallStatus] = {}

        def histogram(name: str, meaning: str, label: str, bounds: tuple[float, ...]) -> Histogram:
            return Histogram(
                f"callboard_{name}", meaning, label.split(), buckets=bounds, registry=registry
            )

        def counter(name: str, meaning: str, labels: str) -> Counter:
            return Counter(f"callboard_{name}", meaning, labels.split(), registry=registry)

        self._now = Gauge(
            "callboard_calls",
            "Calls that are running.",
            ("direction", "phase"),
            registry=registry,
        )
        self._ended = counter(
            "calls_ended",
            "Calls that have ended, by what became of them and by reason (XEP-0166).",
            "direction state reason",
        )
        self._steps = histogram(
            "call_step_seconds",
            "A step of a call's setup, since the step before.",
            "direction step",
            STEP_SECONDS,
        )
        self._setup = histogram(
            "call_setup_seconds",
            "From the start of a call to secured media.",
            "direction",
            STEP_SECONDS,
        )
        self._duration = histogram(
            "call_duration_seconds",
            "For how long media flowed in a call that has ended.",
            "direction",
            CALL_SECONDS,
        )
        self._packets = counter("rtp_packets", "RTP packets of all calls.", "kind direction")
        self._lost = counter(
            "rtp_packets_lost", "RTP packets that were expected and did not come.", "kind"
        )
        self._freezes = counter("freezes", "How often received media stood still.", "kind")
        self._frozen = counter(
            "frozen_seconds", "For how long received media stood still, in all.", "kind"
        )
        self._mos = histogram(
            "call_mos", "Mean opinion score of a call (ITU-T G.107), at its end.", "kind", SCORES
        )
        self._loss = histogram(
            "call_loss_ratio",
            "Share of a call's packets that did not come, at its end.",
            "kind",
            SHARES,
        )
        self._jitter = histogram(
            "call_jitter_seconds",
            "Jitter of what was received (RFC 3550), at a call's end.",
            "kind",
            JITTER_SECONDS,
        )
        self._round_trip = histogram(
            "call_round_trip_seconds",
            "Round trip by RTCP reports, at a call's end.",
            "kind",
            ROUND_TRIP_SECONDS,
        )
        self._begin()

    def _begin(self) -> None:
        """Let what may come be there from the start, so that a first failure is an increase."""
        for direction in DIRECTIONS:
            for phase in PHASES:
                self._now.labels(direction, phase)
            self._ended.labels(direction, "completed", Reason.SUCCESS)
            for reason in sorted(FAILURES):
                self._ended.labels(direction, "failed", reason)
            self._setup.labels(direction)
            self._duration.labels(direction)
        for kind in KINDS:
            for way in ("sent", "received"):
                self._packets.labels(kind, way)
            for metric in (self._lost, self._loss, self._jitter, self._round_trip):
                metric.labels(kind)
        self._mos.labels("audio")
        self._freezes.labels("video")
        self._frozen.labels("video")

    def status(self, now: CallStatus) -> None:
        """Take how a call stands."""
        key = (now.account, now.id)
        before = self._running.get(key)
        if before is None and now.phase == "ended":
            return
        self._move(before, now)
        if now.phase == "ended":
            del self._running[key]
        else:
            self._running[key] = now
        known = {} if before is None else before.steps
        for step, seconds in new_steps(CALL_STEPS, now.steps, known):
            self._steps.labels(now.direction, step).observe(seconds)
        if "dtls" in now.steps and "dtls" not in known:
            self._setup.labels(now.direction).observe(now.steps["dtls"])
        for grown in media_growth(before, now):
            kind = _one_of(grown.now.kind, KINDS)
            self._packets.labels(kind, "sent").inc(grown.sent)
            self._packets.labels(kind, "received").inc(grown.received)
            self._lost.labels(kind).inc(grown.lost)
            if grown.freezes or grown.frozen_ms:
                self._freezes.labels(kind).inc(grown.freezes)
                self._frozen.labels(kind).inc(grown.frozen_ms / 1000)

    def record(self, record: CallRecord) -> None:
        """Take the detail record of a call that has ended."""
        left = self._running.pop((record.account, record.id), None)
        self._move(left, None)
        self._ended.labels(
            record.direction,
            _one_of(record.state, STATES),
            _one_of(record.reason, REASONS),
        ).inc()
        if record.connected is not None:
            self._duration.labels(record.direction).observe(record.ended - record.connected)
        for one in record.media:
            self._judge(one)

    def _move(self, before: CallStatus | None, now: CallStatus | None) -> None:
        """Count a call where it is, and no longer where it was."""
        if before is not None:
            self._now.labels(before.direction, before.phase).dec()
        if now is not None and now.phase != "ended":
            self._now.labels(now.direction, now.phase).inc()

    def _judge(self, media: Mapping[str, Any]) -> None:
        """Record how good one kind of media of an ended call was."""
        if not media["received"]:
            return
        kind = _one_of(media["kind"], KINDS)
        self._loss.labels(kind).observe(media["lost"] / (media["received"] + media["lost"]))
        self._jitter.labels(kind).observe(media["jitter_ms"] / 1000)
        if media["rtt_ms"] is not None:
            self._round_trip.labels(kind).observe(media["rtt_ms"] / 1000)
        if media["mos"] is not None:
            self._mos.labels(kind).observe(media["mos"])


def _one_of(value: str, table: Container[str]) -> str:
    """Return a value that stands in a table as it is, any other one as `OTHER`."""
    return str(value) if value in table else OTHER
