"""A terminal that shows texts as they are, and names so that they can be told apart."""

from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from .printable import printable

#: Columns that a name has at the least, if the table can spare them.
LEAST_NAME = 9


class Terminal(Console):
    """A console that takes no text for markup, and escapes what a terminal would obey.

    That goes for each text that is printed or stands in a table. A `Text` is ours: make it of
    what is `printable`.

    Args:
        stream: where it goes; standard output if not given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(file=stream, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a text of a string."""
        return super().render_str(printable(text), **{**options, "markup": False, "emoji": False})


class Name:
    """A JID or another name in a table.

    Where it does not fit, its domain is cut, then the middle of its user name: the members of a
    fleet differ at the end.

    Args:
        name: the name, by a stranger perhaps.
    """

    def __init__(self, name: str) -> None:
        self._name = printable(name)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        width = cell_len(self._name)
        return Measurement(min(width, LEAST_NAME), width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(shortened(self._name, options.max_width), no_wrap=True, overflow="crop")


def shortened(name: str, width: int) -> str:
    """Cut a name so that its end, or its user name's, stays.

    Args:
        name: a JID, or anything.
        width: how many columns there are.
    """
    if cell_len(name) <= width:
        return name
    user = name.partition("@")[0]
    if user != name and cell_len(user) + 2 <= width:
        return set_cell_size(name, width - 1).rstrip() + "…"
    if user != name and cell_len(user) <= width:
        return user
    head = set_cell_size(user, max(0, width - 1) // 3).rstrip()
    room = max(0, width - cell_len(head) - 1)
    tail = user
    while cell_len(tail) > room:
        tail = tail[1:]
    return f"{head}…{tail}" if width > 0 else ""
