"""Stopping children and waiting until they are gone."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from .ref import AsyncioActorRef

log = logging.getLogger(__name__)


async def farewell(children: Iterable[AsyncioActorRef[Any]], seconds: float) -> None:
    """Stop actors side by side, and return when they and their tasks are gone.

    Only for an actor's own end: its children tell it things by then, and ask nothing.

    Args:
        children: the actors.
        seconds: after that many, those that are still there are killed.
    """
    refs = list(children)
    for ref in refs:
        ref.stop(block=False)
    try:
        async with asyncio.timeout(seconds):
            for ref in refs:
                await ref.ended
    except TimeoutError:
        for ref in refs:
            if ref.is_alive():
                log.warning("%s did not stop within %.0f s and is killed", ref, seconds)
                ref.kill()
