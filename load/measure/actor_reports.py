"""From what the actors report to metrics."""

from collections.abc import Mapping

from ...actors.messages.exchange import AccountReady, CallStatus
from ...actors.records.call_record import CallRecord
from ...media import MediaStatistics
from ...media.rtc.rtp.quality import mean_opinion_score
from .call_side import TO_CALLEE, TO_CALLER, CallSide
from .media_growth import media_growth
from .steps import CALL_STEPS, LOGIN_STEPS, new_steps
from .tally import Tally

MEDIA_STEPS = ("first-audio", "first-video")
LONG_ENOUGH = 0.5
"""Seconds of media from which a rate or a share of losses says anything."""


def measure_login(event: AccountReady, tally: Tally) -> None:
    """Record a login: the whole, and each step from the one before."""
    tally.count("login.ok")
    tally.record("login", max(event.steps.values()))
    for step, seconds in new_steps(LOGIN_STEPS, event.steps):
        tally.record(f"login.{step}", seconds)


def measure_setup(before: CallStatus | None, now: CallStatus, tally: Tally) -> None:
    """Record the steps that a caller has taken since its call was looked at before.

    Args:
        before: how the call stood then; None: it had not begun.
        now: how it stands.
        tally: where it is recorded, at once: a call may be held for hours.
    """
    known: Mapping[str, float] = {} if before is None else before.steps
    for step, seconds in new_steps(CALL_STEPS, now.steps, known):
        tally.record(f"call.{step}", seconds)
    if "dtls" in now.steps and "dtls" not in known:
        tally.record("call.setup", now.steps["dtls"])
    heard = [now.steps[step] for step in MEDIA_STEPS if step in now.steps]
    if heard and known.keys().isdisjoint(MEDIA_STEPS):
        tally.record("call.media", min(heard))


def measure_media(before: CallStatus | None, now: CallStatus, tally: Tally) -> None:
    """Record what one side of a call sent and received since it was looked at before.

    Args:
        before: how the call stood then; None: it had not begun.
        now: how it stands.
        tally: where it is recorded.
    """
    seconds = now.seconds - (0.0 if before is None else before.seconds)
    hears, tells = (TO_CALLER, TO_CALLEE) if now.direction == "out" else (TO_CALLEE, TO_CALLER)
    for grown in media_growth(before, now):
        one, received, lost = grown.now, grown.received, grown.lost
        for where in (one.kind, f"{one.kind}.{hears}"):
            tally.count(f"{where}.received", received)
            tally.count(f"{where}.lost", lost)
            tally.count(f"{where}.reordered", grown.reordered)
        for where in (one.kind, f"{one.kind}.{tells}"):
            tally.count(f"{where}.sent", grown.sent)
        if received + lost and seconds >= LONG_ENOUGH:
            _record_now(one, received / seconds, lost / (received + lost), tally)


def measure_call(
    record: CallRecord, status: CallStatus | None, phase: int | None, tally: Tally
) -> None:
    """Record one side of a call that has ended.

    Args:
        record: its detail record.
        status: how it stood last, or None for a call that was refused at once.
        phase: the place of the phase that began it in the plan; None: none did.
        tally: where it is recorded. What became of it is the caller's, the quality both sides'.
    """
    side = _side(record, status, phase)
    tally.ended(side)
    _record_quality(side, tally)
    if not side.is_caller:
        return
    if record.state == "completed":
        tally.count("call.ok")
    else:
        tally.fail("call", f"{record.state}: {record.why}")
    if record.connected is not None:
        tally.record("call.held", side.seconds)


def _side(record: CallRecord, status: CallStatus | None, phase: int | None) -> CallSide:
    return CallSide(
        call=record.id,
        phase=phase,
        account=record.account,
        peer=record.peer,
        is_caller=record.direction == "out",
        state=record.state,
        reason=record.reason,
        text=record.text,
        started=record.started,
        setup=None if record.connected is None else record.connected - record.started,
        seconds=0.0 if record.connected is None else record.ended - record.connected,
        media=() if status is None else status.statistics,
    )


def _record_now(one: MediaStatistics, rate: float, lost: float, tally: Tally) -> None:
    """Record how one kind of media comes through at the moment, `lost` being a share."""
    where = f"{one.kind}.now"
    tally.record(f"{where}.rate", rate)
    tally.record(f"{where}.loss", 100 * lost)
    tally.record(f"{where}.jitter", one.jitter_ms / 1000)
    if one.rtt_ms is not None:
        tally.record(f"{where}.rtt", one.rtt_ms / 1000)
    score = mean_opinion_score(one.codec, lost=lost, jitter_ms=one.jitter_ms, rtt_ms=one.rtt_ms)
    if score is not None:
        tally.record(f"{where}.mos", score)


def _record_quality(side: CallSide, tally: Tally) -> None:
    for one in side.media:
        if not one.received:
            continue
        for where in (one.kind, f"{one.kind}.{side.direction}"):
            tally.record(f"{where}.loss", 100 * one.lost / (one.received + one.lost))
            tally.record(f"{where}.jitter", one.jitter_ms / 1000)
            if side.seconds >= 1:
                tally.record(f"{where}.rate", one.received / side.seconds)
            if one.rtt_ms is not None:
                tally.record(f"{where}.rtt", one.rtt_ms / 1000)
            if one.kind == "video" and side.seconds >= 1:
                tally.record(f"{where}.frozen", one.frozen_ms / 10 / side.seconds)
            if one.mos is not None:
                tally.record(f"{where}.mos", one.mos)
