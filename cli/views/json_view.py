"""One JSON object a line for each event and for each line of the log, for programs."""

import json
import logging
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from ...control.instance.clock import iso
from ...control.instance.events import event_of, log_event
from ...control.instance.log_entry import log_entry
from .event import Event


class JsonView:
    """Prints one JSON object a line.

    Each has ``time`` (ISO 8601 UTC), ``event`` and the event's fields, as clients of the control
    socket are told them.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, event: Event) -> None:
        """Print an event."""
        self._write(event_of(event, time.time()).model_dump(mode="json"))

    def show_record(self, record: logging.LogRecord) -> None:
        """Print a line of the log."""
        self._write(log_event(log_entry(record)).model_dump(mode="json", exclude_none=True))

    def print(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Print one object.

        Args:
            kind: what it is about.
            fields: what JSON can hold.
        """
        self._write({"time": iso(time.time()), "event": kind, **fields})

    def _write(self, fields: Mapping[str, Any]) -> None:
        # In ASCII no text can be taken for a line's end, or turn a terminal on which it is read.
        self._stream.write(f"{json.dumps(fields)}\n")
        self._stream.flush()

    def say(self, line: str) -> None:
        """Print a line for people on standard error."""
        print(line, file=sys.stderr, flush=True)  # noqa: T201

    def draw(self) -> None:
        """Nothing is drawn."""

    def handler(self) -> logging.Handler:
        """Return what puts the log among the lines."""
        return JsonHandler(self)

    def close(self) -> None:
        """Nothing is left open."""


class JsonHandler(logging.Handler):
    """Puts what is logged among the JSON lines.

    Args:
        view: prints them.
    """

    def __init__(self, view: JsonView) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, with what raised."""
        try:
            self._view.show_record(record)
        except Exception:
            self.handleError(record)
