"""How an instance stands, for people."""

from datetime import UTC, datetime

from rich import box
from rich.table import Table

from ...control.models.load import LoadSummary
from ...control.models.status import CallSummary, Counts, StatusResult
from .load_tables import error_table, rate_table, time_table
from .printable import printable
from .sentences import near
from .terminal import Name, Terminal

#: Characters of a call's id that are shown; they name it as long as no other begins so.
SHORT = 8
#: Accounts that are shown if all is well with them.
MOST_SOUND = 20


def show_status(answer: StatusResult, terminal: Terminal) -> None:
    """Print how an instance stands.

    Args:
        answer: how it stands.
        terminal: where it goes.
    """
    state = "" if answer.state == "running" else f"{answer.state}, "
    head = (
        f"{near(answer.file)}: {state}up for {duration(answer.uptime)} "
        f"(process {answer.pid}, Callboard {answer.callboard})"
    )
    kept = answer.recordings
    recordings = f"{kept.finished} since the start"
    if kept.incomplete:
        recordings += f", {kept.incomplete} incomplete"
    recordings += f" ({size(kept.octets)}), in {near(kept.folder)}"
    lines = [
        head,
        f"server      {answer.server.kind} {answer.server.address}".rstrip(),
        f"accounts    {counts(answer.accounts)}",
        f"calls       {counts(answer.calls)}; ended: {counts(answer.calls_ended)}",
    ]
    if answer.load is None:  # a load run keeps none
        lines.append(f"recordings  {recordings}")
    lines += [
        f"{'parts' if not at else '':<11} {one.name} {one.state}"
        + (f": {one.detail}" if one.detail else "")
        for at, one in enumerate(answer.parts)
    ]
    for line in lines:
        terminal.print(printable(line), soft_wrap=True)
    if answer.load is not None:
        _show_load(answer.load, terminal)
    _show_accounts(answer, terminal)
    if answer.call_list:
        terminal.print()
        terminal.print(call_table(answer.call_list))
        _more(answer.calls.total - len(answer.call_list), "calls", terminal)


def _show_load(load: LoadSummary, terminal: Terminal) -> None:
    for at, one in enumerate(load.phases):
        going = "" if one.began is None else duration((one.ended or load.elapsed) - one.began)
        words = {
            "waiting": "to come",
            "running": f"for {going}",
            "ended": f"took {going}",
            "skipped": "did not begin",
        }
        terminal.print(
            printable(f"{'phases' if not at else '':<11} {one.title}: {words[one.state]}"),
            soft_wrap=True,
        )
    for table in (rate_table(load.rates), time_table(load.times), error_table(load.errors)):
        if table.row_count:
            terminal.print()
            terminal.print(table)


def _show_accounts(answer: StatusResult, terminal: Terminal) -> None:
    shown = [
        one
        for at, one in enumerate(answer.account_list)
        if at < MOST_SOUND or one.state != "online" or one.calls or one.failure
    ]
    if not shown:
        return
    table = _table()
    table.add_column("account", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("bot", no_wrap=True)
    table.add_column("calls", justify="right", no_wrap=True)
    table.add_column("")
    for one in shown:
        words = "; ".join(filter(None, (one.detail, one.failure and f"bot: {one.failure}")))
        table.add_row(Name(one.jid), one.state, one.bot, f"{one.calls}", words)
    terminal.print()
    terminal.print(table)
    _more(answer.accounts.total - len(shown), "accounts", terminal)


def call_table(calls: tuple[CallSummary, ...]) -> Table:
    """Return a table of calls that go on.

    Args:
        calls: the calls.
    """
    table = _table()
    table.add_column("call", no_wrap=True, min_width=SHORT)  # less of it names no call
    for name in ("account", ""):
        table.add_column(name, no_wrap=True)
    table.add_column("peer", no_wrap=True)
    table.add_column("phase", no_wrap=True)
    table.add_column("media", no_wrap=True)
    table.add_column("for", justify="right", no_wrap=True)
    for one in calls:
        arrow = "→" if one.direction == "out" else "←"
        peer = one.peer.partition("/")[0]
        phase = f"{one.phase}, held" if one.held else one.phase
        media = "+".join(one.media)
        age = duration(since(one.started))
        table.add_row(one.id[:SHORT], Name(one.account), arrow, Name(peer), phase, media, age)
    return table


def _more(count: int, what: str, terminal: Terminal) -> None:
    if count > 0:
        terminal.print(f"and {count} more {what}: see --json")


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))


def counts(counted: Counts) -> str:
    """Say how many of something there are: ``3 online, 1 failed``."""
    found = [f"{count} {state}" for state, count in counted.by_state.items() if count]
    return ", ".join(found) or "none"


def duration(seconds: float) -> str:
    """Return a time in its two largest units, as people say it: ``2 h 13 min``.

    Args:
        seconds: how long it is.
    """
    whole = int(seconds)
    days, hours = whole // 86400, whole // 3600 % 24
    minutes, rest = whole // 60 % 60, whole % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def since(text: str) -> float:
    """Return the seconds since a time.

    Args:
        text: ISO 8601.
    """
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds())


def size(octets: int) -> str:
    """Return a size as people write it: ``34.2 MB``.

    Args:
        octets: how many.
    """
    value, unit = float(octets), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
