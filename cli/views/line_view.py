"""One line for each change, for pipes and files."""

import logging
import time
from typing import TextIO

from ...control.instance.events import event_of, log_event
from .event import Event
from .sentences import Sentences, log_line


class LineView:
    """Prints one line for each change.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._sentences = Sentences()

    def show(self, event: Event) -> None:
        """Print a line if the event is worth one and was not printed just before."""
        line = self._sentences.line(event_of(event, time.time()))
        if line is not None:
            self.stream.write(f"{line}\n")
            self.stream.flush()

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
        return log_line(log_event(record))
