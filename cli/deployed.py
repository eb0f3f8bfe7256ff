"""How a deployment starts and ends: its parts, the server, the signals."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from .. import media
from ..actors.bot.containment import contained
from ..actors.bot.loop_watch import watched
from ..actors.call_libraries import CallLibrariesError, call_libraries, call_messages
from ..actors.context import Endpoint
from ..actors.exchange import Exchange
from ..actors.observer import Observer as TellOutside
from ..actors.records.call_journal import close_left
from ..actors.records.call_record import CallRecord
from ..actors.records.record_file import RecordFile
from ..actors.xmpp.tls_context import trust
from ..bots.adapter import bot_factory
from ..bots.bot import Bot
from ..bots.find import deaf
from ..bots.module_folder import ModuleFolder
from ..config import Embedded, Settings
from ..config.metrics import MetricsSettings
from ..config.web import WebSettings
from ..config.webhook import WebhookSettings
from ..control import models
from ..control.address import NoPlaceError, derived_name, own_folder
from ..control.claim import AlreadyRunningError, Claim, claim
from ..control.control_socket import ControlSocket
from ..control.history.history import History
from ..control.history.retention import RecordingsRemoved
from ..control.history.upkeep import Upkeep
from ..control.instance.instance import Instance
from ..control.instance.log_tail import log_told_to
from ..control.instance.message_files import MessageFiles
from ..control.instance.message_keeper import MessageKeeper
from ..media import FinishedRecording
from ..server import Prosody
from .boarded import boarded, place_held
from .controlling_terminal import ControllingTerminal
from .deployment import CLOSING, LAST_RESORT, Deployment
from .embedded_server import embedded_server
from .exchange_error import ExchangeError
from .reloads import Reloads
from .service_manager import ServiceManager
from .signal_handlers import handling
from .source_watch import watched_sources
from .views.event import Event, Observer

if TYPE_CHECKING:
    from ..control.webhooks.webhooks import Webhooks
    from ..web.board_place import BoardPlace

log = logging.getLogger(__name__)


@asynccontextmanager
async def deployed(
    settings: Settings,
    classes: dict[str, type[Bot]],
    folder: Path,
    observer: Observer,
    *,
    file: Path | None = None,
    metrics: MetricsSettings | None = None,
    webhooks: Sequence[WebhookSettings] = (),
    web: WebSettings | None = None,
    modules: ModuleFolder | None = None,
    service: ServiceManager | None = None,
    dev: bool = False,
    terminal: ControllingTerminal | None = None,
    calls_at_once: bool = True,
    server: Prosody | None = None,
) -> AsyncIterator[Deployment]:
    """Start everything that a file declares, and end it in order.

    SIGINT, SIGTERM and SIGHUP set `Deployment.stopping`; a second one ends at once. While all is
    still being started, one cancels the caller's task. With `modules`, SIGHUP reads the file again
    instead, unless it comes from a terminal that hangs up.

    Args:
        settings: the file's settings.
        classes: each bot's class by the name that accounts have for it.
        folder: the file's folder.
        observer: told what accounts, calls and recordings do.
        file: what its control socket is found by; None: it has none, unless the settings name one.
        metrics: where to serve metrics and health while all runs; None: nowhere.
        webhooks: whom to tell what happens.
        web: where to serve the board while all runs; None: nowhere.
        modules: the modules beside the file, which can be read again while it runs.
        service: is told how it goes, where this runs as a service.
        dev: read the file again whenever it or a module beside it changes.
        terminal: the terminal that the process was started from.
        calls_at_once: import what calls need while all is started; else the first account is to be
            online soon, and calls may come later.
        server: the embedded server, if it has begun to start; it is stopped at the end.

    Raises:
        ExchangeError: the file runs already.
        ServerError: the embedded server does not start.
        OSError: a file of the settings can't be read, the file of records can't be written, or
            metrics or the board can't be served where they are wanted.
        asyncio.CancelledError: a signal came before everything was started.
    """
    deployment = Deployment(settings.drain, len(settings.accounts))
    instance = Instance(settings, file or folder, folder, deployment)
    instance.overview.know_deaf(deaf(classes))
    heard: list[Observer] = [deployment.hear, instance.hear, observer]
    reloads = None
    service = service or ServiceManager(None)
    terminal = terminal or ControllingTerminal()
    if file is not None and modules is not None:
        declared = settings, classes
        reloads = Reloads(file, declared, modules, instance, deployment.take, service)
        heard.append(reloads.hear)
    listeners = [TellOutside(one) for one in heard]

    def see(event: Event) -> None:
        for tell in listeners:
            tell(event)

    with (
        contained(),
        log_told_to(instance.logs),
        watched(settings.drain + CLOSING + LAST_RESORT) as watch,
        _signals(deployment.stop, watch.ask, terminal, None if reloads is None else reloads.ask),
        nullcontext() if reloads is None else closing(reloads),
    ):
        async with (
            _controlled(instance, settings.control, file),
            _held(web, instance) as place,
            _told(webhooks, instance, listeners) as telling,
            _monitored(metrics, deployment, instance, listeners, telling),
        ):
            finished = await asyncio.to_thread(media.recover_recordings, settings.recordings)
            for left in await asyncio.to_thread(_close_left, settings.call_log, finished):
                see(left)
            for one in finished:
                see(one)
            async with (
                _calls_prepared(deployment, at_once=calls_at_once) as prepared,
                _remembered(instance, see) as history,
                _messages_kept(instance),
                _endpoint(settings, instance, server) as (endpoint, prosody),
            ):
                if file is not None:  # else it is over soon
                    listeners.append(TellOutside(history.hear))
                if calls_at_once:  # bots that nobody has made yet would import it on the loop
                    await asyncio.wait({prepared})
                factory = bot_factory(classes, folder)
                exchange = Exchange.start(settings, endpoint, factory, see)
                await deployment.start(exchange, prosody)
                if reloads is not None:
                    reloads.start(prosody)
                    instance.let_reload(reloads.reload)
                try:
                    async with (
                        _boarded(web, deployment, instance, place),
                        service.told(instance.sentence, deployment.ending),
                        _watching(file, reloads if dev else None),
                    ):
                        yield deployment
                finally:
                    await deployment.shut_down()


@asynccontextmanager
async def _messages_kept(instance: Instance) -> AsyncIterator[None]:
    """Take the messages of earlier runs, and keep those that come, if the file wants that."""
    folder = instance.settings.messages
    if folder is None:
        yield
        return
    files = MessageFiles(folder)
    try:
        instance.messages.restore(await asyncio.to_thread(lambda: list(files.read())))
    except OSError as error:
        log.warning("%s: earlier messages can't be read: %s", folder, error.strerror or error)
    keeper = MessageKeeper(files, lambda: instance.settings.keep)
    instance.messages.keep = keeper.keep
    try:
        yield
    finally:
        instance.messages.keep = None
        await keeper.close()


def _watching(file: Path | None, reloads: Reloads | None) -> AbstractAsyncContextManager[None]:
    if file is None or reloads is None:
        return nullcontext()
    return watched_sources(file, reloads.ask)


@asynccontextmanager
async def _calls_prepared(
    deployment: Deployment, *, at_once: bool
) -> AsyncIterator[asyncio.Task[None]]:
    """Import what calls need, in a task; if that can't be, nothing can go on."""

    async def prepare() -> None:
        if not at_once:
            await deployment.online()
        try:
            await call_messages()
            await asyncio.to_thread(_read_late)
            await call_libraries()
        except CallLibrariesError as error:
            deployment.fail(str(error))

    preparing = asyncio.create_task(prepare(), name="import of what calls need")
    try:
        yield preparing
    finally:
        preparing.cancel()
        await asyncio.wait({preparing})


