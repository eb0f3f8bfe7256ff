"""The last lines of the log, and those that come."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from .event_hub import EventHub, HubEntry
from .log_entry import log_entry
from .reported import log_event


class LogTail(logging.Handler):
    """Tells a hub what is logged, from whatever thread.

    Args:
        hub: what is told.
    """

    def __init__(self, hub: EventHub) -> None:
        super().__init__()
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._ident = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; its text is made now, as its arguments may change."""
        try:
            said = log_entry(record)
        except Exception:
            self.handleError(record)
            return
        entry = HubEntry(record.created, "Log", partial(log_event, said))
        if threading.get_ident() == self._ident:
            self._hub.publish(entry)
        else:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._hub.publish, entry)


@contextmanager
def log_told_to(hub: EventHub) -> Iterator[None]:
    """Let clients have the log meanwhile.

    Args:
        hub: what is told.
    """
    tail = LogTail(hub)
    logging.getLogger().addHandler(tail)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(tail)
