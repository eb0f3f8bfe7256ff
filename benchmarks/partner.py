"""A second process of a trial: told what to do, line by line, while the first one is measured.

In a smoke run it is a task of the first one.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from typing import Any

from callboard.benchmarks.trial import Trial, TrialError
from callboard.benchmarks.usage import here

#: Bytes of the longest line.
LIMIT = 2**20

Ask = Callable[[dict[str, Any]], Awaitable[Any]]

#: What a partner in this process is told, and what it answers; an empty line is the end.
lines: ContextVar[tuple[asyncio.Queue[str], asyncio.Queue[str]]] = ContextVar("lines")


@asynccontextmanager
async def partner(function: Trial, **arguments: Any) -> AsyncIterator[Ask]:
    """Run a trial that waits to be told.

    Args:
        function: the trial, which calls `serve`.
        arguments: what it is given; anything that JSON has.

    Yields:
        tells it something, and returns what it answers.
    """
    start = _beside if here.get() else _apart
    async with start(function, arguments) as ask:
        yield ask


@asynccontextmanager
async def _apart(function: Trial, arguments: dict[str, Any]) -> AsyncIterator[Ask]:
    """Run it in a process of its own."""
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
        return _answer(await process.stdout.readline())

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


@asynccontextmanager
async def _beside(function: Trial, arguments: dict[str, Any]) -> AsyncIterator[Ask]:
    """Run it in this process, where figures don't count."""
    told, answers = asyncio.Queue[str](), asyncio.Queue[str]()
    context = copy_context()
    context.run(lines.set, (told, answers))
    task = asyncio.create_task(function(**arguments), context=context)
    task.add_done_callback(lambda _: answers.put_nowait(""))

    async def ask(message: dict[str, Any]) -> Any:
        told.put_nowait(json.dumps(message))
        return _answer(await answers.get())

    try:
        yield ask
    finally:
        told.put_nowait("")
        await task


def _answer(line: str | bytes) -> Any:
    if not line:
        raise TrialError("the partner has ended")
    return json.loads(line)


async def serve(handle: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
    """Answer what the other one tells, until it says no more.

    Args:
        handle: given a message; returns the answer.
    """
    if here.get():
        told, answers = lines.get()
        while question := await told.get():
            answers.put_nowait(json.dumps(await handle(json.loads(question))))
        return
    reader = asyncio.StreamReader(limit=LIMIT)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        sys.stdout.write(json.dumps(await handle(json.loads(line))) + "\n")
        sys.stdout.flush()
    transport.close()
