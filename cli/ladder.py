"""``callboard ladder``."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import typer

from ..config import ConfigError
from ..config.places import Places
from ..control import Client
from ..control.history.history import PastCalls
from ..control.history.past_ladder import find_past_ladder
from ..control.models.ladder import LadderCommand
from ..control.problem import NoInstanceError
from ..ladder.folder import LadderNotFound
from ..ladder.ladder import Ladder
from ..ladder.mermaid import mermaid
from ..ladder.svg import svg
from ..ladder.text import ASCII, text
from .log_places import WrongArgumentError, places_of
from .running_instance import talk
from .views.printable import printable

Format = Literal["text", "svg", "json", "mermaid"]


def ladder(call: str, file: Path | None, socket: Path | None, *, form: Format) -> int:
    """Print the ladder of a call.

    What is on the disk is looked at first, and needs no instance that runs. One that does knows the
    calls that go on.

    Args:
        call: which one.
        file: the YAML file of its accounts, the file of detail records, or the folder of a load
            report; None: what the current folder has.
        socket: the control socket of the instance to ask in the place of the disk.
        form: how it is shown.

    Returns:
        the exit status: 0 it is printed, 1 there is no such ladder, 2 an argument is wrong.
    """
    why_not = ""
    if socket is None:
        try:
            return _print(_found(_places(file), call), form)
        except ConfigError as error:
            why_not, status = "\n".join(map(str, error.problems)), 2
        except WrongArgumentError as error:
            why_not, status = f"callboard: {error}", 2
        except OSError as error:
            if error.filename is None:
                raise  # it can't be printed: the end of every command says so
            why_not, status = f"callboard: {error.filename}: {error.strerror}", 1
        except LadderNotFound as error:
            why_not, status = f"callboard: {printable(str(error))}", 1
        if not _runs(file):
            typer.echo(why_not, err=True)
            return status

    async def ask(client: Client) -> int:
        return _print((await client.ask(LadderCommand(call=call))).ladder, form)

    return talk(file, socket, ask)


def _places(file: Path | None) -> Places:
    """Return where records are; there need not be any, as a load test leaves none."""
    if file is not None and file.is_dir():
        return Places(file, file / "calls.jsonl")
    if file is not None and file.suffix == ".jsonl":
        return Places(file.absolute().parent, file)
    return places_of(file)


def _found(places: Places, call: str) -> Ladder:
    past = PastCalls(places.call_log, places.recordings)
    try:
        return find_past_ladder(past, call)
    finally:
        past.close()


def _runs(file: Path | None) -> bool:
    try:
        Client.find(file)
    except (NoInstanceError, OSError):
        return False
    return True


def _print(ladder: Ladder, form: Format) -> int:
    for line in _SHOWN[form](ladder):
        typer.echo(line)
    return 0


def _text(ladder: Ladder) -> Iterable[str]:
    lines = text(ladder, colours=sys.stdout.isatty())
    encoding = sys.stdout.encoding or "ascii"
    for line in lines:
        try:
            line.encode(encoding)
            yield line
        except UnicodeEncodeError:
            yield line.translate(ASCII).encode(encoding, "replace").decode(encoding)


def _json(ladder: Ladder) -> Iterable[str]:
    yield json.dumps(ladder.to_json(), ensure_ascii=False, indent=2)


def _svg(ladder: Ladder) -> Iterable[str]:
    yield svg(ladder).rstrip()


_SHOWN: dict[Format, Callable[[Ladder], Iterable[str]]] = {
    "text": _text,
    "svg": _svg,
    "json": _json,
    "mermaid": mermaid,
}
