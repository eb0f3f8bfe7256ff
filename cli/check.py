"""``callboard check``."""

from pathlib import Path

import typer

from .settings import read_or_exit


def check(file: Path) -> int:
    """Check a YAML file and its bots.

    Args:
        file: the YAML file.

    Returns:
        the exit status 0; a problem exits with 2 before.
    """
    settings, _ = read_or_exit(file)
    bots = sorted({account.bot for account in settings.accounts})
    count = len(settings.accounts)
    typer.echo(
        f"{file}: {count} account{'s' * (count != 1)}, bots: {', '.join(bots)}. All is well."
    )
    return 0