def _read_late() -> None:
    """Read what the first message, or the first address beyond ASCII, would read on the loop."""
    models.read_late()
    import_module("..config.beyond_ascii", __package__)


@asynccontextmanager
async def _controlled(
    instance: Instance, declared: Path | None, file: Path | None
) -> AsyncIterator[None]:
    """Serve the control socket meanwhile, if there can be one."""
    claimed = await _claim(declared, file)
    control = None if claimed is None else ControlSocket(claimed, instance)
    try:
        if control is not None:
            await control.start()
        yield
    finally:
        await instance.close()
        if control is not None:
            await control.close()


@asynccontextmanager
async def _remembered(
    instance: Instance, tell: Callable[[RecordingsRemoved], object]
) -> AsyncIterator[History]:
    """Let past calls be searched meanwhile, and keep what is left of them within its limits."""
    settings = instance.settings
    history = History(settings.call_log, settings.recordings)
    instance.history = history
    upkeep = Upkeep(history, lambda: instance.settings.keep, tell)
    try:
        yield history
    finally:
        await upkeep.close()
        await history.close()


async def _claim(declared: Path | None, file: Path | None) -> Claim | None:
    if declared is None and file is None:
        return None
    try:
        return await asyncio.to_thread(_claim_path, declared, file)
    except AlreadyRunningError as error:
        raise ExchangeError(
            f"{file or declared} runs already, in {error}: callboard status tells how it goes, "
            "callboard stop ends it"
        ) from None
    except NoPlaceError as error:
        if declared is not None:
            raise ExchangeError(f"control: {error}") from None
        log.warning(
            "callboard status and other commands can't reach this run: there is no place for its "
            "control socket (%s): declare one with control: PATH",
            error,
        )
        return None


def _claim_path(declared: Path | None, file: Path | None) -> Claim:
    if declared is not None:
        return claim(declared)
    assert file is not None  # noqa: S101 - see above
    return claim(own_folder() / derived_name(file))


