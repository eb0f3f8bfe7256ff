"""Finding a bot's class by the name that the YAML file has for it."""

import importlib.util
import sys
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from .bot import Bot
from .caller import Caller
from .echo import Echo
from .recorder import Recorder
from .silent import Silent

BUILT_IN: dict[str, type[Bot]] = {
    "caller": Caller,
    "echo": Echo,
    "recorder": Recorder,
    "silent": Silent,
}


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
        raise BotError(f"there is no bot {name!r}: use one of {known}, or module:Class of your own")
    module = _module(module_name, folder)
    found = getattr(module, class_name, None)
    if found is None:
        names = [k for k, v in vars(module).items() if isinstance(v, type) and issubclass(v, Bot)]
        offer = ", ".join(one for one in names if one != "Bot") or "no bot at all"
        raise BotError(f"{module_name} has no class {class_name!r}; it has {offer}")
    if not (isinstance(found, type) and issubclass(found, Bot)):
        raise BotError(f"{name} is no subclass of callboard.bots.Bot")
    return found


def _module(name: str, folder: Path) -> ModuleType:
    """Import a module beside the YAML file, or else one that is installed.

    Files beside the YAML file get a name of their own in `sys.modules`, so that two deployments
    with a ``bots.py`` each do not meet, and so that a user's ``random.py`` shadows nothing.
    """
    if not all(part.isidentifier() for part in name.split(".")):
        raise BotError(f"{name!r} is no module name: write it like mybots or mybots.callers")
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    key = f"callboard_user_{blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()}"
    if key in sys.modules:
        return sys.modules[key]
    try:
        if not path.is_file():
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(key, path)
        if spec is None or spec.loader is None:
            raise BotError(f"{path} can't be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[key] = module
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        sys.modules.pop(key, None)
        if error.name == name.split(".", maxsplit=1)[0]:
            raise BotError(
                f"there is no {path.name} in {path.parent}, and no module {name}"
            ) from None
        raise BotError(f"{name} needs the module {error.name}, which is not installed") from None
    except (Exception, SystemExit) as error:
        sys.modules.pop(key, None)
        line = _line(error, path)
        raise BotError(f"importing {name} raised {type(error).__name__}{line}: {error}") from None
    return module


def _line(error: BaseException, path: Path) -> str:
    """Say at which line of the user's own file an exception came up."""
    trace, line = error.__traceback__, getattr(error, "lineno", None)
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return "" if line is None else f" at line {line}"
