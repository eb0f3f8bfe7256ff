"""Reading a YAML file together with the bots that it names: what ``check`` does, and ``run`` first.

Both make what the file declares, so that both find the same, and say it in the same words.
"""

import inspect
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ..actors.bot.containment import Author, BotExit, running
from ..bots.bot import Bot
from ..bots.bot_check import bot_faults, class_faults
from ..bots.find import BotError, peers, raised_at
from ..bots.module_folder import ModuleFolder
from ..bots.options import OptionsError
from ..config import AccountSettings, ConfigError, Settings, load
from ..config.document import Location
from ..config.load import Fault
from ..media import shown
from .complaints import complain
from .preflight import preflight
from .settings_difference import Declared, fixed_faults


def read(
    file: Path, *, modules: ModuleFolder | None = None, before: Declared | None = None
) -> tuple[Settings, dict[str, type[Bot]]]:
    """Read a YAML file, find the classes of its bots, make each bot, and look at the machine.

    Args:
        file: the YAML file.
        modules: the modules beside it, where it is to be read again; those that have changed since
            are imported anew.
        before: what runs already. Only what has changed since is checked.

    Returns:
        the settings, and each bot's class by the name that accounts have for it.

    Raises:
        ConfigError: every problem of the file and of its bots, all at once.
        KeyboardInterrupt: Ctrl-C, which a bot's code does not keep to itself.
    """
    folder = file.absolute().parent
    modules = ModuleFolder(folder) if modules is None else modules
    bots = _Bots(folder, modules, before)
    with _heeding_ctrl_c(), modules.renewed():
        settings = load(
            file,
            check_bot=bots.find,
            check_account=bots.make,
            check_settings=partial(_check, file=file, before=before),
            peers=bots.peers,
        )
    return settings, bots.classes


def read_or_exit(
    file: Path, modules: ModuleFolder | None = None
) -> tuple[Settings, dict[str, type[Bot]]]:
    """Do as `read` does, but print the problems and exit with status 2."""
    try:
        return read(file, modules=modules)
    except ConfigError as error:
        for problem in error.problems:
            complain(str(problem))
        raise SystemExit(2) from None


class _Bots:
    """The classes that a file names.

    Args:
        folder: the file's folder.
        modules: the modules in it.
        before: what runs already.

    Attributes:
        classes: those that were found, by the names that the file has for them.
    """

    def __init__(self, folder: Path, modules: ModuleFolder, before: Declared | None) -> None:
        self._folder = folder
        self._modules = modules
        accounts, self._running = ((), {}) if before is None else (before[0].accounts, before[1])
        self._accounts = {one.bare_jid: one for one in accounts}
        self._unsound: dict[str, list[str]] = {}
        self.classes: dict[str, type[Bot]] = {}

    def find(self, name: str) -> str | None:
        """Find a class; say why it can't be had, or None."""
        if name not in self.classes:
            try:
                self.classes[name] = self._modules.find(name)
            except BotError as error:
                return str(error)
            self._unsound[name] = list(class_faults(self.classes[name]))
        return None

    def make(self, account: AccountSettings) -> Iterator[Fault]:
        """Make an account's bot, unless it runs; say what is wrong with it and its options."""
        found, name = self.classes[account.bot], account.bot
        if self._accounts.get(account.bare_jid) == account and self._running.get(name) is found:
            return
        if self._unsound[name]:
            for fault in self._unsound[name]:
                yield ("bot",), f"bot: {fault}"
            return
        given: tuple[str, Any, Path] = (account.bare_jid, account.options, self._folder)
        try:
            with running(Author(found.__name__, account.bare_jid)):
                made = found(None, *given)
                faults = list(bot_faults(made, account.bare_jid, self._folder))
        except OptionsError as error:
            for option, sentence in error.faults:
                yield ("options", option), f"{option}: {sentence}"
        except Exception as error:
            if isinstance(error, ValueError) and (said := shown(error, str)):
                key = "options" if account.options else "bot"
                yield (key,), f"{key}: {said}"
                return
            raised = error.__cause__ or error if isinstance(error, BotExit) else error
            line = raised_at(raised, inspect.getfile(found))
            words = f"{type(raised).__name__}{line}: {shown(raised, str)}".rstrip(" :")
            yield ("bot",), f"bot: making {name} raised {words}"
        else:
            for fault in faults:
                yield ("bot",), f"bot: {fault}"

    def peers(self, account: AccountSettings) -> Iterator[tuple[Location, str]]:
        """Say whom an account's bot will turn to."""
        for place, jid in peers(self.classes[account.bot], account.options):
            yield ("options", *place), jid


def _check(settings: Settings, file: Path, before: Declared | None) -> Iterator[Fault]:
    """Say what can't be: on this machine, or while something else runs already."""
    if before is not None:
        yield from fixed_faults(before[0], settings)
    yield from preflight(settings, file, None if before is None else before[0])


@contextmanager
def _heeding_ctrl_c() -> Iterator[None]:
    """Raise `KeyboardInterrupt` for Ctrl-C at the end, also if a bot's module has caught it."""
    if threading.current_thread() is not threading.main_thread():  # signals are the others'
        yield
        return
    pressed = False

    def press(*_: object) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            raise KeyboardInterrupt
