"""Where past calls are, by the file that somebody names, or by the folder that they are in."""

import asyncio
import re
from pathlib import Path

import typer

from ..config import ConfigError
from ..config.places import Places, guess_places, read_places
from ..control import Client, ControlError
from ..control.models.status import StatusCommand
from ..control.problem import NoInstanceError

#: Where calls are looked for if no file is named, in this order.
_USUAL = (
    *("accounts.yaml", "accounts.yml"),
    *("calls.jsonl", "recordings/calls.jsonl", "callboard-demo/calls.jsonl"),
)
_ACCOUNTS = re.compile(r"^accounts[ \t]*:", re.MULTILINE)


class WrongArgumentError(Exception):
    """What was typed is wrong; the message says what to do."""


def places_of(file: Path | None) -> Places:
    """Find the file of detail records, and the folder of recordings.

    Args:
        file: the YAML file, or the file of detail records; None: what the current folder has.

    Raises:
        WrongArgumentError: there is none, or there are several.
        ConfigError: the YAML file is wrong, and where its calls are can't be told.
    """
    if file is None:
        try:
            file = _usual()
        except WrongArgumentError:
            file = _running()
            if file is None:
                raise
    if file.suffix != ".jsonl":
        try:
            return read_places(file)
        except ConfigError as error:
            places = guess_places(file)
            if places is None or not places.call_log.is_file():
                raise
            typer.echo(f"callboard: {error.problems[0]}", err=True)
            typer.echo(f"callboard: so these are the calls of {places.call_log}", err=True)
            return places
    if not file.is_file():
        raise WrongArgumentError(f"{file}: there is no such file: name calls.jsonl or a YAML file")
    log = file.absolute()
    return Places(log.parent, log)


def _usual() -> Path:
    """Find what is meant in the current folder."""
    for name in _USUAL[:2]:
        if Path(name).is_file():
            return Path(name)
    yaml = [*Path().glob("*.yaml"), *Path().glob("*.yml")]
    declaring = [one for one in sorted(yaml) if one.is_file() and _declares_accounts(one)]
    if len(declaring) == 1:
        return declaring[0]
    if declaring:
        names = ", ".join(map(str, declaring[:3]))
        raise WrongArgumentError(f"there are several files with accounts here: name one of {names}")
    for name in _USUAL[2:]:
        if Path(name).is_file():
            return Path(name)
    raise WrongArgumentError(
        "there is no file with accounts in this folder: name the YAML file, or a calls.jsonl"
    )


def _running() -> Path | None:
    """Find what the one instance runs that belongs to the current folder, or where its calls are.

    Of a demo, which has no file, an instance names the folder.
    """
    try:
        file = Path(asyncio.run(_file_of(Client.find())))
    except (NoInstanceError, ControlError, OSError):
        return None
    return file / "calls.jsonl" if file.is_dir() else file


async def _file_of(socket: Path) -> str:
    async with Client.connected(socket) as client:
        return (await client.ask(StatusCommand(limit=0))).file


def _declares_accounts(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            return _ACCOUNTS.search(stream.read(1 << 20)) is not None
    except OSError:
        return False
