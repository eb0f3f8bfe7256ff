"""Taking a file anew while its accounts run, one reload after the other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from ..actors.log_level import set_log_level
from ..actors.messages.bot import BotFactory
from ..actors.messages.exchange import (
    AccountChanged,
    AddAccount,
    ChangeAccount,
    ExchangeRef,
    RemoveAccount,
)
from ..bots.adapter import bot_factory
from ..bots.find import deaf
from ..bots.module_folder import ModuleFolder
from ..config import AccountSettings, ConfigError, Settings
from ..config.jid import bare
from ..control import models
from ..control.instance.instance import Instance
from ..control.problem import ControlError, ProblemKind
from ..media import shown
from ..server import Prosody, ServerError
from .service_manager import ServiceManager
from .settings import read
from .settings_difference import Declared, SettingsDifference, difference
from .views.event import Event

log = logging.getLogger(__name__)

#: Seconds that a bot's modules may take to be imported, with all else that is read.
READING = 60.0
#: Seconds that the exchange may take to begin with one account's change.
HANDLED = 30.0


class Reloads:
    """Takes a file anew, one reload after the other.

    The file is read and checked in a thread; what is wrong with it changes nothing. All who ask
    while a reload goes on share the next one.

    Args:
        file: the YAML file.
        declared: what runs: the settings, and the bots' classes.
        modules: where those are from.
        instance: the running instance.
        take: told the new settings, to go on with what is not the accounts'.
        service: told when a reload begins and ends.
    """

    def __init__(
        self,
        file: Path,
        declared: Declared,
        modules: ModuleFolder,
        instance: Instance,
        take: Callable[[Settings], Awaitable[None]],
        service: ServiceManager,
    ) -> None:
        self._file = file
        self._declared = declared
        self._modules = modules
        self._instance = instance
        self._take = take
        self._service = service
        self._server: Prosody | None = None
        self._started = asyncio.Event()
        self._now: asyncio.Task[models.reload.ReloadResult] | None = None
        self._next: asyncio.Task[models.reload.ReloadResult] | None = None
        self._reading: asyncio.Task[Declared] | None = None
        self._leaving: set[str] = set()

    def start(self, server: Prosody | None) -> None:
        """Begin: everything runs.

        Args:
            server: the embedded server, which gets the accounts that are new.
        """
        self._server = server
        self._started.set()

    def close(self) -> None:
        """Begin no more."""
        for task in (self._now, self._next, self._reading):
            if task is not None:
                task.cancel()

    def hear(self, event: Event) -> None:
        """Forget an account that has left."""
        if isinstance(event, AccountChanged) and event.state in ("closed", "ended"):
            self._leaving.discard(bare(event.jid))

    def ask(self) -> None:
        """Begin a reload that nobody waits for; the log tells what comes of it."""
        self._soon()

    async def reload(self) -> "models.reload.ReloadResult":
        """Do a reload that begins after this is called, and return what it has changed.

        Raises:
            ControlError: nothing has changed; says why.
        """
        try:
            return await asyncio.shield(self._soon())
        except asyncio.CancelledError:
            if self._instance.state == "ending":
                raise ControlError(ProblemKind.NOT_POSSIBLE, _ENDING) from None
            raise

    def _soon(self) -> "asyncio.Task[models.reload.ReloadResult]":
        if self._next is None:
            self._next = asyncio.create_task(self._in_turn(self._now), name="reload")
            self._next.add_done_callback(lambda one: one.cancelled() or one.exception())
        return self._next

    async def _in_turn(
        self, before: "asyncio.Task[models.reload.ReloadResult] | None"
    ) -> "models.reload.ReloadResult":
        if before is not None:
            await asyncio.wait({before})
        self._now, self._next = self._next, None
        await self._started.wait()
        problem = ""
        self._service.reloading()
        try:
            result = await self._reload()
        except ControlError as error:
            problem = error.detail
            for line in error.detail.splitlines():
                log.error("not reloaded: %s", line)
            raise
        except Exception as error:
            problem = repr(error)
            log.exception("not reloaded")
            raise ControlError(ProblemKind.BUG, f"the reload failed: {error!r}") from error
        finally:
            self._service.reloaded(problem)
        log.info("reloaded %s: %s", self._file.name, result.sentence())
        return result

    async def _reload(self) -> "models.reload.ReloadResult":
        exchange = self._instance.exchange
        before = self._declared
        now = await self._read()
        found = difference(before, now)
        await self._add_to_server(found)
        if self._instance.state != "running":
            raise ControlError(ProblemKind.NOT_POSSIBLE, _ENDING)
        await self._take(now[0])
        self._instance.settings = now[0]
        set_log_level(now[0].log_level)
        refused = await _Changes(exchange, now, self._file.parent, self._leaving).make(found)
        self._declared = _without(now, before, refused)
        self._instance.overview.know_deaf(deaf(now[1]))
        for one in (*found.added, *(changed.settings for changed in found.changed)):
            if one.bare_jid not in refused:
                self._instance.overview.declare(one)
        return models.reload.ReloadResult(
            keys=found.keys,
            added=tuple(one.bare_jid for one in found.added if one.bare_jid not in refused),
            removed=found.removed,
            changed=tuple(
                models.reload.AccountChange(jid=one.settings.bare_jid, keys=one.keys)
                for one in found.changed
                if one.settings.bare_jid not in refused
            ),
            refused=tuple(
                models.reload.AccountRefusal(jid=jid, detail=why) for jid, why in refused.items()
            ),
            unchanged=found.unchanged,
        )

    async def _read(self) -> Declared:
        """Read the file in a thread, which may never come back from a bot's module."""
        if self._reading is not None and not self._reading.done():
            raise ControlError(ProblemKind.TIMED_OUT, _STUCK)
        work = partial(read, self._file, modules=self._modules, before=self._declared)
        self._reading = asyncio.create_task(asyncio.to_thread(work), name="read the file again")
        try:
            async with asyncio.timeout(READING):
                return await asyncio.shield(self._reading)
        except ConfigError as error:
            raise ControlError(ProblemKind.INVALID_FILE, str(error)) from None
        except TimeoutError:
            raise ControlError(ProblemKind.TIMED_OUT, _STUCK) from None

    async def _add_to_server(self, found: SettingsDifference) -> None:
        """Give the embedded server the accounts that are new, and new passwords."""
        new = [*found.added, *(one.settings for one in found.changed if "password" in one.keys)]
        if self._server is None or not new:
            return
        try:
            await self._server.add_accounts(
                {one.user: one.password.get_secret_value() for one in new}
            )
        except (ServerError, OSError) as error:
            raise ControlError(ProblemKind.NOT_POSSIBLE, str(error)) from None


