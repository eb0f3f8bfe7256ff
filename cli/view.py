"""What people see while accounts run: a table on a terminal, lines elsewhere, JSON for programs."""

import dataclasses
import json
import logging
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.logging import RichHandler
from rich.table import Table
from rich.text import Text

from ..actors.call_record import CallRecord
from ..actors.messages.exchange import AccountChanged, BotFailed, CallStatus
from ..media import Finished
from .event import Event

#: Rows of each table at the most; the rest is counted below it.
ROWS = 20
#: Times a second that the tables are drawn.
REFRESH = 4

_STATE_STYLE = {
    "online": "green",
    "connecting": "yellow",
    "waiting": "yellow",
    "failed": "red",
    "closed": "dim",
}
_PHASE_STYLE = {"connected": "green", "connecting": "yellow", "ringing": "cyan", "proposed": "dim"}


class View(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """Show one event; called on the loop."""

    def draw(self) -> None:
        """Draw what has changed; called `REFRESH` times a second."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


def make_view(*, as_json: bool, stream: TextIO | None = None) -> View:
    """Return the view that fits: JSON lines on request, a live table on a terminal, or lines.

    Args:
        as_json: JSON lines are wanted.
        stream: where it goes; standard output if not given.
    """
    out = sys.stdout if stream is None else stream
    if as_json:
        return JsonView(out)
    return LiveView(out) if out.isatty() else LineView(out)


def sentence(event: Event) -> str | None:
    """Return what a person is told about an event, or None if it is not worth a line."""
    match event:
        case AccountChanged(jid=jid, state=state, detail=detail):
            return f"{jid} {state}" + (f": {detail}" if detail else "")
        case CallStatus(phase="ended" | "connected" | "proposed"):
            return None
        case CallStatus(direction=direction, account=account, peer=peer, phase=phase):
            arrow = "→" if direction == "out" else "←"
            return f"{account} {arrow} {peer} {phase}"
        case CallRecord():
            return _record_sentence(event)
        case BotFailed(account=account, bot=bot, error=error):
            return f"{account} bot {bot} failed: {error}"
        case Finished(path=path, seconds=seconds):
            return f"finished a recording that an earlier run left: {path} ({seconds:.1f} s)"
    return None


def _record_sentence(record: CallRecord) -> str:
    arrow = "→" if record.direction == "out" else "←"
    words = f"{record.account} {arrow} {record.peer} {record.state}"
    if record.connected is not None:
        words += f" after {record.ended - record.connected:.1f} s"
    words += f" ({record.reason})"
    if record.recording is not None:
        words += f", recorded in {record.recording['path']}"
    return words


class LineView:
    """One line for each change, for pipes and logs.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._phases: dict[tuple[str, str], str] = {}

    def show(self, event: Event) -> None:
        """Print a line if the event is worth one and was not printed just before."""
        if isinstance(event, CallStatus):
            key = (event.account, event.id)
            if self._phases.get(key) == event.phase:
                return
            self._phases[key] = event.phase
            if event.phase == "ended":
                del self._phases[key]
        text = sentence(event)
        if isinstance(event, CallStatus) and event.phase == "connected":
            setup = event.steps.get("dtls", 0.0) * 1000
            text = f"{event.account} connected with {event.peer} after {setup:.0f} ms"
        if text is not None:
            print(f"{datetime.now().astimezone():%H:%M:%S} {text}", file=self._stream, flush=True)

    def draw(self) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing is left open."""


class JsonView:
    """One JSON object a line for each event, and for each line of the log.

    Args:
        stream: where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, event: Event) -> None:
        """Print the event with its kind and time."""
        if isinstance(event, CallRecord):
            fields: dict[str, Any] = json.loads(event.to_json())
        else:
            fields = dataclasses.asdict(event)
        self.print(type(event).__name__, fields)

    def print(self, kind: str, fields: dict[str, Any]) -> None:
        """Print one object."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": now, "event": kind, **fields}, ensure_ascii=False, default=str)
        print(line, file=self._stream, flush=True)

    def draw(self) -> None:
        """Nothing is drawn."""

    def close(self) -> None:
        """Nothing is left open."""


class LiveView:
    """Two tables that are drawn anew: accounts and calls; what has ended scrolls by above.

    Args:
        stream: the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.console = Console(file=stream)
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
                    self.console.print(Text(sentence(event) or "", style="red"))
            case CallStatus(phase="ended"):
                self._calls.pop((event.account, event.id), None)
            case CallStatus():
                self._calls[event.account, event.id] = event
            case CallRecord():
                self._ended[event.state] += 1
                self.console.print(Text(sentence(event) or ""))
            case _:
                self.console.print(Text(sentence(event) or ""))

    def draw(self) -> None:
        """Draw the tables."""
        self._live.update(self.tables(), refresh=True)

    def tables(self) -> Group:
        """Return the two tables as they are now."""
        return Group(self._account_table(), self._call_table())

    def close(self) -> None:
        """Take the tables off the terminal."""
        self._live.stop()

    def _account_table(self) -> Table:
        counts = Counter(report.state for report in self._accounts.values())
        title = "Accounts: " + ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
        table = Table("account", "state", "", title=title, title_justify="left", expand=True)
        calls = Counter(account for account, _ in self._calls)
        for report in list(self._accounts.values())[:ROWS]:
            busy = calls[report.jid]
            detail = report.detail or (f"{busy} call{'s' * (busy != 1)}" if busy else "")
            table.add_row(report.jid, Text(report.state, _STATE_STYLE[report.state]), detail)
        if len(self._accounts) > ROWS:
            table.caption = f"and {len(self._accounts) - ROWS} more"
        return table

    def _call_table(self) -> Table:
        ended = ", ".join(f"{n} {state}" for state, n in sorted(self._ended.items()))
        title = f"Calls: {len(self._calls)} now" + (f"; ended: {ended}" if ended else "")
        columns = ("account", "", "peer", "phase", "time", "media", "lost", "jitter", "MOS")
        table = Table(*columns, title=title, title_justify="left", expand=True)
        for status in list(self._calls.values())[:ROWS]:
            table.add_row(*_call_row(status))
        if len(self._calls) > ROWS:
            table.caption = f"and {len(self._calls) - ROWS} more"
        return table


