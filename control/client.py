"""What talks to a running instance: for commands, tests and programs."""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from . import protocol
from .address import sockets_in, sockets_of
from .models.base import Command, Result
from .problem import ControlError, NoInstanceError, ProblemKind
from .protocol import PROTOCOL

A = TypeVar("A", bound=Result)

#: Octets of a line that comes back at the most: a status of very many accounts.
LONGEST_ANSWER = 64 << 20
#: Seconds in which an instance says who it is.
PATIENCE = 10.0
#: Events of one request that may wait to be read here.
MOST_EVENTS = 10_000


class Client:
    """A connection to a running instance.

    Example:
        >>> async with Client.connected(Client.find(Path("accounts.yaml"))) as client:
        ...     status = await client.ask(StatusCommand())

    Attributes:
        version: of the Callboard that runs.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to talk; use `connected`."""
        self.version = ""
        self._reader = reader
        self._writer = writer
        self._last = 0
        self._waiting: dict[int, asyncio.Queue[dict[str, Any] | None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._lost = ""

    @staticmethod
    def find(file: Path | None = None, *, folder: Path = Path()) -> Path:
        """Return the socket of a running instance. It blocks for a moment.

        Args:
            file: what it runs; None looks for one that runs a file of the folder.
            folder: the folder.

        Raises:
            NoInstanceError: none runs, or several do.
        """
        if file is not None:
            found = [one for one in sockets_of(file) if one.exists()]
            if not found and not file.exists():
                raise NoInstanceError(
                    f"nothing runs {file}, and there is no such file: check the name"
                )
            return _only(found, str(file))
        return _only(sockets_in(folder), f"a file in {folder.resolve()}")

    @classmethod
    @asynccontextmanager
    async def connected(cls, path: Path) -> AsyncIterator[Self]:
        """Connect to the instance at a socket, and leave it with the block.

        What was asked for with this client and still goes on is cancelled then.

        Raises:
            NoInstanceError: nothing answers there, or another version of Callboard does.
        """
        client = await cls._connect(path)
        try:
            yield client
        finally:
            await client.close()

    @classmethod
    async def _connect(cls, path: Path) -> Self:
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_ANSWER)
        except OSError as error:
            raise NoInstanceError(_why_not(path, error)) from None
        client = cls(reader, writer)
        try:
            async with asyncio.timeout(PATIENCE):
                client._greeted(await reader.readline(), path)
        except (OSError, TimeoutError):
            writer.close()
            raise NoInstanceError(f"{path}: what runs there does not answer") from None
        except BaseException:
            writer.close()
            raise
        client._reading = asyncio.create_task(client._read(), name="control answers")
        return client

    def _greeted(self, line: bytes, path: Path) -> None:
        try:
            said = protocol.read_line(line)
        except ValueError:
            raise NoInstanceError(f"{path}: what runs there is no Callboard") from None
        if "error" in said:
            raise NoInstanceError(f"{path}: {_problem(said).detail}")
        if said.get("protocol") != PROTOCOL:
            raise NoInstanceError(
                f"{path}: Callboard {said.get('callboard')} runs there, which speaks protocol "
                f"{said.get('protocol')}, and this one speaks {PROTOCOL}: use the same version"
            )
        self.version = str(said.get("callboard"))

    async def close(self) -> None:
        """Leave; what goes on for this client is cancelled."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def ask(self, command: Command[A]) -> A:
        """Give a command, and return its answer; events before it are left out.

        Raises:
            ControlError: it was refused.
            NoInstanceError: the instance has ended, or the connection has.
        """
        async with self._asked(command) as lines:
            while True:
                line = await self._next(lines)
                if "event" not in line:
                    return self._answer(command, line)

    async def follow(self, command: Command[A]) -> AsyncGenerator[dict[str, Any] | A, None]:
        """Give a command, and iterate over its events; its answer comes last.

        Raises:
            ControlError: it was refused, or failed.
            NoInstanceError: the instance has ended, or the connection has.
        """
        async with self._asked(command) as lines:
            while True:
                line = await self._next(lines)
                if "event" not in line:
                    yield self._answer(command, line)
                    return
                yield line["event"]

    async def ended(self) -> None:
        """Wait until the instance has ended, or the connection has."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    @asynccontextmanager
    async def _asked(
        self, command: Command[Any]
    ) -> AsyncIterator["asyncio.Queue[dict[str, Any] | None]"]:
        if self._lost:
            raise NoInstanceError(self._lost)
        self._last += 1
        number = self._last
        lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(MOST_EVENTS)
        self._waiting[number] = lines
        try:
            self._writer.write(protocol.request(number, command))
            await self._writer.drain()
            yield lines
        except OSError:
            raise NoInstanceError(_ENDED) from None
        finally:
            if self._waiting.pop(number, None) is not None and not self._lost:
                self._writer.write(protocol.cancellation(self._last + 1, number))
                self._last += 1

    async def _next(self, lines: "asyncio.Queue[dict[str, Any] | None]") -> dict[str, Any]:
        line = await lines.get()
        if line is None:
            raise NoInstanceError(self._lost)
        return line

    def _answer(self, command: Command[A], line: dict[str, Any]) -> A:
        if "error" in line:
            raise _problem(line)
        return cast(A, command.result.model_validate(line["result"]))

    async def _read(self) -> None:
        """Hand each line to who asked for it."""
        try:
            while line := await self._reader.readline():
                found = protocol.read_line(line)
                lines = self._waiting.get(found.get("id", 0))
                if lines is not None:
                    if "event" not in found:
                        self._waiting.pop(found["id"])
                    await lines.put(found)
            self._lost = _ENDED
        except (OSError, ValueError) as error:
            self._lost = f"the connection to the instance failed: {error}"
        finally:
            self._lost = self._lost or "the connection is closed"
            for lines in self._waiting.values():
                if lines.full():
                    lines.get_nowait()
                lines.put_nowait(None)


_ENDED = "the instance has ended, or has dropped the connection"


def _only(found: list[Path], what: str) -> Path:
    alive = [one for one in found if _is_ours(one)]
    if len(alive) > 1:
        alive = [one for one in alive if _is_served(one)] or alive[:1]
    if len(alive) > 1:
        shown = ", ".join(map(str, alive))
        raise NoInstanceError(f"several instances run {what}: choose one with --socket: {shown}")
    if alive or found:
        return (alive or found)[0]
    raise NoInstanceError(f"nothing runs {what}: start it with callboard run, or give --socket")


def _is_ours(path: Path) -> bool:
    """Tell whether a socket is of this user, or root's: another one could play the instance."""
    with suppress(OSError):
        found = path.lstat()
        is_trusted = os.getuid() == 0 or found.st_uid in (0, os.getuid())
        return stat.S_ISSOCK(found.st_mode) and is_trusted
    return False


def _is_socket(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISSOCK(path.stat().st_mode)
    return True


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trial:
        trial.setblocking(False)
        return trial.connect_ex(os.fsencode(path)) not in (errno.ECONNREFUSED, errno.ENOENT)


def _why_not(path: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return f"nothing runs at {path}: start it with callboard run"
        case errno.ECONNREFUSED if not _is_socket(path):
            return f"{path} is no socket: give the one that callboard run has"
        case errno.ECONNREFUSED:
            return (
                f"nothing runs at {path} any more: the instance was killed. callboard run replaces "
                "the socket"
            )
        case errno.EACCES | errno.EPERM:
            return f"{path} belongs to another user: run this command as that user"
        case _:
            return f"{path}: {error.strerror or error}"


def _problem(line: dict[str, Any]) -> ControlError:
    said = line["error"] if isinstance(line["error"], dict) else {}
    try:
        kind = ProblemKind(said.get("type", ""))
    except ValueError:
        kind = ProblemKind.BUG
    return ControlError(kind, str(said.get("detail", "")))
