"""Where a file has its deployment keep things, also without its secrets and bots at hand."""

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from .document import read_document
from .error_sentence import describe, sentence
from .model import ValidationContext
from .problem import ConfigError
from .settings import Settings

_KEYS = ("recordings", "call_log")
_LINE = re.compile(
    rf"""^({"|".join(_KEYS)}):[ \t]+('[^'\n]*'|"[^"\n]*"|[^\s'"#][^#\n]*?)[ \t]*(?:#.*)?$""",
    re.MULTILINE,
)
#: It takes the place of the accounts, which are not looked at.
_STAND_IN = {"jid": "nobody@localhost", "bot": "silent"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where a deployment keeps things.

    Attributes:
        recordings: the folder of recordings.
        call_log: the file of detail records.
    """

    recordings: Path
    call_log: Path


def read_places(path: Path) -> Places:
    """Read from a configuration file where things are kept, and nothing else. Blocks.

    Args:
        path: The YAML file. Paths in it are relative to its folder.

    Raises:
        ConfigError: It can't be read, or the places in it are wrong.
    """
    document = read_document(path)
    top = document.value
    if not isinstance(top, dict):
        words = f"the file is {describe(top)}: start it with keys such as 'accounts:'"
        raise ConfigError([document.problem((), words)])
    wanted = {key: top[key] for key in _KEYS if key in top}
    try:
        return _places(path, wanted)
    except ValidationError as error:
        raise ConfigError(
            [
                document.problem(one["loc"], sentence(one, one["loc"], secret=False))
                for one in error.errors(include_url=False)
                if one["type"] != "default_factory_not_called"
            ]
        ) from None


def guess_places(path: Path) -> Places | None:
    """Read them from the lines that name them, of a file that can't be read as a whole. Blocks.

    Args:
        path: The YAML file.

    Returns:
        Where things are if nothing else in the file changes that; None if these lines are wrong,
        too, or there is no such file.
    """
    try:
        lines = path.read_text("utf-8", errors="replace")
        return _places(path, {key: value.strip("'\"") for key, value in _LINE.findall(lines)})
    except (OSError, ValidationError):
        return None


def _places(path: Path, wanted: dict[str, object]) -> Places:
    context = ValidationContext(path.absolute().parent, {})
    settings = Settings.model_validate({**wanted, "accounts": [_STAND_IN]}, context=context)
    return Places(settings.recordings, settings.call_log)
