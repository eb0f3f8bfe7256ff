"""``callboard run``."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..actors.garbage_collection import tune_garbage_collection
from ..actors.observer import Observer
from ..bots.module_folder import ModuleFolder
from ..config.metrics import ListenAddress, MetricsSettings
from ..config.web import WebSettings
from ..server import Prosody, ServerError
from .complaints import complain
from .controlling_terminal import ControllingTerminal
from .embedded_server import begun
from .exchange_error import ExchangeError, reason
from .main_loop import OnLoop
from .preflight import missing_extra
from .service_manager import ServiceManager
from .settings import read_or_exit
from .views.view import REFRESH, View, log_to, make_view

if TYPE_CHECKING:
    from .deployment import Deployment


def run(
    file: Path,
    *,
    within: float | None,
    metrics: ListenAddress | None,
    json: bool,
    web: bool = False,
    dev: bool = False,
    on_loop: OnLoop,
    server: Prosody | None = None,
) -> int:
    """Run the accounts of a file until somebody ends it.

    Args:
        file: the YAML file.
        within: how many seconds are tried to get an account online, or None for ever.
        metrics: where to serve metrics and health; None for what the file says.
        json: print JSON lines.
        web: serve the board, also if the file does not say so.
        dev: read the file again whenever it or a module beside it changes.
        on_loop: runs coroutines.
        server: an embedded server without accounts, if one has begun to start; it is stopped if the
            file declares another one.

    Returns:
        0 in order, 1 if no account could log in, the server did not start, or all ended by itself.
    """
    terminal = ControllingTerminal()
    terminal.wait_for_start()
    service = ServiceManager.of(os.environ)
    modules = ModuleFolder(file.absolute().parent)
    settings, classes = read_or_exit(file, modules)
    served = settings.metrics
    if metrics is not None:
        served = _moved(settings.metrics, metrics)
        if fault := missing_extra("metrics"):
            complain(f"callboard: --metrics: {fault}")
            return 2
    board = settings.web or (WebSettings() if web else None)
    if board is not None and (fault := missing_extra("web")):
        complain(f"callboard: --web: {fault}")
        return 2
    if dev and (fault := missing_extra("dev")):
        complain(f"callboard: --dev: {fault}")
        return 2
    view = make_view(as_json=json)
    log_to(view, settings.log_level)
    path = file.absolute()

    async def go_on() -> int:
        async with drawn(view), begun(settings, server) as begun_server:
            # Most of what runs is read while the embedded server starts.
            await asyncio.to_thread(import_module, f"{__package__}.deployed")
            from .deployed import deployed  # noqa: PLC0415 - it was just read

            async with deployed(
                settings,
                classes,
                path.parent,
                view.show,
                file=path,
                metrics=served,
                webhooks=settings.webhooks,
                web=board,
                modules=modules,
                service=service,
                dev=dev,
                terminal=terminal,
                calls_at_once=False,
                server=begun_server,
            ) as deployment:
                if deployment.board is not None:
                    view.say(f"callboard: {deployment.board.sentence(secret=not service.is_there)}")
                tune_garbage_collection()
                if not await anybody_online(deployment, within):
                    return 1
                await deployment.over()
        return 0

    try:
        return on_loop(go_on())
    except asyncio.CancelledError:
        return 0
    except (ServerError, ExchangeError, OSError) as error:
        complain(f"callboard: {reason(error)}")
        return 1
    finally:
        view.close()


def _moved(metrics: MetricsSettings | None, address: ListenAddress) -> MetricsSettings:
    if metrics is None:
        return MetricsSettings(address=address)
    return metrics.model_copy(update={"address": address})


async def anybody_online(deployment: "Deployment", within: float | None) -> bool:
    """Wait for the first logins; tell whether any account is online, or the end was asked for.

    Args:
        deployment: what runs.
        within: how many seconds to wait, or None for as long as an account goes on trying.

    Raises:
        ExchangeError: everything has ended by itself.
    """
    settled = asyncio.ensure_future(deployment.settled())
    over = asyncio.ensure_future(deployment.over())
    await asyncio.wait({settled, over}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for one in (settled, over):
        one.cancel()
    if over.done() and not over.cancelled():
        over.result()
        return True
    if not settled.done():
        complain(f"callboard: no account could log in within {within:g} s")
        return False
    if settled.result() == 0:
        complain("callboard: no account could log in")
        return False
    return True


@asynccontextmanager
async def drawn(view: View) -> AsyncIterator[None]:
    """Draw a view again and again, to the very end of what is inside."""
    draw = Observer[None](lambda _: view.draw())

    async def go_on() -> None:
        while True:
            draw(None)
            await asyncio.sleep(1 / REFRESH)

    drawing = asyncio.create_task(go_on())
    try:
        yield
    finally:
        drawing.cancel()
