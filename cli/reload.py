"""``callboard reload``."""

from pathlib import Path

import typer

from ..control import Client
from ..control.models.reload import ReloadCommand
from .running_instance import talk
from .views.printable import printable


def reload(file: Path | None, socket: Path | None, *, json: bool) -> int:
    """Have a running instance read its file and bots again.

    Args:
        file: what it runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        json: print JSON.

    Returns:
        0, 1 if none runs, it refuses, or some accounts stay as they were, 2 if the file is wrong.
    """

    async def ask(client: Client) -> int:
        answer = await client.ask(ReloadCommand())
        typer.echo(answer.model_dump_json() if json else printable(answer.sentence()))
        return 1 if answer.refused else 0

    return talk(file, socket, ask)
