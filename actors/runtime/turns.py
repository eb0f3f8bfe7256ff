"""Turns of the loop: what happens at once has happened after some of them, however long."""

import asyncio
from collections.abc import Callable

__all__ = ["in_turns"]


def in_turns(count: int, then: Callable[[], object]) -> None:
    """Call a function after some turns of the running loop.

    A message takes one from actor to actor. A time would be too short on a busy machine, or too
    long on an idle one.

    Args:
        count: how many.
        then: what is called.
    """
    loop = asyncio.get_running_loop()
    if count:
        loop.call_soon(in_turns, count - 1, then)
    else:
        then()
