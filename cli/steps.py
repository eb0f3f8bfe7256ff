"""How a call was set up and how good it is, as tables for people."""

from collections.abc import Iterable, Mapping

from rich.table import Table

from ..actors.call_record import CallRecord
from ..actors.messages.exchange import CallStatus

#: The steps of a call in their order, and what each means.
STEPS: Mapping[str, str] = {
    "propose": "proposed by message (XEP-0353)",
    "ringing": "the other side rings",
    "proceed": "the other side takes the call",
    "initiate": "offer sent (session-initiate)",
    "accept": "answer came (session-accept)",
    "ice": "connected (ICE)",
    "dtls": "secured (DTLS-SRTP)",
    "first-audio": "first audio heard",
    "first-video": "first video seen",
}


def step_table(status: CallStatus) -> Table:
    """Return the caller's steps, each with its milliseconds since the beginning and since the last.

    Args:
        status: how the call stands, as the caller sees it.
    """
    table = Table(title=f"Setup of the call, as {status.account} saw it", title_justify="left")
    table.add_column("step")
    table.add_column("")
    table.add_column("after", justify="right")
    table.add_column("took", justify="right")
    taken = [(step, status.steps[step]) for step in STEPS if step in status.steps]
    before = 0.0
    for step, at in sorted(taken, key=lambda one: one[1]):
        table.add_row(step, STEPS[step], f"{at * 1000:.0f} ms", f"{(at - before) * 1000:.0f} ms")
        before = at
    return table


def quality_table(records: Iterable[CallRecord]) -> Table:
    """Return what each account sent and heard.

    Args:
        records: the detail records of the call, one for each account.
    """
    table = Table(title="Quality, by who received", title_justify="left")
    for name in ("account", "media", "codec"):
        table.add_column(name)
    for name in ("sent", "received", "lost", "jitter", "round trip", "MOS"):
        table.add_column(name, justify="right")
    for record in records:
        for one in record.media:
            table.add_row(
                record.account,
                one["kind"],
                one["codec"],
                f"{one['sent']}",
                f"{one['received']}",
                f"{one['lost']}",
                f"{one['jitter_ms']:.1f} ms",
                "" if one["rtt_ms"] is None else f"{one['rtt_ms']:.1f} ms",
                "" if one["mos"] is None else f"{one['mos']:.2f}",
            )
    return table
