"""What every command does that talks to a running instance."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import typer
from pydantic import ValidationError

from ..config.error_sentence import sentence
from ..control import Client, ControlError
from ..control.problem import NoInstanceError, ProblemKind

#: Refusals that say that what the user wrote is wrong.
OF_THE_USER = frozenset({ProblemKind.WRONG_ARGUMENT, ProblemKind.INVALID_FILE})
#: What a command does with the instance; it returns the exit status.
Work = Callable[[Client], Awaitable[int]]


def talk(
    file: Path | None,
    socket: Path | None,
    work: Work,
    *,
    of_the_user: Collection[ProblemKind] = OF_THE_USER,
) -> int:
    """Find a running instance, and do something with it.

    Args:
        file: what it runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        work: what is done.
        of_the_user: refusals that say that an argument is wrong.

    Returns:
        The exit status: that of the work, or 1 if none runs or it refuses, 2 if it says that an
        argument is wrong.
    """
    try:
        return asyncio.run(_talk(file, socket, work))
    except NoInstanceError as error:
        typer.echo(f"callboard: {error}", err=True)
        return 1
    except ControlError as error:
        is_list = error.kind is ProblemKind.INVALID_FILE  # as `check` prints it
        typer.echo(error.detail if is_list else f"callboard: {error.detail}", err=True)
        return 2 if error.kind in of_the_user else 1
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        typer.echo(f"callboard: {sentence(first, first['loc'], secret=False)}", err=True)
        return 2
    except OSError as error:
        if error.filename is None:
            raise  # nobody reads what is printed, for example
        typer.echo(f"callboard: {error.filename}: {error.strerror}", err=True)
        return 2


async def _talk(file: Path | None, socket: Path | None, work: Work) -> int:
    path = await asyncio.to_thread(Client.find, file) if socket is None else socket
    async with Client.connected(path) as client:
        return await work(client)
