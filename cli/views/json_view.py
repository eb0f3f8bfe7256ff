"""One JSON object a line for each event and for each line of the log, for programs."""

import dataclasses
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from ...actors.records.call_record import CallRecord
from .event import Event


class JsonView:
    """Prints one JSON object a line.

    Each has ``time`` (ISO 8601 UTC), ``event`` (the event's class, or ``Log``) and the event's
    fields.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, event: Event) -> None:
        """Print an event."""
        if isinstance(event, CallRecord):
            fields: Mapping[str, Any] = json.loads(event.to_json())
        else:
            fields = dataclasses.asdict(event)
        self.print(type(event).__name__, fields)

    def print(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Print one object.

        Args:
            kind: what it is about.
            fields: what JSON can hold, and paths.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # In ASCII no text can be taken for a line's end, or turn a terminal on which it is read.
        line = json.dumps({"time": now, "event": kind, **fields}, default=str)
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def draw(self) -> None:
        """Nothing is drawn."""

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
            self._print(record)
        except Exception:
            self.handleError(record)

    def _print(self, record: logging.LogRecord) -> None:
        fields = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if account := getattr(record, "account", ""):
            fields["account"] = account
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        self._view.print("Log", fields)
