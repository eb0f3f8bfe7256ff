"""The numbers at the top of the report that say most."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..measure.measurements import Measurements
from ..run.verdict import shown

FAIR = 3.6
"""The score below which some users are dissatisfied (ITU-T G.107 annex B)."""

STILL = 1.0
"""Percent of the time in which a picture may stand still: a little over half a second a minute."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One number that says much.

    Attributes:
        value: the number, as people read it.
        words: what it is.
        bad: whether it says something bad.
    """

    value: str
    words: str
    bad: bool = False


def headlines(measured: Measurements) -> list[Headline]:
    """Return the headlines of a run."""
    found = [*_outcomes(measured), *_times(measured), *_packets(measured)]
    dropped = measured.counters["iteration.dropped"]
    if dropped:
        found.append(Headline(f"{dropped:,}", "iterations could not start (dropped)", bad=True))
    return found


def _outcomes(measured: Measurements) -> Iterator[Headline]:
    counters = measured.counters
    for activity, words, good in (
        ("login", "accounts logged in", "login.ok"),
        ("call", "calls succeeded", "call.ok"),
        ("message", "messages arrived", "message.received"),
    ):
        started = counters[f"{activity}.started"]
        if started:
            bad = bool(counters[f"{activity}.failed"] or counters[f"{activity}.lost"])
            yield Headline(f"{counters[good]:,}", f"of {started:,} {words}", bad)
    most = max((point.gauges.get("calls.active", 0) for point in measured.points), default=0)
    if most:
        yield Headline(f"{most:,.0f}", "calls at once, at most")


def _times(measured: Measurements) -> Iterator[Headline]:
    for metric, words in (
        ("login", "login: 95 % within"),
        ("call.setup", "call setup: 95 % within"),
        ("message.delivery", "message delivery: 95 % within"),
    ):
        spread = measured.spread(metric)
        if spread is not None:
            yield Headline(shown(spread.p95, "s"), words)


def _packets(measured: Measurements) -> Iterator[Headline]:
    score = measured.spread("audio.mos")
    if score is not None:
        words = "sound quality: 95 % of legs have at least this score (MOS, 1 to 4.4)"
        yield Headline(shown(score.p05, "MOS"), words, bad=score.p05 < FAIR)
    frozen = measured.spread("video.frozen")
    if frozen is not None:
        words = "of the time the picture stood still, at most, with 95 % of legs"
        yield Headline(shown(frozen.p95, "%"), words, bad=frozen.p95 >= STILL)
    for kind in ("audio", "video"):
        sent, lost = measured.counters[f"{kind}.sent"], measured.counters[f"{kind}.lost"]
        if sent:
            yield Headline(f"{lost:,}", f"of {sent:,} {kind} packets lost", bad=bool(lost))
