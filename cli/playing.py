"""``callboard say`` and ``callboard play``."""

from pathlib import Path

from ..control import Client
from ..control.models.playing import PlayCommand, SayCommand
from .argument_types import is_file
from .running_instance import talk


def say(
    call: str,
    text: str,
    file: Path | None,
    socket: Path | None,
    *,
    voice: str | None,
    rate: int | None,
    account: str | None,
    wait: bool,
) -> int:
    """Say something in a call.

    Args:
        call: its id, or how it begins.
        text: what to say.
        file: what the instance runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        voice: one of the synthesizer's, or None.
        rate: words a minute, or None.
        account: whose end of the call, or None.
        wait: until it has been said.

    Returns:
        The exit status.
    """

    async def ask(client: Client) -> int:
        await client.ask(
            SayCommand(call=call, text=text, voice=voice, rate=rate, account=account, wait=wait)
        )
        return 0

    return talk(file, socket, ask)


def play(
    call: str,
    source: str,
    file: Path | None,
    socket: Path | None,
    *,
    video: bool,
    loop: bool,
    account: str | None,
    wait: bool,
) -> int:
    """Play something in a call.

    Args:
        call: its id, or how it begins.
        source: what to play.
        file: what the instance runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        video: show it.
        loop: again and again.
        account: whose end of the call, or None.
        wait: until it was played.

    Returns:
        The exit status.
    """
    found = str(Path(source).absolute()) if is_file(source) else source

    async def ask(client: Client) -> int:
        await client.ask(
            PlayCommand(
                call=call,
                source=found,
                kind="video" if video else "audio",
                loop=loop,
                account=account,
                wait=wait,
            )
        )
        return 0

    return talk(file, socket, ask)