@asynccontextmanager
async def _told(
    webhooks: Sequence[WebhookSettings],
    instance: Instance,
    listeners: list[TellOutside[Event]],
) -> AsyncIterator["Webhooks | None"]:
    """Tell receivers what happens meanwhile, if there are any."""
    if not webhooks:
        yield None
        return
    from ..control.webhooks.webhooks import Webhooks  # noqa: PLC0415 - the extra "webhooks"

    telling = await Webhooks.started(webhooks)
    for name, look in telling.parts():
        instance.add_part(name, look)
    listeners.append(TellOutside(telling.hear))
    try:
        yield telling
    finally:
        await telling.close()


@asynccontextmanager
async def _monitored(
    metrics: MetricsSettings | None,
    deployment: Deployment,
    instance: Instance,
    listeners: list[TellOutside[Event]],
    telling: "Webhooks | None",
) -> AsyncIterator[None]:
    """Serve metrics and health meanwhile, if they are wanted."""
    if metrics is None:
        yield
        return
    from ..control.metrics.monitoring import Monitoring  # noqa: PLC0415 - the extra "metrics"

    monitoring = Monitoring(
        metrics,
        instance.settings,
        declared=lambda: [one.bare_jid for one in instance.settings.accounts],
        stands=lambda: deployment.stands,
        ending=deployment.stopping.is_set,
    )
    if telling is not None:
        monitoring.watch_webhooks(telling.receivers)
    served = models.status.PartSummary(name="metrics", state="running", detail=monitoring.url)
    instance.add_part(served.name, lambda: served)
    listeners.append(TellOutside(monitoring.hear))
    try:
        yield
    finally:
        await monitoring.close()


def _held(
    web: WebSettings | None, instance: Instance
) -> "AbstractAsyncContextManager[BoardPlace | None]":
    """Hold the place of the board meanwhile, if it is wanted."""
    return nullcontext() if web is None else place_held(web, instance)


@asynccontextmanager
async def _boarded(
    web: WebSettings | None,
    deployment: Deployment,
    instance: Instance,
    place: "BoardPlace | None",
) -> AsyncIterator[None]:
    """Serve the board meanwhile, if it is wanted."""
    if web is None:
        yield
        return
    async with boarded(web, instance, place=place) as deployment.board:
        yield


def _close_left(file: Path, finished: Iterable[FinishedRecording]) -> list[CallRecord]:
    """Record the calls that an earlier run left, and see that the file can be written to."""
    RecordFile(file).mend()
    try:
        closed = close_left(file, finished)
    except OSError as error:
        log.warning(
            "%s: calls left over from an earlier run are not recorded: %s", file, error.strerror
        )
        return []
    if closed:
        log.info("recorded %d calls left over from an earlier run, as failed", len(closed))
    return closed


@contextmanager
def _signals(
    stop: Callable[[], None],
    ask: Callable[..., None],
    terminal: ControllingTerminal,
    reload: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Have SIGINT, SIGTERM and SIGHUP call one function on the loop, and another one at once.

    nohup's SIGHUP stays ignored.

    Args:
        stop: called on the loop.
        ask: called at once.
        terminal: the terminal that the process was started from.
        reload: called on the loop, in the place of both, if SIGHUP comes while the terminal is
            still there, or there never was one.
    """

    def hang_up() -> None:
        if reload is None or terminal.has_hung_up():
            stop()
        else:
            reload()

    def hang_up_at_once(*_: object) -> None:
        if reload is None or terminal.has_hung_up():
            ask()

    later: dict[int, Callable[[], None]] = {signal.SIGINT: stop, signal.SIGTERM: stop}
    at_once: dict[int, Callable[..., None]] = {signal.SIGINT: ask, signal.SIGTERM: ask}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        later[signal.SIGHUP], at_once[signal.SIGHUP] = hang_up, hang_up_at_once
    with handling(later, at_once):
        if terminal.was_asked and reload is not None:
            reload()  # the file may have been read before it was changed
        yield


@asynccontextmanager
async def _endpoint(
    settings: Settings, instance: Instance, begun: Prosody | None
) -> AsyncIterator[tuple[Endpoint, Prosody | None]]:
    server = settings.server
    if not isinstance(server, Embedded):
        direct = server.tls == "direct"
        port = server.port or (5223 if direct else 5222)
        context = await asyncio.to_thread(trust, server.ca)
        yield Endpoint(server.host, port if server.host else None, direct, context), None
        return
    async with begun or embedded_server(settings, server) as prosody:
        instance.add_part("embedded server", lambda: _look(prosody))
        context = await asyncio.to_thread(trust, prosody.certificate)
        yield Endpoint(prosody.address, prosody.port, False, context), prosody


def _look(prosody: Prosody) -> "models.status.PartSummary":
    return models.status.PartSummary(
        name="embedded server",
        state="running" if prosody.is_running else "failed",
        detail=f"Prosody at {prosody.address}:{prosody.port}",
    )
