"""A Prosody beside the test, for commands that are told of a server."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from callboard.server import Prosody


@contextmanager
def serving(accounts: Mapping[str, str]) -> Iterator[tuple[int, Path]]:
    """Run a server on a loop of its own; give its port and the certificate to trust."""
    where: Future[tuple[int, Path]] = Future()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        try:
            async with Prosody(accounts) as prosody:
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
