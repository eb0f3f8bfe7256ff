"""A shard's process, as the run holds it."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable

from . import wire
from .messages import Assignment, FromShard, ShardEnded, ShardLost, ToShard

Hear = Callable[[int, FromShard], None]


class ShardProcess:
    """Starts a shard in a process of its own, and carries messages both ways.

    Args:
        hear: told each of the shard's messages with the shard's number, on the loop; `ShardLost`
            if the process ends without having said so.
    """

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self, assignment: Assignment) -> None:
        """Start the process and give it its assignment.

        Args:
            assignment: what the shard is there for.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", f"{__package__}.worker", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
        reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        self._listening = asyncio.create_task(self._listen(assignment.shard, reader))
        self.tell(assignment)

    def tell(self, message: ToShard) -> None:
        """Send the shard a message; nothing happens if it is gone."""
        if self._writer is not None and not self._writer.is_closing():
            wire.send(self._writer, message)

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def ended(self) -> None:
        """Return when the process has ended."""
        if self._listening is not None:
            await self._listening

    @property
    def pid(self) -> int:
        """The process id, or 0 before the start."""
        return 0 if self._process is None else self._process.pid

    async def _listen(self, shard: int, reader: asyncio.StreamReader) -> None:
        if self._process is None or self._writer is None:
            return
        ended = False
        try:
            while not ended:
                message = await wire.receive(reader)
                ended = isinstance(message, ShardEnded)
                if not ended:
                    self._hear(shard, message)
        except EOFError:
            pass
        finally:
            self._writer.close()
            status = await self._process.wait()
        self._hear(shard, ShardEnded() if ended else ShardLost(_words(status)))


def _words(status: int) -> str:
    if status >= 0:
        return f"its process ended with status {status}"
    try:
        return f"its process was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"its process was ended by signal {-status}"
