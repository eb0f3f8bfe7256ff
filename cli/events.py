"""``callboard events`` and ``callboard logs``."""

import asyncio
import errno
import json as json_lines
import os
import stat
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

from ..control import Client
from ..control.models.base import MOST_KEPT, Command
from ..control.models.events import EVENTS, EventsCommand, LogsCommand
from ..control.problem import NoInstanceError
from .running_instance import talk
from .views.sentences import Sentences


def events(
    file: Path | None,
    socket: Path | None,
    *,
    follow: bool,
    last: int,
    only: tuple[str, ...],
    json: bool,
) -> int:
    """Print what happens in a running instance.

    Args:
        file: what it runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        follow: go on with what comes.
        last: how many lines of those that were come first.
        only: which kinds; none: all.
        json: print lines of JSON.

    Returns:
        The exit status.
    """
    kept = last if json else MOST_KEPT  # some have no line
    command = EventsCommand(follow=follow, last=kept, only=only, mark=not json)
    return _follow(file, socket, command, last, json=json)


def logs(file: Path | None, socket: Path | None, *, follow: bool, last: int, json: bool) -> int:
    """Print what a running instance logs.

    Args:
        file: what it runs; None: a file of the current folder.
        socket: its control socket, if the file does not tell.
        follow: go on with what comes.
        last: how many of the lines that were come first.
        json: print lines of JSON.

    Returns:
        The exit status.
    """
    return _follow(file, socket, LogsCommand(follow=follow, last=last), None, json=json)


def _follow(
    file: Path | None, socket: Path | None, command: Command[Any], last: int | None, *, json: bool
) -> int:
    sentences = Sentences()

    def line(event: dict[str, Any]) -> str | None:
        return json_lines.dumps(event) if json else sentences.line(EVENTS.validate_python(event))

    async def ask(client: Client) -> int:
        with _read_by_somebody():
            return await tell(client)

    async def tell(client: Client) -> int:
        async with aclosing(_told(client, command)) as told:
            if not json and last is not None:
                _print(*await _last_lines(told, line, last))
            async for event in told:
                _print(line(event))
        return 0

    return talk(file, socket, ask)


async def _last_lines(
    told: AsyncGenerator[dict[str, Any], None],
    line: Callable[[dict[str, Any]], str | None],
    last: int,
) -> list[str]:
    """Return the last lines of what was told before now."""
    found: deque[str] = deque(maxlen=last)
    async for event in told:
        if event["event"] == "Now":
            break
        text = line(event)
        if text is not None:
            found.append(text)
    return list(found)


def _print(*lines: str | None) -> None:
    for line in lines:
        if line is not None:
            sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _read_by_somebody() -> Iterator[None]:
    """Raise `BrokenPipeError` as soon as standard output is a pipe that nobody reads any more.

    What is followed may be silent for hours, and nothing that is written would tell.
    """
    try:
        fd = os.dup(sys.stdout.fileno())  # an outlet gives up the other one when it fails
    except (AttributeError, OSError):
        yield  # who has replaced it sees to it
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    has_gone = False

    def end() -> None:
        nonlocal has_gone
        has_gone = True
        loop.remove_reader(fd)
        if task is not None:
            task.cancel()

    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            loop.add_reader(fd, end)  # its own end of a pipe has nothing else to tell
        yield
    except asyncio.CancelledError:
        if task is None or not has_gone or task.uncancel():
            raise
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
    finally:
        loop.remove_reader(fd)
        os.close(fd)


async def _told(client: Client, command: Command[Any]) -> AsyncGenerator[dict[str, Any], None]:
    """Give the events of a command, to its end or the instance's."""
    try:
        async for told in client.follow(command):
            if isinstance(told, dict):
                yield told
    except NoInstanceError:
        return
