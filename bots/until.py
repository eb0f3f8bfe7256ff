"""What ends a playback early."""

import asyncio
from collections.abc import Awaitable
from typing import Any

#: An event, or something else that can be awaited; None: nothing but its own end.
Until = asyncio.Event | Awaitable[Any] | None


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
