"""Past calls for people: a list of them, and one of them whole."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich import filesize
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ...actors.records.call_record import KILLED, CallRecord
from ...config.jid import bare
from ...control.history.past_call import PastCall, PastRecording
from ...control.history.search import Page, Search
from ...load.measure.steps import CALL_STEPS
from .printable import printable
from .sentences import near
from .terminal import Terminal, shortened

#: Characters of a record's uuid that are shown.
SHORT = 8
#: Columns for which a list is made if nobody says how many there are.
WIDTH = 80

_STYLES = {"completed": "", "failed": "red", "missed": "yellow", "cancelled": "dim"}
_GAP = "  "


@dataclass(frozen=True, slots=True)
class _Row:
    """What a list shows of one call."""

    id: str
    when: str
    account: str
    arrow: str
    peer: str
    state: str
    time: str
    kept: str
    why: str


def show_page(page: Page, search: Search, terminal: Terminal) -> None:
    """Print a list of calls, the latest first.

    Args:
        page: what was found.
        search: what was looked for.
        terminal: where it goes. If it is none, nothing is cut to a width.
    """
    for line in _list(page, terminal.width if terminal.is_terminal else None):
        terminal.print(line, soft_wrap=True)
    for words in _footer(page, search):
        terminal.print(Text(words, "dim"), soft_wrap=True)


def _list(page: Page, width: int | None) -> Iterator[Text]:
    if not page.calls:
        return
    now = datetime.now().astimezone()
    accounts = {one.record.account for one in page.calls}
    domains = {account.rpartition("@")[2] for account in accounts}
    domain = domains.pop() if len(domains) == 1 else ""
    alone = len(accounts) == 1
    if alone:
        yield Text(printable(f"Calls of {next(iter(accounts))}"), "bold")
    elif domain:
        yield Text(printable(f"Calls of accounts at {domain}"), "bold")
    rows = [_row(one, domain, now) for one in page.calls]
    names = ["id", "when", "peer" if alone else "account", "", "peer", "state", "time", "kept"]
    shown = ["id", "when", *([] if alone else ["account"]), "arrow", "peer", "state", "time"]
    if any(row.kept for row in rows):
        shown.append("kept")
    heads = dict(
        zip(("id", "when", "account", "arrow", "peer", "state", "time", "kept"), names, strict=True)
    )
    widths = _widths(rows, shown, heads, width)
    yield Text(_line({name: heads[name] for name in shown}, widths), "dim")
    for row in rows:
        line = _line({name: getattr(row, name) for name in shown}, widths)
        yield Text(line, _STYLES.get(row.state, ""))
        if row.why:
            indent = " " * (SHORT + len(_GAP))
            why = row.why
            if width is not None and cell_len(indent + why) > width:
                why = set_cell_size(why, width - len(indent) - 1).rstrip() + "…"
            yield Text(indent + why, "dim")


def _widths(
    rows: Sequence[_Row], shown: Sequence[str], heads: dict[str, str], width: int | None
) -> dict[str, int]:
    """Give each column what it needs; if that is too much, the names get what is left."""
    widths = {
        name: max(cell_len(heads[name]), *(cell_len(getattr(row, name)) for row in rows))
        for name in shown
    }
    if width is None:
        return widths
    names = [name for name in ("account", "peer") if name in shown]
    taken = sum(widths[name] for name in shown if name not in names)
    room = max(9 * len(names), width - taken - len(_GAP) * (len(shown) - 1))
    for place, name in enumerate(sorted(names, key=lambda one: widths[one])):
        widths[name] = min(widths[name], room // (len(names) - place))
        room -= widths[name]
    return widths


def _line(cells: dict[str, str], widths: dict[str, int]) -> str:
    parts = []
    for name, text in cells.items():
        cut = shortened(text, widths[name]) if name in ("account", "peer") else text
        space = " " * (widths[name] - cell_len(cut))
        parts.append(space + cut if name == "time" else cut + space)
    return _GAP.join(parts).rstrip()


def _row(call: PastCall, domain: str, now: datetime) -> _Row:
    record = call.record
    begun = datetime.fromtimestamp(record.started).astimezone()
    talked = "" if record.connected is None else clock(record.ended - record.connected)
    return _Row(
        id=printable(record.uuid[:SHORT]),
        when=f"{begun:%m-%d %H:%M}" if begun.year == now.year else f"{begun:%Y-%m-%d}",
        account=printable(record.account.removesuffix(f"@{domain}")),
        arrow="→" if record.direction == "out" else "←",
        peer=printable(bare_or_all(record.peer).removesuffix(f"@{domain}")),
        state=record.state,
        time=talked,
        kept=_kept(call.recordings),
        why=printable(record.why) if record.text or record.state == "failed" else "",
    )


def bare_or_all(peer: str) -> str:
    """Return a JID without its resource; what is none, as it is."""
    try:
        return bare(peer)
    except ValueError:
        return peer


def _kept(recordings: Sequence[PastRecording]) -> str:
    """Say in a word what is left of a call's recordings."""
    presences = [one.presence for one in recordings if one.presence != "none"]
    for worst in ("missing", "removed"):
        if worst in presences:
            return worst
    return f"{len(presences)} rec" if presences else ""


