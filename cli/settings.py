"""Reading a YAML file together with the bots that it names."""

from pathlib import Path

import typer

from ..bots.bot import Bot
from ..bots.find import BotError, find_bot
from ..config import ConfigError, Problem, Settings, load


def read(file: Path) -> tuple[Settings, dict[str, type[Bot]]]:
    """Read a YAML file and find the classes of its bots.

    Args:
        file: the YAML file.

    Returns:
        the settings, and each bot's class by the name that accounts have for it.

    Raises:
        ConfigError: every problem of the file and of its bots, all at once.
    """
    settings = load(file)
    folder = file.resolve().parent
    classes: dict[str, type[Bot]] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    for account in settings.accounts:
        if account.bot in seen:
            continue
        seen.add(account.bot)
        try:
            classes[account.bot] = find_bot(account.bot, folder)
        except BotError as error:
            problems.append(Problem(file, 1, 1, str(error)))
    if problems:
        raise ConfigError(problems)
    return settings, classes


def read_or_exit(file: Path) -> tuple[Settings, dict[str, type[Bot]]]:
    """Do as `read` does, but print the problems and exit with status 2."""
    try:
        return read(file)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(2) from None
