"""The path between a program and its server, which a test can stall and cut."""

import asyncio
from contextlib import suppress
from types import TracebackType

from callboard.tests.live.loopback_server import LoopbackServer


class Path(LoopbackServer):
    """A TCP proxy on loopback.

    Args:
        host, port: the server behind it.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._stalled: set[asyncio.StreamWriter] = set()
        self._ways: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, trace)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        behind, to_server = await asyncio.open_connection(*self._to)
        self._ways.append((to_server, writer))
        with suppress(OSError):
            await asyncio.gather(self._carry(reader, to_server), self._carry(behind, writer))
        for each in (writer, to_server):
            each.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if writer not in self._stalled:
                writer.write(data)
        writer.close()

    def stall(self, *, back: bool) -> None:
        """Carry nothing more on the connections that there are, as if what is sent got lost.

        Args:
            back: also what the server sends.
        """
        for to_server, to_program in self._ways:
            self._stalled |= {to_server, *([to_program] if back else [])}

    def cut(self) -> None:
        """Drop the connections that there are."""
        ways, self._ways = self._ways, []
        for each in (one for way in ways for one in way):
            each.transport.abort()
