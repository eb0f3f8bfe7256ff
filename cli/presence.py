"""``callboard presence``."""

from pathlib import Path

from ..control import Client
from ..control.models.presence import PresenceCommand
from .running_instance import talk


def presence(
    account: str,
    file: Path | None,
    socket: Path | None,
    *,
    show: str | None,
    status: str | None,
    priority: int | None,
) -> int:
    """Change what an account's contacts see.

    Args:
        account: the account.
        file: what the instance runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        show: available, chat, away, dnd or xa, or None.
        status: a text, or None.
        priority: -128 to 127, or None.

    Returns:
        The exit status.
    """

    async def ask(client: Client) -> int:
        await client.ask(
            PresenceCommand(account=account, show=show, status=status, priority=priority)
        )
        return 0

    return talk(file, socket, ask)
