"""Reading a YAML file together with the bots that it names."""

from pathlib import Path

import typer

from ..bots.bot import Bot
from ..bots.find import BotError, find_bot
from ..config import Account, ConfigError, Settings, load


def read(file: Path) -> tuple[Settings, dict[str, type[Bot]]]:
    """Read a YAML file and find the classes of its bots.

    Args:
        file: the YAML file.

    Returns:
        the settings, and each bot's class by the name that accounts have for it.

    Raises:
        ConfigError: every problem of the file and of its bots, all at once.
    """
    folder = file.absolute().parent
    found: dict[str, type[Bot] | str] = {}

    def check(name: str) -> str | None:
        if name not in found:
            try:
                found[name] = find_bot(name, folder)
            except BotError as error:
                found[name] = str(error)
        one = found[name]
        return one if isinstance(one, str) else None

    def make(account: Account) -> str | None:
        one = found[account.bot]
        if isinstance(one, str):
            return None
        try:
            one(None, account.bare_jid, account.options, folder)
        except ValueError as error:
            return str(error)
        except Exception as error:
            return f"making {account.bot} raised {type(error).__name__}: {error}"
        return None

    settings = load(file, check_bot=check, check_account=make)
    return settings, {name: one for name, one in found.items() if not isinstance(one, str)}


def read_or_exit(file: Path) -> tuple[Settings, dict[str, type[Bot]]]:
    """Do as `read` does, but print the problems and exit with status 2."""
    try:
        return read(file)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(2) from None
