"""What the two demos declare: a private server, and bots that log in to it."""

import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..config import Settings
from ..control.address import NoPlaceError, derived_name, own_folder
from ..control.claim import is_claimed


def demo_settings(out: Path, bots: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Settings:
    """Return the settings of a demo.

    Args:
        out: the folder for ``calls.jsonl`` and recordings; commands find the demo by it.
        bots: the JID, the bot and the options of each account.

    Raises:
        pydantic.ValidationError: the folder can't be one.
    """
    password = secrets.token_urlsafe(24)
    try:
        control = own_folder() / derived_name(out)
    except NoPlaceError:
        control = None
    return Settings.model_validate(
        {
            "server": "embedded",
            "recordings": out,
            "call_log": out / "calls.jsonl",
            "control": control,
            "drain": 0,
            "log_level": "warning",
            "accounts": [
                {"jid": jid, "password": password, "bot": bot, "options": options}
                for jid, bot, options in bots
            ],
        }
    )


def already_runs(settings: Settings) -> str | None:
    """Say what to do if a demo runs in this folder already; None: none does.

    Args:
        settings: of the demo that is to begin.
    """
    if settings.control is None or not is_claimed(settings.control):
        return None
    return (
        f"a demo runs already with the folder {settings.recordings.name}: callboard status tells "
        "how it goes, callboard stop ends it, and --out DIR lets another one run beside it"
    )
