"""How a call was set up and how good it is, as tables for people."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from ...actors.messages.exchange import CallStatus
from ...actors.records.call_record import CallRecord
from ...load.measure.steps import CALL_STEPS
from .terminal import Name


def step_table(status: CallStatus) -> Table:
    """Return the caller's steps, each with its milliseconds since the beginning and since the last.

    Args:
        status: how the call stands, as the caller sees it.
    """
    table = _table(f"Setup of the call, as {status.account} saw it")
    table.add_column("step", no_wrap=True)
    table.add_column("")
    table.add_column("after", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    taken = [(step, status.steps[step]) for step in CALL_STEPS if step in status.steps]
    before = 0.0
    for step, at in sorted(taken, key=lambda one: one[1]):
        table.add_row(
            step, CALL_STEPS[step], f"{at * 1000:.0f} ms", f"{(at - before) * 1000:.0f} ms"
        )
        before = at
    return table


def quality_table(records: Sequence[CallRecord]) -> Table:
    """Return what each account sent and heard; rtt is the round trip (RFC 3550 §6.4.1).

    Args:
        records: the detail records of the call, one for each account.
    """
    table = _table("Quality of the call, as each account heard and saw it")
    table.padding = 0  # the rules between columns keep them apart, and 80 columns hold them all
    table.add_column("account", no_wrap=True)
    for name in ("media", "codec"):
        table.add_column(name, no_wrap=True)
    has_video = any(one["kind"] == "video" for record in records for one in record.media)
    measures = ("sent", "received", "lost", "jitter", "rtt", "MOS", "frozen")
    for name in measures if has_video else measures[:-1]:
        table.add_column(name, justify="right", no_wrap=True)
    if has_video:
        table.caption = "frozen: for how long the picture stood still"
    for record in records:
        for one in record.media:
            cells = (
                Name(record.account),
                one["kind"],
                one["codec"],
                f"{one['sent']}",
                f"{one['received']}",
                f"{one['lost']}",
                f"{one['jitter_ms']:.1f} ms",
                "" if one["rtt_ms"] is None else f"{one['rtt_ms']:.1f} ms",
                "" if one["mos"] is None else f"{one['mos']:.2f}",
                f"{one.get('frozen_ms', 0.0) / 1000:.1f} s" if one["kind"] == "video" else "",
            )
            table.add_row(*cells[: len(table.columns)])
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
