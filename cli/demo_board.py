"""``callboard demo --web``."""

import asyncio
import sys
from pathlib import Path
from urllib.parse import quote

import typer
from pydantic import ValidationError

from ..bots.find import BUILT_IN
from ..config import Settings
from ..config.web import WebSettings
from ..server import ServerError
from .demo_settings import already_runs, demo_settings
from .deployed import deployed
from .exchange_error import ExchangeError, reason
from .main_loop import run_loop
from .preflight import missing_extra
from .views.view import View, log_to, make_view

YOU, ECHO, DESK = "you@localhost", "echo@localhost", "desk@localhost"
BOTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (YOU, "operator", {"patience": "60s"}),
    (ECHO, "echo", {}),
    (DESK, "recorder", {"audio": "tone:880"}),
)


def demo_board(*, out: Path, json: bool) -> int:
    """Serve the board of a private server with a few bots, until somebody ends it.

    Args:
        out: the folder for ``calls.jsonl`` and recordings.
        json: print JSON lines.

    Returns:
        0 in order, 1 if it did not start, 2 if the folder can't be one, or a package is missing.
    """
    if fault := missing_extra("web"):
        typer.echo(f"callboard: --web: {fault}", err=True)
        return 2
    try:
        settings = demo_settings(out.absolute(), BOTS)
    except ValidationError as error:
        typer.echo(f"callboard: --out {out}: {error.errors()[0]['ctx']['error']}", err=True)
        return 2
    if fault := already_runs(settings):
        typer.echo(f"callboard: {fault}", err=True)
        return 1
    view = make_view(as_json=json)
    log_to(view, settings.log_level)
    try:
        return run_loop(_serve(settings, view))
    except asyncio.CancelledError:
        return 0
    except (ServerError, ExchangeError, OSError) as error:
        typer.echo(f"callboard: {reason(error)}", err=True)
        return 1
    finally:
        view.close()
        sys.stdout.flush()


async def _serve(settings: Settings, view: View) -> int:
    async with deployed(
        settings, BUILT_IN, settings.recordings, view.show, web=WebSettings()
    ) as deployment:
        await deployment.settled()
        assert deployment.board is not None  # noqa: S101 - it was asked for
        place = f"/accounts/{quote(YOU)}/{quote(ECHO)}"
        view.say(f"Open {deployment.board.link}{place}")
        view.say(
            f"and press Video: {YOU} calls {ECHO} with a moving picture and a tone, and you see "
            "and hear what comes back. To be seen and heard yourself, press ▾ and then "
            f'"Call with my camera too". {DESK} records. Ctrl-C ends it.'
        )
        await deployment.over()
    return 0
