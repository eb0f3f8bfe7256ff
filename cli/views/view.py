"""What people see while accounts run: tables on a terminal, lines elsewhere, JSON for programs."""

import logging
import sys
from typing import Protocol, TextIO

from ...actors.log_level import set_log_level
from .event import Event
from .line_view import LineView

#: Times a second that the tables are drawn.
REFRESH = 4


class View(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """Show one event; called on the loop."""

    def say(self, line: str) -> None:
        """Tell a person something that is neither an event nor logged."""

    def draw(self) -> None:
        """Draw what has changed; called `REFRESH` times a second."""

    def handler(self) -> logging.Handler:
        """Return what puts the log where its lines go, in their order."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


def make_view(*, as_json: bool, stream: TextIO | None = None) -> View:
    """Return the view that fits: JSON lines on request, tables on a terminal, or lines.

    Args:
        as_json: JSON lines are wanted.
        stream: where it goes; standard output if not given.
    """
    out = sys.stdout if stream is None else stream
    if as_json:
        from .json_view import JsonView  # noqa: PLC0415 - models of events, which lines do without

        return JsonView(out)
    if not out.isatty():
        return LineView(out)
    from .live_view import LiveView  # noqa: PLC0415 - what draws is not for lines

    return LiveView(out)


def log_to(view: View, level: str) -> None:
    """Send the log where the view can show it.

    Args:
        view: the view; the log goes where its lines go, in their order.
        level: debug, info, warning or error; libraries speak from warning on unless it is debug.
    """
    logging.basicConfig(handlers=[view.handler()], force=True)
    set_log_level(level)
