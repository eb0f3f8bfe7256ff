"""``callboard hangup``."""

from pathlib import Path

import typer

from ..control import Client
from ..control.models.calls import HangupCommand
from .running_instance import talk
from .views.printable import printable


def hangup(
    call: str | None,
    file: Path | None,
    socket: Path | None,
    *,
    every: bool,
    account: str | None,
    json: bool,
) -> int:
    """End a call of a running instance, or all of them.

    Args:
        call: its id, or how it begins.
        file: what the instance runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        every: end all.
        account: whose call, or whose calls.
        json: print JSON.

    Returns:
        The exit status.
    """

    async def ask(client: Client) -> int:
        result = await client.ask(HangupCommand(call=call, account=account, all=every))
        if json:
            typer.echo(result.model_dump_json())
            return 0
        for one in result.calls:
            typer.echo(printable(f"{one.id}: {one.account} hangs up on {one.peer}"))
        if not result.calls:
            typer.echo("no calls go on")
        return 0

    return talk(file, socket, ask)
