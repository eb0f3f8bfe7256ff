"""A line of the log, as it is kept until somebody reads it."""

import logging

from msgspec import Struct

from .clock import iso


class LogEntry(Struct, frozen=True):
    """A line of the log; `callboard.control.models.events.LogEvent` tells it to clients.

    Attributes:
        time: when (ISO 8601, UTC).
        level: as DEBUG, INFO, WARNING or ERROR.
        logger: who says it.
        message: what is said.
        account: whose bot says it, or None.
        exception: what was raised, with where, or None.
    """

    time: str
    level: str
    logger: str
    message: str
    account: str | None
    exception: str | None


def log_entry(record: logging.LogRecord) -> LogEntry:
    """Return what a record says; its arguments may change later."""
    return LogEntry(
        time=iso(record.created),
        level=record.levelname,
        logger=record.name,
        message=record.getMessage(),
        account=getattr(record, "account", None) or None,
        exception=logging.Formatter().formatException(record.exc_info) if record.exc_info else None,
    )
