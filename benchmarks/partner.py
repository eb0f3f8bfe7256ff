"""A second process of a trial: told what to do, line by line, while the first one is measured."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from callboard.benchmarks.trial import TrialError

#: Bytes of the longest line.
LIMIT = 2**20

Ask = Callable[[dict[str, Any]], Awaitable[Any]]


@asynccontextmanager
async def partner(function: Callable[..., Any], **arguments: Any) -> AsyncIterator[Ask]:
    """Run a trial that waits to be told.

    Args:
        function: the trial, which calls `serve`.
        arguments: what it is given; anything that JSON has.

    Yields:
        tells it something, and returns what it answers.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, sys.modules[function.__module__].__file__ or ""),
        *("--trial", function.__name__, "--arguments", json.dumps(arguments)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LIMIT,
    )

    async def ask(message: dict[str, Any]) -> Any:
        if process.stdin is None or process.stdout is None:
            raise TrialError("the partner has no pipes")
        process.stdin.write(json.dumps(message).encode() + b"\n")
        line = await process.stdout.readline()
        if not line:
            raise TrialError("the partner has ended")
        return json.loads(line)

    try:
        yield ask
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(20):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def serve(handle: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
    """Answer what the other process tells, until it says no more.

    Args:
        handle: given a message; returns the answer.
    """
    reader = asyncio.StreamReader(limit=LIMIT)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        sys.stdout.write(json.dumps(await handle(json.loads(line))) + "\n")
        sys.stdout.flush()
    transport.close()
