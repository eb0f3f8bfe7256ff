"""``callboard status``."""

from pathlib import Path

import typer

from ..control import Client
from ..control.models.status import StatusCommand
from .running_instance import talk
from .views.status_view import show_status
from .views.terminal import Terminal


def status(file: Path | None, socket: Path | None, *, json: bool) -> int:
    """Tell how a running instance stands.

    Args:
        file: what it runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        json: print JSON.

    Returns:
        0, or 1 if none runs.
    """

    async def ask(client: Client) -> int:
        answer = await client.ask(StatusCommand())
        if json:
            typer.echo(answer.model_dump_json())
        else:
            show_status(answer, Terminal())
        return 0

    return talk(file, socket, ask)
