"""What ends a playback early."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, get_args

from ..actors.messages.call import Cue

#: What the peer does, an event, or something else that can be awaited; None: its own end alone.
Until = Cue | asyncio.Event | Awaitable[Any] | None

CUES: tuple[Cue, ...] = get_args(Cue)


def split(until: Until) -> tuple[Cue | None, asyncio.Event | Awaitable[Any] | None]:
    """Tell what the call itself notices from what is awaited.

    Args:
        until: any of these.
    """
    if isinstance(until, str):
        return until, None
    return None, until


async def comes(until: asyncio.Event | Awaitable[Any]) -> None:
    """Wait for it. To cancel this cancels a coroutine, but no task or future of a bot's.

    Args:
        until: what is waited for.
    """
    if isinstance(until, asyncio.Event):
        await until.wait()
    elif isinstance(until, asyncio.Future):
        await asyncio.wait({until})
        if not until.cancelled():
            until.result()
    else:
        await until


async def first_of(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Wait for the first of several, and cancel the others.

    Args:
        coroutines: what is waited for; what the first one raises is raised.
    """
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
