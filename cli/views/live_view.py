"""Accounts and calls as tables that are drawn anew, for a terminal."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from rich import box
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ...actors.messages.exchange import AccountChanged, AccountRemoved, CallStatus
from ...actors.records.call_record import CallRecord
from ...config.jid import bare
from ...control.instance.events import event_of
from .event import Event
from .line_view import LineFormatter
from .lines import local
from .printable import printable
from .sentences import sentence
from .terminal import Name, Terminal

#: Lines of a table that are no rows: title, head, rule, empty ones, and how many more.
FRAME = 6
#: Rows that a table has at the least, however low the terminal is.
LEAST = 3

_STATE_STYLE = {
    "failed": "red",
    "waiting": "yellow",
    "connecting": "yellow",
    "leaving": "yellow",
    "online": "green",
    "closed": "dim",
    "ended": "dim",
}
"""Each state's colour, what wants a person's eye first."""
_URGENCY = {state: place for place, state in enumerate(_STATE_STYLE)}
_PHASE_STYLE = {"connected": "green", "connecting": "yellow", "ringing": "cyan", "proposed": "dim"}

#: Columns from which on a terminal has room for whole names.
WIDE = 60


@dataclass(frozen=True)
class _Column:
    """A column of the calls.

    Attributes:
        name: its head.
        style: how it is set, as rich has it.
        least: how wide a terminal must be that shows it.
    """

    name: str
    style: Mapping[str, Any]
    least: int = 0


_RIGHT: Mapping[str, Any] = {"justify": "right"}
_COLUMNS = (
    _Column("account", {"ratio": 1}),
    _Column("", {"width": 1}),
    _Column("peer", {"ratio": 1}),
    _Column("phase", {}),
    _Column("time", _RIGHT, 50),
    _Column("media", {}, 80),
    _Column("lost", _RIGHT, WIDE),
    _Column("jitter", _RIGHT, 72),
    _Column("MOS", _RIGHT),
)

# A short last line also keeps the ^C that a terminal prints from moving the tables.
_END = "Ctrl-C stops in order; press it again to stop at once."


class LiveView:
    """Two tables that are drawn anew; what has ended or gone wrong scrolls by above them.

    Args:
        stream: the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.console = Terminal(stream)
        self._accounts: dict[str, AccountChanged] = {}
        self._calls: dict[tuple[str, str], CallStatus] = {}
        self._ended: Counter[str] = Counter()
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._live.start()

    def show(self, event: Event) -> None:
        """Take the event into the tables, or print it above them."""
        match event:
            case AccountChanged():
                self._accounts[event.jid] = event
                if event.state in ("failed", "waiting"):
                    self._print(event, "red")
            case AccountRemoved():
                self._accounts.pop(event.jid, None)
            case CallStatus(phase="ended"):
                self._calls.pop((event.account, event.id), None)
            case CallStatus():
                self._calls[event.account, event.id] = event
            case CallRecord():
                self._ended[event.state] += not self._is_second_side(event)
                self._print(event)
            case _:
                self._print(event)

    def _is_second_side(self, call: CallStatus | CallRecord) -> bool:
        """Tell whether the caller is an account of ours too, and the call is counted there."""
        return call.direction == "in" and bare(call.peer) in self._accounts

    def _print(self, event: Event, style: str = "") -> None:
        told = event_of(event, time.time())
        text = sentence(told)
        if text is not None:
            now = Text(f"{local(told.time)} ", "dim")
            self.console.print(now + Text(printable(text), style), soft_wrap=True)

    def say(self, line: str) -> None:
        """Print what is `printable` above the tables."""
        self.console.print(Text(line), soft_wrap=True)

    def draw(self) -> None:
        """Draw the tables."""
        self._live.update(self.tables(), refresh=True)

    def handler(self) -> logging.Handler:
        """Return what puts the log above the tables."""
        handler = LiveHandler(self)
        handler.setFormatter(LineFormatter())
        return handler

    def close(self) -> None:
        """Take the tables off the terminal."""
        self._live.stop()

    def tables(self) -> Group:
        """Return the two tables as they are now, as high as the terminal at the most."""
        room = max(2 * LEAST, self.console.height - 2 * FRAME - 1)
        calls = min(len(self._calls), max(LEAST, room // 2, room - len(self._accounts)))
        return Group(
            self._account_table(max(LEAST, room - calls)),
            self._call_table(calls),
            Text(_END, "dim", no_wrap=True, overflow="ellipsis"),
        )

    def _account_table(self, rows: int) -> Table:
        counts = Counter[str](report.state for report in self._accounts.values())
        words = ", ".join(f"{counts[state]} {state}" for state in _STATE_STYLE if counts[state])
        domain = self._domain()
        table = _table(f"Accounts{f' at {domain}' if domain else ''}: {words or 'none yet'}")
        table.add_column("account", ratio=3 if self.console.width >= WIDE else 5)
        table.add_column("state", width=10)
        table.add_column("", overflow="ellipsis", ratio=5)
        calls = Counter(account for account, _ in self._calls)
        urgent = sorted(
            self._accounts.values(), key=lambda one: (_URGENCY[one.state], -calls[one.jid])
        )
        for report in urgent[:rows]:
            busy = calls[report.jid]
            detail = report.detail or (f"{busy} call{'s' * (busy != 1)}" if busy else "")
            state = Text(report.state, _STATE_STYLE[report.state])
            table.add_row(Name(_short(report.jid, domain)), state, detail)
        _count_more(table, len(self._accounts) - rows)
        return table

    def _call_table(self, rows: int) -> Table:
        ended = ", ".join(f"{n} {state}" for state, n in sorted(self._ended.items()))
        running = sum(not self._is_second_side(one) for one in self._calls.values())
        table = _table(f"Calls: {running} now" + (f"; ended: {ended}" if ended else ""))
        width = self.console.width
        for column in _COLUMNS:
            if width >= column.least:
                table.add_column(column.name, **column.style)
        domain = self._domain()
        for status in list(self._calls.values())[:rows]:
            cells = zip(_COLUMNS, _call_row(status, domain), strict=True)
            table.add_row(*(cell for column, cell in cells if width >= column.least))
        _count_more(table, len(self._calls) - rows)
        return table

    def _domain(self) -> str:
        """Return the domain of all accounts, or "" if they have several."""
        domains = {jid.rpartition("@")[2] for jid in self._accounts}
        return domains.pop() if len(domains) == 1 else ""


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        expand=True,
    )


def _count_more(table: Table, more: int) -> None:
    for column in table.columns:
        column.no_wrap = True
    if more > 0:
        table.caption = f"and {more} more"


def _short(jid: str, domain: str) -> str:
    """Return a JID without its resource, and without the domain that all accounts share."""
    return jid.partition("/")[0].removesuffix(f"@{domain}")


def _call_row(status: CallStatus, domain: str) -> tuple[RenderableType, ...]:
    audio = next((one for one in status.statistics if one.kind == "audio"), None)
    received = sum(one.received for one in status.statistics)
    lost = sum(one.lost for one in status.statistics)
    phase = "on hold" if status.held else status.phase
    minutes, seconds = divmod(int(status.seconds), 60)
    return (
        Name(_short(status.account, domain)),
        "→" if status.direction == "out" else "←",
        Name(_short(status.peer, domain)),
        Text(phase, _PHASE_STYLE.get(status.phase, "")),
        f"{minutes}:{seconds:02d}" if status.seconds else "",
        " ".join(one.codec for one in status.statistics) or " ".join(status.media),
        f"{lost / (received + lost):.1%}" if received else "",
        f"{audio.jitter_ms:.1f} ms" if audio and received else "",
        _score(status),
    )


def _score(status: CallStatus) -> str:
    """Return the MOS of the sound, and for how long the picture stood still if it did."""
    frozen = sum(one.frozen_ms for one in status.statistics) / 1000
    scores = [f"{one.mos:.2f}" for one in status.statistics if one.mos]
    return " ".join([*scores, *([f"frozen {frozen:.1f} s"] if frozen else [])])


class LiveHandler(logging.Handler):
    """Puts what is logged above the tables.

    Args:
        view: prints it.
    """

    def __init__(self, view: LiveView) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        try:
            self._view.say(self.format(record))
        except Exception:
            self.handleError(record)
