"""Lines that every start prints, made without the models of events."""

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from .printable import printable

if TYPE_CHECKING:
    from ...control.instance.log_entry import LogEntry
    from ...control.models.events import LogEvent

#: How date and time, in the machine's zone, stand before each line.
CLOCK = "%Y-%m-%d %H:%M:%S"

_STATES = {
    "failed": "stays offline",
    "waiting": "is offline",
    "closed": "logged out",
    "ended": "ended, and was not logged in",
}


def account_sentence(jid: str, state: str, detail: str) -> str | None:
    """Return what a person is told about an account's change, or None if it is not worth a line.

    Args:
        jid: the account.
        state: its state now.
        detail: a sentence, or "".
    """
    match state:
        case "connecting":
            return None
        case "leaving":
            return f"{jid} {detail}"
    return f"{jid} {_STATES.get(state, state)}" + (f": {detail}" if detail else "")


def log_line(said: "LogEntry | LogEvent") -> str:
    """Return a line of the log as the others look: date and time, who, and what.

    What raised is below it; no line but the first begins as lines of the log do.
    """
    kind, _, name = said.logger.rpartition(".")
    ours = said.logger.startswith("callboard.")
    source = name if kind == "callboard.bots" else "callboard" if ours else said.logger
    who = f"{said.account} {source}" if said.account else source
    level = "" if said.level == logging.getLevelName(logging.INFO) else f"{said.level.lower()} "
    lines = [told_at(said.time, f"{level}{who}: {printable(said.message)}")]
    lines += map(printable, (said.exception or "").splitlines())
    return "\n    ".join(lines)


def told_at(time: str, sentence: str) -> str:
    """Return a line: date and time, and what a person is told.

    Args:
        time: when it happened (ISO 8601).
        sentence: printable text.
    """
    return f"{local(time)} {sentence}"


def local(time: str) -> str:
    """Return a time of an event as lines have it: in the machine's zone."""
    return f"{datetime.fromisoformat(time).astimezone():{CLOCK}}"