def _call_row(status: CallStatus) -> tuple[str | Text, ...]:
    audio = next((one for one in status.statistics if one.kind == "audio"), None)
    received = sum(one.received for one in status.statistics)
    lost = sum(one.lost for one in status.statistics)
    phase = "on hold" if status.held else status.phase
    return (
        status.account,
        "→" if status.direction == "out" else "←",
        status.peer,
        Text(phase, _PHASE_STYLE.get(status.phase, "")),
        f"{int(status.seconds) // 60}:{int(status.seconds) % 60:02d}" if status.seconds else "",
        " + ".join(one.codec for one in status.statistics) or " + ".join(status.media),
        f"{lost / (received + lost):.1%}" if received else "",
        f"{audio.jitter_ms:.1f} ms" if audio and received else "",
        f"{audio.mos:.2f}" if audio and audio.mos else "",
    )


class _JsonHandler(logging.Handler):
    """Puts what is logged among the JSON lines."""

    def __init__(self, view: JsonView) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            fields["exception"] = logging.Formatter().formatException(record.exc_info)
        self._view.print("Log", fields)


def log_to(view: View, level: str) -> None:
    """Send the log where the view can show it.

    Args:
        view: the view.
        level: debug, info, warning or error; libraries speak from warning on unless it is debug.
    """
    handler: logging.Handler
    if isinstance(view, JsonView):
        handler = _JsonHandler(view)
    elif isinstance(view, LiveView):
        handler = RichHandler(console=view.console, show_path=False, markup=False)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.getLogger("callboard").setLevel(number)
    if number == logging.DEBUG:
        logging.getLogger().setLevel(number)
