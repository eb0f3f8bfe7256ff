"""Events and lines of the log as people read them, a line each."""

from datetime import datetime
from pathlib import Path

from ...control.models.events import (
    AccountChangedEvent,
    CallRecordEvent,
    CallStatusEvent,
    FinishedRecordingEvent,
    GapEvent,
    LoadPhaseEvent,
    LoadPointEvent,
    LoadVerdictEvent,
    LogEvent,
    TimedEvent,
)
from .lines import account_sentence, log_line, told_at
from .printable import printable


class Sentences:
    """Tells events in sentences, and says nothing twice in a row of a call."""

    def __init__(self) -> None:
        self._phases: dict[tuple[str, str], str] = {}

    def line(self, event: TimedEvent) -> str | None:
        """Return the line of an event with its time, or None if it is not worth one."""
        if isinstance(event, LogEvent):
            return log_line(event)
        if isinstance(event, CallStatusEvent) and not self._is_news(event):
            return None
        text = sentence(event)
        return None if text is None else told_at(event.time, printable(text))

    def _is_news(self, status: CallStatusEvent) -> bool:
        key = (status.account, status.id)
        if status.phase == "ended":
            self._phases.pop(key, None)
            return True
        before, self._phases[key] = self._phases.get(key), status.phase
        return before != status.phase


def sentence(event: TimedEvent) -> str | None:
    """Return what a person is told about an event, or None if it is not worth a line.

    What the log tells as well, such as that a bot failed, is told there alone.
    """
    match event:
        case AccountChangedEvent(jid=jid, state=state, detail=detail):
            return account_sentence(jid, state, detail)
        case CallStatusEvent(phase="ringing"):
            return f"{_parties(event)} ringing"
        case CallStatusEvent(phase="connected"):
            return f"{_parties(event)} connected after {event.steps.get('dtls', 0.0) * 1000:.0f} ms"
        case CallRecordEvent():
            return _record_sentence(event)
        case FinishedRecordingEvent(path=path, seconds=seconds):
            what = f"{near(path)} ({seconds:.1f} s)"
            return f"finished a recording left over from an earlier run: {what}"
        case LoadPhaseEvent() | LoadPointEvent() | LoadVerdictEvent():
            return _load_sentence(event)
        case GapEvent(missed=missed):
            return f"{missed} events are left out here: they came too fast"
    return None


def _load_sentence(event: LoadPhaseEvent | LoadPointEvent | LoadVerdictEvent) -> str:
    match event:
        case LoadPhaseEvent(title=title, state=state):
            return f"{title} {'begins' if state == 'began' else 'is over'}"
        case LoadPointEvent(at=at, online=online, calls=calls):
            setup = event.p95.get("call.setup")
            words = "" if setup is None else f", call setup p95 {setup * 1000:.0f} ms"
            return f"{at:.0f} s: {online:,} online, {calls:,} calls{words}"
        case LoadVerdictEvent(sentence=words):
            return words


def _parties(event: CallStatusEvent | CallRecordEvent) -> str:
    arrow = "→" if event.direction == "out" else "←"
    return f"{event.account} {arrow} {event.peer.partition('/')[0]}"


def _record_sentence(record: CallRecordEvent) -> str:
    words = f"{_parties(record)} {record.state}"
    if record.connected is not None:
        lasted = datetime.fromisoformat(record.ended) - datetime.fromisoformat(record.connected)
        words += f" after {lasted.total_seconds():.1f} s"
    words += f" ({record.reason}: {record.text})" if record.text else f" ({record.reason})"
    for one in record.recordings:
        if one.path is not None:
            words += f", recorded in {near(one.path)}"
        if one.failure is not None:
            words += f"; recording incomplete: {one.failure}"
    return words


def near(path: str | Path) -> Path:
    """Return a path as short as people write it: relative if it is in the current folder."""
    path, here = Path(path), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