def _footer(page: Page, search: Search) -> Iterator[str]:
    if not page.calls:
        yield "No calls were found." if page.total == 0 else "There are no more calls."
    elif page.next is not None or search.after is not None:
        yield f"{len(page.calls):,} of {page.total:,} calls"
    if page.next is not None:
        yield f"For the next ones add: --after {page.next}"
    if page.skipped:
        lines = "1 line is" if page.skipped == 1 else f"{page.skipped:,} lines are"
        yield f"{lines} left out: no detail record, or one of a newer Callboard."


def show_call(call: PastCall, terminal: Terminal, file: Path | None = None) -> None:
    """Print one call with all that is known of it.

    Args:
        call: the call.
        terminal: where it goes.
        file: the file that was named to find it.
    """
    for line in _sheet(call, file):
        terminal.print(line, soft_wrap=True)


def _sheet(call: PastCall, file: Path | None) -> Iterator[Text]:
    record = call.record
    arrow = "→" if record.direction == "out" else "←"
    yield Text(printable(f"{record.account} {arrow} {record.peer}"), "bold")
    style = _STYLES.get(record.state, "")
    yield Text(f"{record.state}: {printable(record.why)}", style)
    yield Text("")
    begun = datetime.fromtimestamp(record.started).astimezone()
    facts = {
        "record": record.uuid,
        "session": record.id,
        "began": f"{begun:%Y-%m-%d %H:%M:%S %Z}",
        "lasted": f"{record.ended - record.started:.1f} s",
        "digits": record.digits or "",
    }
    if record.connected is not None:
        connected = record.ended - record.connected
        facts["lasted"] += f", connected for {clock(connected)}"
    if record.text != KILLED:  # else there is none
        words = ("callboard", "ladder", record.uuid[:SHORT], *([str(file)] if file else []))
        facts["ladder"] = shlex.join(words)
    for name, value in facts.items():
        if value:
            yield Text(f"{name:<9} {printable(value)}")
    for title, lines in (
        ("Steps", _steps(record)),
        ("Media", _media(record)),
        ("Freezes", _freezes(record)),
        ("Listeners", _listeners(record)),
        ("Bridges", _bridges(record)),
        ("Recordings", _recordings(call)),
    ):
        found = list(lines)
        if found:
            yield Text("")
            yield Text(title, "bold")
            yield from (Text(printable(f"  {line}")) for line in found)


def _steps(record: CallRecord) -> Iterator[str]:
    """Give the steps in the order in which they were taken, each with when that was."""
    before = 0.0
    for step, at in sorted(record.steps.items(), key=lambda one: one[1]):
        begun = datetime.fromtimestamp(record.started + at).astimezone()
        took = f"+{(at - before) * 1000:.0f} ms"
        meaning = CALL_STEPS.get(step, "")
        clock = f"{begun:%H:%M:%S}.{begun.microsecond // 1000:03d}"
        yield f"{clock} {took:>9}  {step:<12} {meaning}".rstrip()
        before = at


def _media(record: CallRecord) -> Iterator[str]:
    for one in record.media:
        facts = [f"sent {one.get('sent', 0)}", f"received {one.get('received', 0)}"]
        facts.append(f"lost {one.get('lost', 0)}")
        for key, words in (
            ("jitter_ms", "jitter {:.1f} ms"),
            ("rtt_ms", "round trip {:.1f} ms"),
            ("mos", "MOS {:.2f}"),
        ):
            value = one.get(key)
            if isinstance(value, int | float):
                facts.append(words.format(value))
        yield f"{one.get('kind', '')!s:<6} {one.get('codec', '')!s:<6} {', '.join(facts)}"


def _freezes(record: CallRecord) -> Iterator[str]:
    for one in record.freezes:
        yield f"after {one.at:.1f} s: {one.kind} for {one.seconds:.1f} s"


_PARTS = {
    "received": "heard the peer",
    "sent": "heard what was sent",
    "join": "joined",
    "take-over": "took over",
    "snapshot": "took pictures",
}


def _listeners(record: CallRecord) -> Iterator[str]:
    for one in record.listeners:
        lasted = "" if one.seconds is None else f" for {one.seconds:.1f} s"
        yield f"after {one.at:.1f} s: {one.name} ({one.role}) {_PARTS[one.part]}{lasted}"


def _bridges(record: CallRecord) -> Iterator[str]:
    for one in record.bridges:
        lasted = "" if one.seconds is None else f" for {one.seconds:.1f} s"
        yield f"after {one.at:.1f} s: {one.account} with {one.peer}{lasted} (record {one.uuid})"


def _recordings(call: PastCall) -> Iterator[str]:
    for one in call.recordings:
        recorded = one.recorded
        if one.presence == "none":
            yield f"none: {recorded.failure}"
            continue
        facts = f"{recorded.direction}, {recorded.kind}, {recorded.seconds:.1f} s"
        facts += f", {filesize.decimal(recorded.octets)}"
        yield f"{one.presence:<8} {facts}"
        yield f"  {near(one.path or recorded.path or '')}"
        if one.removed is not None:
            at = datetime.fromtimestamp(one.removed).astimezone()
            yield f"  removed on {at:%Y-%m-%d %H:%M}, as 'keep' says"
        if recorded.failure is not None:
            yield f"  {recorded.failure}"


def clock(seconds: float) -> str:
    """Return a length as a clock shows it: 2:05, 1:02:05.

    Args:
        seconds: how long it is.
    """
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