class _Changes:
    """Tells the exchange what has changed.

    Args:
        exchange: the supervisor of all.
        now: what is declared now.
        folder: the file's folder.
        leaving: the accounts that are about to leave; those that leave now are added.
    """

    def __init__(
        self, exchange: ExchangeRef, now: Declared, folder: Path, leaving: set[str]
    ) -> None:
        self._exchange = exchange
        self._drain = now[0].drain
        self._classes = now[1]
        self._folder = folder
        self._leaving = leaving
        self._factories: dict[str, BotFactory] = {}

    async def make(self, found: SettingsDifference) -> dict[str, str]:
        """Make all changes; return why accounts could not be added or changed, by bare JID."""
        refused: dict[str, str] = {}
        for jid in found.removed:
            self._leaving.add(jid)
            await self._exchange.request(RemoveAccount(jid, self._drain), timeout=HANDLED)
        for changed in found.changed:
            bot = self._factory(changed.settings) if changed.has_new_bot else None
            change = ChangeAccount(changed.settings, self._drain, bot)
            await self._try(change, changed.settings, refused)
        for added in found.added:
            bot = self._factory(added)
            if added.bare_jid in self._leaving:
                await self._try(ChangeAccount(added, self._drain, bot), added, refused)
            else:
                await self._try(AddAccount(added, bot), added, refused)
        return refused

    async def _try(
        self,
        change: ChangeAccount | AddAccount,
        settings: AccountSettings,
        refused: dict[str, str],
    ) -> None:
        try:
            await self._exchange.request(change, timeout=HANDLED)
        except Exception as error:  # its bot's, among others
            log.error("%s is not changed", settings.bare_jid, exc_info=error)
            refused[settings.bare_jid] = shown(error, str)

    def _factory(self, settings: AccountSettings) -> BotFactory:
        """Return what makes the bots of a name; it keeps no other class."""
        name = settings.bot
        if name not in self._factories:
            self._factories[name] = bot_factory({name: self._classes[name]}, self._folder)
        return self._factories[name]


def _without(now: Declared, before: Declared, refused: dict[str, str]) -> Declared:
    """Return what runs: the new settings, where those of an account were not refused."""
    if not refused:
        return now
    old = {one.bare_jid: one for one in before[0].accounts}
    accounts = [
        old.get(one.bare_jid) if one.bare_jid in refused else one for one in now[0].accounts
    ]
    running = now[0].model_copy(update={"accounts": tuple(filter(None, accounts))})
    # Their bots are made from what was there, and are to be tried again with what is.
    kept = {old[jid].bot for jid in refused if jid in old}
    return running, {**now[1], **{name: before[1][name] for name in kept}}


_ENDING = "callboard is ending, and takes nothing anew"
_STUCK = (
    f"reading the file takes longer than {READING:g} s: see that the modules of its bots wait for "
    "nothing when they are imported; if they never end, restart callboard"
)
