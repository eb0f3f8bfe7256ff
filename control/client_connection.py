"""One client of the control socket."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from . import protocol
from .commands.handler import Handler, Served
from .commands.validation import QUOTED, validated
from .models.base import Result
from .problem import ControlError, ProblemKind
from .protocol import LONGEST_ID, LONGEST_LINE, PROTOCOL, RequestId

log = logging.getLogger(__name__)

#: Requests of one client that may go on at once.
MOST_REQUESTS = 32
#: Octets that may wait for a client to read them; then it is dropped.
MOST_WAITING = 8 << 20
#: Octets that may wait before no more of its lines are read.
HIGH_WATER = 256 * 1024
#: Seconds that a client which reads nothing may keep an answer waiting.
STALL = 30.0
#: Seconds that the last answers have to be read when a client goes.
GOODBYE = 1.0
#: Lines a second that are read of one client, and how many at once.
RATE, BURST = 100.0, 200

_CANCELLED = ControlError(ProblemKind.CANCELLED, "the request was cancelled")
_BUG = ControlError(ProblemKind.BUG, "this is a bug in Callboard: see its log")


class ClientConnection:
    """One client: reads its lines, runs what it asks for, and writes the answers.

    What it has asked for is cancelled when it leaves.

    Args:
        reader: what it sends.
        writer: what it is told.
        instance: what runs.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        instance: Served,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._commands: Mapping[str, Handler] = {}
        self._instance = instance
        self._requests: dict[RequestId, asyncio.Task[None]] = {}
        self._allowance = float(BURST)
        self._counted = asyncio.get_running_loop().time()
        writer.transport.set_write_buffer_limits(high=HIGH_WATER)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is done for it now."""
        return not self._requests

    async def run(self, commands: Mapping[str, Handler]) -> None:
        """Serve it until it leaves, or must go.

        Args:
            commands: what can be asked for.
        """
        self._commands = commands
        try:
            self._write(protocol.greeting())
            while line := await self._next_line():
                self._take(line)
                await self._breathe()
        except (OSError, TimeoutError):
            pass  # it has left, or does not read
        finally:
            await self._end()

    async def _end(self) -> None:
        tasks = list(self._requests.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._writer.close()
        try:
            async with asyncio.timeout(GOODBYE):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self.drop()

    def drop(self) -> None:
        """Let it go at once, with what it has not read."""
        self._writer.transport.abort()

    def refuse(self, why: str) -> None:
        """Say why it is not served, and let it go."""
        self._write(protocol.error(None, ControlError(ProblemKind.TOO_MUCH, why)))
        self._writer.close()

    async def _next_line(self) -> bytes:
        """Return the next line; nothing when it has left, or sends what has no end."""
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            problem = ControlError(
                ProblemKind.BAD_REQUEST, f"the line is longer than {LONGEST_LINE} octets"
            )
            self._write(protocol.error(None, problem))
            return b""

    async def _breathe(self) -> None:
        """Let others have their turn, and wait while it reads too little or asks too often."""
        async with asyncio.timeout(STALL):
            await self._writer.drain()
        now = asyncio.get_running_loop().time()
        self._allowance = min(float(BURST), self._allowance + (now - self._counted) * RATE) - 1
        self._counted = now
        await asyncio.sleep(max(0.0, -self._allowance / RATE))

    # -- what it asks for --------------------------------------------------------------------------

    def _take(self, line: bytes) -> None:
        identifier: RequestId | None = None
        try:
            fields = _fields(line)
            identifier = _identifier(fields)
            self._begin(identifier, fields)
        except ControlError as problem:
            self._write(protocol.error(identifier, problem))

    def _begin(self, identifier: RequestId, fields: dict[str, Any]) -> None:
        if identifier in self._requests:
            raise ControlError(
                ProblemKind.BAD_REQUEST, "a request of this id goes on: give another id"
            )
        version = fields.pop("protocol", PROTOCOL)
        if version != PROTOCOL or isinstance(version, bool):
            raise ControlError(
                ProblemKind.WRONG_PROTOCOL,
                f"this Callboard speaks protocol {PROTOCOL}: use a client of the same version",
            )
        name = fields.pop("command", None)
        if name == "cancel":
            self._cancel(identifier, fields)
            return
        handler = self._commands.get(name) if isinstance(name, str) else None
        if handler is None:
            known = ", ".join(sorted((*self._commands, "cancel")))
            raise ControlError(
                ProblemKind.UNKNOWN_COMMAND, f"{_quoted(name)} is no command: give one of {known}"
            )
        command = validated(handler.command, fields)
        if len(self._requests) >= MOST_REQUESTS:
            raise ControlError(
                ProblemKind.TOO_MUCH,
                f"{MOST_REQUESTS} requests of this connection go on: wait for one to end",
            )
        work = self._run(identifier, handler, command)
        self._requests[identifier] = asyncio.create_task(work, name=f"control {name}")

    def _cancel(self, identifier: RequestId, fields: dict[str, Any]) -> None:
        task = self._requests.get(_identifier(fields, "of"))
        if task is not None:
            task.cancel()
        self._write(protocol.result(identifier, Result()))

    async def _run(self, identifier: RequestId, handler: Handler, command: Any) -> None:
        tell = partial(self._tell, identifier)
        try:
            line = protocol.result(identifier, await handler.handle(command, self._instance, tell))
        except ControlError as problem:
            line = protocol.error(identifier, problem)
        except asyncio.CancelledError:
            self._answer(identifier, protocol.error(identifier, _CANCELLED))
            raise
        except Exception:
            log.exception("the control command %s failed", handler.command.name)
            line = protocol.error(identifier, _BUG)
        self._answer(identifier, line)

    def _answer(self, identifier: RequestId, line: bytes) -> None:
        self._requests.pop(identifier, None)
        self._write(line)

    # -- what it is told ---------------------------------------------------------------------------

    def _tell(self, identifier: RequestId, *told: BaseModel | bytes) -> None:
        lines = (one if isinstance(one, bytes) else to_json(one) for one in told)
        self._write(b"".join(protocol.event(identifier, line) for line in lines))

    def _write(self, line: bytes) -> None:
        if self._writer.transport.is_closing():
            return
        self._writer.write(line)
        if self._writer.transport.get_write_buffer_size() > MOST_WAITING:
            log.warning("a client of the control socket was dropped: it does not read")
            self.drop()


def _fields(line: bytes) -> dict[str, Any]:
    try:
        return protocol.read_line(line)
    except ValueError as error:
        raise ControlError(
            ProblemKind.BAD_REQUEST, f"the line can't be read: {error}: send one JSON object a line"
        ) from None


def _identifier(fields: dict[str, Any], name: str = "id") -> RequestId:
    found = fields.pop(name, None)
    if isinstance(found, bool) or not isinstance(found, str | int) or len(str(found)) > LONGEST_ID:
        raise ControlError(
            ProblemKind.BAD_REQUEST,
            f"{name}: give a number, or a text of up to {LONGEST_ID} characters",
        )
    return found


def _quoted(name: object) -> str:
    text = repr(name)
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
