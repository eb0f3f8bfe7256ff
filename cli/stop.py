"""``callboard stop``."""

from pathlib import Path

import typer

from ..control import Client
from ..control.models.stop import StopCommand
from .running_instance import talk


def stop(file: Path | None, socket: Path | None, *, now: bool, wait: bool) -> int:
    """End a running instance in order.

    Args:
        file: what it runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        now: give running calls no time.
        wait: until it has ended.

    Returns:
        The exit status.
    """

    async def ask(client: Client) -> int:
        result = await client.ask(StopCommand(now=now))
        if wait and result.calls and result.seconds:
            calls = "1 call has" if result.calls == 1 else f"{result.calls} calls have"
            typer.echo(f"waiting: {calls} up to {result.seconds:g} s to end")
        if wait:
            await client.ended()
        return 0

    return talk(file, socket, ask)
