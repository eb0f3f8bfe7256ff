"""A Prosody beside the test, for commands that are told of a server."""

import asyncio
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path

from callboard.server import Prosody


@contextmanager
def serving(
    accounts: Mapping[str, str], services: Iterable[Mapping[str, object]] = ()
) -> Iterator[tuple[int, Path]]:
    """Run a server on a loop of its own; give its port and the certificate to trust."""
    where: Future[tuple[int, Path]] = Future()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        try:
            async with Prosody(accounts, services=services) as prosody:
                where.set_result((prosody.port, prosody.certificate))
                await over.wait()
        except BaseException as error:
            if not where.done():
                where.set_exception(error)
            raise

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        yield where.result()
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@contextmanager
def forwarding(port: int, to: int) -> Iterator[None]:
    """Let connections to one port reach another one, as if the server had begun just now."""
    stopping = socket.create_server(("127.0.0.1", port))
    threads: list[threading.Thread] = []
    sockets: list[socket.socket] = [stopping]

    def copy(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                came, _ = stopping.accept()
                server = socket.create_connection(("127.0.0.1", to))
                sockets.extend((came, server))
                for pair in ((came, server), (server, came)):
                    threads.append(threading.Thread(target=copy, args=pair))
                    threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield
    finally:
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        accepting.join()
        for thread in threads:
            thread.join()
        for one in sockets:
            one.close()
