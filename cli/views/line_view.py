"""One line for each change, for pipes and files."""

import logging
from datetime import datetime
from pathlib import Path
from typing import TextIO

from ...actors.messages.exchange import AccountChanged, CallStatus
from ...actors.records.call_record import CallRecord
from ...media import FinishedRecording
from .event import Event
from .printable import printable

#: How date and time, in the machine's zone, stand before each line.
CLOCK = "%Y-%m-%d %H:%M:%S"


class LineView:
    """Prints one line for each change.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._phases: dict[tuple[str, str], str] = {}

    def show(self, event: Event) -> None:
        """Print a line if the event is worth one and was not printed just before."""
        if isinstance(event, CallStatus):
            key = (event.account, event.id)
            if event.phase == "ended":
                self._phases.pop(key, None)
            elif self._phases.get(key) == event.phase:
                return
            else:
                self._phases[key] = event.phase
        text = sentence(event)
        if text is not None:
            self.stream.write(f"{datetime.now().astimezone():{CLOCK}} {printable(text)}\n")
            self.stream.flush()

    def draw(self) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing is left open."""


class LineFormatter(logging.Formatter):
    """Gives the log's lines the form of the others: date and time, who, and what."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(level)s%(source)s: %(message)s", CLOCK)

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, with what raised below it."""
        kind, _, name = record.name.rpartition(".")
        ours = record.name.startswith("callboard.")
        source = name if kind == "callboard.bots" else "callboard" if ours else record.name
        account = getattr(record, "account", "")
        record.source = f"{account} {source}" if account else source
        record.level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()} "
        record.message = printable(record.getMessage())
        record.asctime = self.formatTime(record, self.datefmt)
        lines = [self.formatMessage(record)]
        if record.exc_info:
            lines += self.formatException(record.exc_info).splitlines()
        # No line but the first begins as lines of the log do.
        return "\n    ".join(printable(line) for line in lines)


def sentence(event: Event) -> str | None:
    """Return what a person is told about an event, or None if it is not worth a line.

    What the log tells as well, such as that a bot failed, is told there alone.
    """
    match event:
        case AccountChanged(state="connecting"):
            return None
        case AccountChanged(jid=jid, state=state, detail=detail):
            return f"{jid} {_STATES.get(state, state)}" + (f": {detail}" if detail else "")
        case CallStatus(phase="ringing"):
            return f"{_parties(event)} ringing"
        case CallStatus(phase="connected"):
            return f"{_parties(event)} connected after {event.steps.get('dtls', 0.0) * 1000:.0f} ms"
        case CallRecord():
            return _record_sentence(event)
        case FinishedRecording(path=path, seconds=seconds):
            what = f"{near(path)} ({seconds:.1f} s)"
            return f"finished a recording left over from an earlier run: {what}"
    return None


_STATES = {
    "failed": "stays offline",
    "waiting": "is offline",
    "closed": "logged out",
    "ended": "ended, and was not logged in",
}


def _parties(event: CallStatus | CallRecord) -> str:
    arrow = "→" if event.direction == "out" else "←"
    return f"{event.account} {arrow} {event.peer.partition('/')[0]}"


def _record_sentence(record: CallRecord) -> str:
    words = f"{_parties(record)} {record.state}"
    if record.connected is not None:
        words += f" after {record.ended - record.connected:.1f} s"
    words += f" ({record.why})"
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
