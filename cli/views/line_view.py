"""One line for each change, for pipes and files."""

import logging
import time
from typing import TYPE_CHECKING, TextIO

from ...actors.messages.exchange import AccountChanged, CallStatus
from ...actors.records.call_record import CallRecord
from ...control.instance.clock import iso
from ...control.instance.log_entry import log_entry
from ...control.instance.reported import event_of
from ...media import FinishedRecording
from .event import Event
from .lines import account_sentence, log_line, told_at
from .printable import printable

if TYPE_CHECKING:
    from .sentences import Sentences

#: What has a sentence besides an account's change.
_WORTH_A_LINE = (CallStatus, CallRecord, FinishedRecording)


class LineView:
    """Prints one line for each change.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._sentences: Sentences | None = None

    def show(self, event: Event) -> None:
        """Print a line if the event is worth one and was not printed just before."""
        line = self._line(event)
        if line is not None:
            self.stream.write(f"{line}\n")
            self.stream.flush()

    def _line(self, event: Event) -> str | None:
        if isinstance(event, AccountChanged):  # as each start tells, which can do without models
            words = account_sentence(event.jid, event.state, event.detail)
            return None if words is None else told_at(iso(time.time()), printable(words))
        if not isinstance(event, _WORTH_A_LINE):
            return None
        if self._sentences is None:
            from .sentences import Sentences  # noqa: PLC0415 - by now its models have been read

            self._sentences = Sentences()
        return self._sentences.line(event_of(event, time.time()))

    def say(self, line: str) -> None:
        """Print a line."""
        self.stream.write(f"{line}\n")
        self.stream.flush()

    def draw(self) -> None:
        """Nothing is drawn."""

    def handler(self) -> logging.Handler:
        """Return what puts the log among the lines."""
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(LineFormatter())
        return handler

    def close(self) -> None:
        """Nothing is left open."""


class LineFormatter(logging.Formatter):
    """Gives the log's lines the form of the others: date and time, who, and what."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, with what raised below it."""
        return log_line(log_entry(record))
