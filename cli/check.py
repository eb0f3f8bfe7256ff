"""``callboard check``."""

from pathlib import Path

import typer

from ..config import ConfigError, Settings
from ..config.document import read_document
from ..load import load_plan
from .settings import read


def check(file: Path) -> int:
    """Check a YAML file, or a load plan, and the bots that it names.

    Args:
        file: the YAML file; with ``phases:`` it is a load plan.

    Returns:
        the exit status: 0 all is well, 2 there is a problem.
    """
    try:
        settings: Settings = load_plan(file) if _is_plan(file) else read(file)[0]
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        return 2
    bots = sorted({account.bot for account in settings.accounts})
    count = len(settings.accounts)
    typer.echo(
        f"{file}: {count} account{'s' * (count != 1)}, bots: {', '.join(bots)}. No problems found."
    )
    return 0


def _is_plan(file: Path) -> bool:
    top = read_document(file).value
    return isinstance(top, dict) and "phases" in top
