"""From what the actors report to metrics."""

from collections.abc import Iterable, Mapping

from ..actors.call_record import CallRecord
from ..actors.messages.exchange import AccountReady, CallStatus
from .metric import CALL_STEPS, LOGIN_STEPS
from .tally import Tally


def measure_login(event: AccountReady, tally: Tally) -> None:
    """Record a login: the whole, and each step from the one before."""
    tally.count("login.ok")
    tally.record("login", max(event.steps.values()))
    _record_steps("login", LOGIN_STEPS, event.steps, tally)


def measure_call(record: CallRecord, status: CallStatus | None, tally: Tally) -> None:
    """Record one side of a call that has ended.

    Args:
        record: its detail record.
        status: how it stood last, or None for a call that was refused at once.
        tally: where it is recorded. The setup is the caller's, the quality both sides'.
    """
    seconds = 0.0 if record.connected is None else record.ended - record.connected
    _record_quality(record.media, seconds, tally)
    for one in () if status is None else status.statistics:
        tally.count(f"{one.kind}.reordered", one.reordered)
    if record.direction == "in":
        return
    if record.state == "completed":
        tally.count("call.ok")
    else:
        tally.fail("call", f"{record.state}: {record.reason}")
    steps = {} if status is None else status.steps
    if "dtls" in steps:
        tally.record("call.setup", steps["dtls"])
        tally.record("call.held", seconds)
    heard = [steps[step] for step in ("first-audio", "first-video") if step in steps]
    if heard:
        tally.record("call.media", min(heard))
    _record_steps("call", CALL_STEPS, steps, tally)


def _record_steps(
    activity: str, known: Iterable[str], steps: Mapping[str, float], tally: Tally
) -> None:
    taken = sorted((steps[step], step) for step in known if step in steps)
    before = 0.0
    for at, step in taken:
        tally.record(f"{activity}.{step}", at - before)
        before = at


def _record_quality(media: Iterable[Mapping[str, object]], seconds: float, tally: Tally) -> None:
    for one in media:
        kind = str(one["kind"])
        sent, received, lost = _number(one["sent"]), _number(one["received"]), _number(one["lost"])
        tally.count(f"{kind}.sent", int(sent))
        tally.count(f"{kind}.received", int(received))
        tally.count(f"{kind}.lost", int(lost))
        if not received:
            continue
        tally.record(f"{kind}.loss", 100 * lost / (received + lost))
        tally.record(f"{kind}.jitter", _number(one["jitter_ms"]) / 1000)
        if seconds >= 1:
            tally.record(f"{kind}.rate", received / seconds)
        if one["rtt_ms"] is not None:
            tally.record(f"{kind}.rtt", _number(one["rtt_ms"]) / 1000)
        if kind == "audio" and one["mos"] is not None:
            tally.record("audio.mos", _number(one["mos"]))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
