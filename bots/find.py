"""Finding a bot's class by the name that the YAML file has for it."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from ..config.document import Location
from ..config.jid import is_jid
from ..config.near_miss import near_miss
from ..media import shown
from .bot import Bot
from .caller import CallerBot
from .conference import ConferenceBot
from .echo import EchoBot
from .operator import OperatorBot
from .recorder import RecorderBot
from .silent import SilentBot

BUILT_IN: dict[str, type[Bot]] = {
    "caller": CallerBot,
    "conference": ConferenceBot,
    "echo": EchoBot,
    "operator": OperatorBot,
    "recorder": RecorderBot,
    "silent": SilentBot,
}


#: Options that name whom a bot turns to, by the class that has them.
_PEERS: dict[type[Bot], tuple[str, ...]] = {CallerBot: ("to",), OperatorBot: ("to",)}


class BotError(Exception):
    """A bot's class can't be had; the message says why and what would be right."""


def find_bot(name: str, folder: Path) -> type[Bot]:
    """Return the class of a bot.

    It imports the user's module, which runs it and may block: call it off the loop.

    Args:
        name: a built-in bot's name, or ``module:Class`` with a module beside the YAML file
            (``package.module:Class`` for one in a folder) or one that is installed.
        folder: the YAML file's folder.

    Raises:
        BotError: there is no such module or class, it is no `Bot`, or importing it raised.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    module_name, colon, class_name = name.partition(":")
    if not colon:
        known = ", ".join(sorted(BUILT_IN))
        meant = near_miss(name, BUILT_IN)
        close = f" (did you mean {meant}?)" if meant else ""
        raise BotError(
            f"there is no bot {name!r}{close}: use one of {known}, or module:Class of your own"
        )
    module = _module(module_name, folder)
    found = getattr(module, class_name, None)
    if found is None:
        names = [k for k, v in vars(module).items() if isinstance(v, type) and issubclass(v, Bot)]
        offer = ", ".join(one for one in names if one != "Bot") or "no bot at all"
        raise BotError(f"{module_name} has no class {class_name!r}; it has {offer}")
    if not (isinstance(found, type) and issubclass(found, Bot)):
        raise BotError(f"{name} is not a subclass of callboard.bots.Bot")
    return found


def deaf(classes: Mapping[str, type[Bot]]) -> frozenset[str]:
    """Return the names of the bots that do nothing with messages.

    Args:
        classes: each bot's class by the name that accounts have for it.
    """
    return frozenset(name for name, found in classes.items() if found.on_message is Bot.on_message)


def peers(bot: type[Bot], options: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Say whom a bot will turn to, as far as options of built-in bots tell.

    Args:
        bot: its class.
        options: the account's options; what is no JID there is left out.

    Yields:
        Where among the options it stands, and the JID.
    """
    for kind, names in _PEERS.items():
        for name in names if issubclass(bot, kind) else ():
            value = options.get(name)
            for index, jid in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(jid, str) and is_jid(jid):
                    yield ((name, index) if isinstance(value, list) else (name,)), jid


def _module(name: str, folder: Path) -> ModuleType:
    """Import a module beside the YAML file, or else one that is installed."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise BotError(
            f"{name!r} is not the name of a module: write it like mybots or mybots.callers"
        )
    path = folder.joinpath(*name.split("."))
    if path.is_dir():
        path /= "__init__"
    path = path.with_suffix(".py")
    try:
        if not path.is_file():
            return importlib.import_module(name)
        importlib.invalidate_caches()
        return importlib.import_module(f"{package_of(folder)}.{name}")
    except ModuleNotFoundError as error:
        if error.name == name.partition(".")[0]:
            beside = path.relative_to(folder)
            raise BotError(
                f"there is no {beside} in {folder}, and no module {name} is installed"
            ) from None
        missing = str(error.name).removeprefix(f"{package_of(folder)}.")
        raise BotError(
            f"{name} imports the module {missing}, which can't be found: install it, or put it "
            "beside the YAML file"
        ) from None
    except BaseException as error:  # whatever it is, it is the module's
        line = raised_at(error, path)
        words = f"{type(error).__name__}{line}: {shown(error, str)}".rstrip(" :")
        raise BotError(f"importing {name} raised {words}") from None


def package_of(folder: Path) -> str:
    """Return the name of a package whose modules are the files of a folder.

    Under that name they are imported, so that two deployments with a ``bots.py`` each do not meet
    and a user's ``random.py`` shadows nothing. What they import from beside them is found both
    with a dot (``from . import helpers``) and, where nothing else has the name, without one.
    """
    name = f"callboard_user_{blake2b(str(folder.resolve()).encode(), digest_size=6).hexdigest()}"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
        sys.path.append(str(folder))
    return name


def raised_at(error: BaseException, path: Path | str) -> str:
    """Say at which line of a file an exception came up, or "" if in none.

    Args:
        error: the exception.
        path: the file.
    """
    trace, line = error.__traceback__, getattr(error, "lineno", None)
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f" at line {line}"
