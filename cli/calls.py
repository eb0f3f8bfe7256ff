"""``callboard calls``."""

import json as json_module
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from ..config import ConfigError
from ..config.error_sentence import sentence
from ..control import Client
from ..control.history.history import PastCalls
from ..control.history.moment import parse_moment
from ..control.history.search import Search, UnknownCallError
from ..control.models.calls import CallsCommand
from .argument_types import is_file
from .log_places import WrongArgumentError, places_of
from .running_instance import talk
from .views.live_calls import show_live_calls
from .views.past_calls import show_call, show_page
from .views.terminal import Terminal

_SUFFIXES = frozenset({".yaml", ".yml", ".jsonl"})


@dataclass(frozen=True, slots=True)
class Arguments:
    """What ``callboard calls`` is given.

    Attributes:
        words: a file, a call, or both.
        filters: what to look for, by the names that `Search` has, texts as they were typed.
        since, until: times as they were typed.
        live: ask a running instance which calls go on.
        socket: its control socket, if the file does not tell.
        json: print JSON.
    """

    words: tuple[str, ...]
    filters: Mapping[str, Any]
    since: str | None
    until: str | None
    live: bool
    socket: Path | None
    json: bool


def calls(arguments: Arguments) -> int:
    """List past calls, or those that go on, or show one.

    Returns:
        0, 1 if there is no such call, 2 if an argument is wrong.
    """
    try:
        with _wrong_arguments():
            file, name = _told_apart(arguments.words)
            if arguments.live:
                return _live(file, name, arguments)
            if arguments.socket is not None:
                raise WrongArgumentError("--socket: past calls need no instance: add --live")
            search = _search(arguments)
            past = _open(file)
    except WrongArgumentError as error:
        typer.echo(f"callboard: {error}", err=True)
        return 2
    try:
        if name is None:
            page = past.search(search)
            if arguments.json:  # in ASCII, as a terminal may read it
                typer.echo(json_module.dumps(page.to_json()))
            else:
                show_page(page, search, Terminal())
        else:
            found = past.find(name, search)
            if arguments.json:
                typer.echo(json_module.dumps(found.to_json()))
            else:
                show_call(found, Terminal(), file)
    except UnknownCallError as error:
        typer.echo(f"callboard: {error}", err=True)
        return 1
    except OSError as error:
        if error.filename is None:
            raise  # it can't be printed: the end of every command says so
        typer.echo(f"callboard: {error.filename}: {error.strerror}", err=True)
        return 1
    finally:
        past.close()
    return 0


def _live(file: Path | None, name: str | None, arguments: Arguments) -> int:
    given = {option for option, value in arguments.filters.items() if value is not None}
    given |= {option for option in ("since", "until") if getattr(arguments, option) is not None}
    if name is not None or given - set(CallsCommand.model_fields):
        raise WrongArgumentError("--live takes --account, --peer and --limit only")

    async def ask(client: Client) -> int:
        wanted = {name: arguments.filters[name] for name in CallsCommand.model_fields}
        answer = await client.ask(CallsCommand.model_validate(wanted))
        if arguments.json:
            typer.echo(json_module.dumps(answer.model_dump(mode="json")))
        else:
            show_live_calls(answer, Terminal())
        return 0

    return talk(file, arguments.socket, ask)


@contextmanager
def _wrong_arguments() -> Iterator[None]:
    """Make one sentence of what is wrong with arguments."""
    try:
        yield
    except ConfigError as error:
        raise WrongArgumentError("\n".join(map(str, error.problems))) from None


def _told_apart(words: tuple[str, ...]) -> tuple[Path | None, str | None]:
    """Tell the file from the call: a file is there, or has a file's suffix."""
    files = [one for one in words if Path(one).suffix in _SUFFIXES or is_file(one)]
    names = [one for one in words if one not in files]
    if len(files) > 1 or len(names) > 1:
        raise WrongArgumentError("give one file and one call at the most")
    return (Path(files[0]) if files else None), (names[0] if names else None)


def _open(file: Path | None) -> PastCalls:
    places = places_of(file)
    return PastCalls(places.call_log, places.recordings)


def _search(arguments: Arguments) -> Search:
    fields: dict[str, Any] = {
        name: value for name, value in arguments.filters.items() if value is not None
    }
    now = time.time()
    for option in ("since", "until"):
        text: str | None = getattr(arguments, option)
        if text is not None:
            try:
                moment = parse_moment(text, now)
            except ValueError as error:
                raise WrongArgumentError(f"--{option} {text!r:.40}: {error}") from None
            fields[option] = moment.begin if option == "since" else moment.end
    try:
        return Search.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        words = sentence(found, (f"--{found['loc'][0]}",), secret=False)
        raise WrongArgumentError(words) from None
