"""``callboard run``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import typer

from ..actors.garbage import spare_the_living
from ..bots.bot import Bot
from ..config import Settings
from ..server import ServerError
from .deployment import Deployment, deployed, reason
from .main_loop import run_loop
from .settings import read_or_exit
from .view import REFRESH, View, log_to, make_view


def run(file: Path, *, json: bool) -> int:
    """Run the accounts of a file until somebody ends it.

    Args:
        file: the YAML file.
        json: print JSON lines.

    Returns:
        0 in order, 1 if no account could log in or the server did not start.
    """
    settings, classes = read_or_exit(file)
    view = make_view(as_json=json)
    log_to(view, settings.log_level)
    try:
        spare_the_living()
        return run_loop(_run(settings, classes, file.absolute().parent, view))
    except asyncio.CancelledError:
        return 0
    except (ServerError, OSError) as error:
        typer.echo(f"callboard: {reason(error)}", err=True)
        return 1
    finally:
        view.close()


async def _run(settings: Settings, classes: dict[str, type[Bot]], folder: Path, view: View) -> int:
    async with drawn(view), deployed(settings, classes, folder, view.show) as deployment:
        if not await anybody_online(deployment):
            return 1
        await deployment.stopping.wait()
    return 0


async def anybody_online(deployment: Deployment) -> bool:
    """Wait for the first logins; tell whether any account is online, or the end was asked for."""
    settled = asyncio.ensure_future(deployment.settled())
    stopping = asyncio.ensure_future(deployment.stopping.wait())
    await asyncio.wait({settled, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not settled.done():
        settled.cancel()
        return True
    if settled.result() == 0:
        typer.echo("callboard: no account could log in", err=True)
        return False
    return True


@asynccontextmanager
async def drawn(view: View) -> AsyncIterator[None]:
    """Draw a view again and again, to the very end of what is inside."""

    async def draw() -> None:
        while True:
            view.draw()
            await asyncio.sleep(1 / REFRESH)

    drawing = asyncio.create_task(draw())
    try:
        yield
    finally:
        drawing.cancel()
