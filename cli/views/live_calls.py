"""The calls of a running instance, for people."""

from rich import box
from rich.table import Table

from ...control.models.calls import CallsResult
from ...control.models.events import LiveCall
from .past_calls import clock
from .status_view import SHORT
from .terminal import Name, Terminal


def show_live_calls(answer: CallsResult, terminal: Terminal) -> None:
    """Print the calls that go on.

    Args:
        answer: the calls.
        terminal: where it goes.
    """
    if answer.total and not answer.calls:
        calls = "1 call goes" if answer.total == 1 else f"{answer.total:,} calls go"
        terminal.print(f"{calls} on; a load run does not list them")
        return
    if not answer.calls:
        terminal.print("No calls go on.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    for name in ("call", "account", "", "peer", "phase", "media"):
        # The names give way to the others where a terminal is narrow.
        table.add_column(name, no_wrap=True, ratio=1 if name in ("account", "peer") else None)
    for name in ("time", "lost", "MOS"):
        table.add_column(name, no_wrap=True, justify="right")
    for one in answer.calls:
        phase = f"{one.phase}, held" if one.held else one.phase
        table.add_row(
            one.id[:SHORT],
            Name(one.account),
            "→" if one.direction == "out" else "←",
            Name(one.peer.partition("/")[0]),
            phase,
            " ".join(each.codec for each in one.statistics) or " ".join(one.media),
            clock(one.seconds) if one.seconds else "",
            _lost(one),
            " ".join(f"{each.mos:.2f}" for each in one.statistics if each.mos),
        )
    terminal.print(table)
    more = answer.total - len(answer.calls)
    if more > 0:
        terminal.print(f"and {more:,} more: see --limit")


def _lost(call: LiveCall) -> str:
    received = sum(one.received for one in call.statistics)
    lost = sum(one.lost for one in call.statistics)
    return f"{lost / (received + lost):.1%}" if received else ""
