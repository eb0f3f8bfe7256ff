"""Queries to STUN and TURN servers: all at once, and none for long."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ...errors import NetworkError
from .network import Network
from .reachability import AGAIN, Reachability
from .server import IceServer

logger = logging.getLogger(__name__)

T = TypeVar("T")
Query = tuple[IceServer, Callable[[], Coroutine[Any, Any, T]]]
"""A server, and what asks it."""


async def ask(
    queries: Sequence[Query[T]], network: Network, timeout: float, unwanted: Callable[[T], Any]
) -> tuple[list[T], str]:
    """Ask all servers at once, except those that have not answered lately.

    A problem is logged once, with the account's name, until the server answers again.

    Args:
        queries: The servers, each with the query for it.
        network: Whose query it is. If it allows only relays, all servers are asked, for longer.
        timeout: Seconds that a server has at most.
        unwanted: If we are cancelled, awaited with each answer that nobody takes.

    Returns:
        The answers that came in time, and why others did not.
    """
    known = Reachability.running()
    waited = {server: _patience(known, server, network, timeout) for server, _ in queries}
    tasks = [
        (server, asyncio.create_task(_within(waited[server], query)))
        for server, query in queries
        if waited[server]
    ]
    await _done([task for _, task in tasks], unwanted)
    reasons: list[str] = []
    for server, patience in waited.items():
        mine = [task for asked, task in tasks if asked is server]
        found = _judge(known, server, mine, patience)
        if found is None:
            continue
        kind, why = found
        reasons.append(why)
        if known.is_news(server, network.account, kind):
            logger.warning("%s: %s", network.account or "a call", why)
    return [task.result() for _, task in tasks if task.exception() is None], "; ".join(reasons)


async def _done(tasks: list[asyncio.Task[T]], unwanted: Callable[[T], Any]) -> None:
    """Wait for tasks. If we are cancelled, cancel them and wait for their end."""
    if not tasks:
        return
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and task.exception() is None:
                await unwanted(task.result())
        raise


def _patience(known: Reachability, server: IceServer, network: Network, timeout: float) -> float:
    """Return how many seconds a server gets; 0 if it is not asked."""
    patience = known.patience(server)
    if not network.relay_only:
        return min(timeout, patience or 0.0)
    if patience is None:  # without an answer there is no call
        return min(timeout, AGAIN)
    return timeout if patience > AGAIN else patience


def _judge(
    known: Reachability, server: IceServer, tasks: list[asyncio.Task[Any]], patience: float
) -> tuple[str, str] | None:
    """Note whether a server has answered; return why it can't be used, in a word and in full."""
    if not tasks:
        return "silent", f"{server.url} is left out for a while, since it did not answer"
    errors = [task.exception() for task in tasks]
    if not all(errors):
        known.answered(server)
        return None
    if not any(isinstance(error, TimeoutError) for error in errors):
        why = "; ".join(dict.fromkeys(str(error) or repr(error) for error in errors))
        return why, why
    lasts = known.silent(server)
    return "silent", (
        f"{server.url} did not answer within {patience:g} s, and is left out for {lasts:.0f} s: "
        "see that it runs and that this machine may reach its port, or let nobody name it "
        "(`media.stun`, the XMPP server's external services)"
    )


async def _within(seconds: float, query: Callable[[], Coroutine[Any, Any, T]]) -> T:
    async with asyncio.timeout(seconds):
        try:
            return await query()
        except TimeoutError as error:  # the system's own, of a TCP connection
            raise NetworkError(str(error)) from None
