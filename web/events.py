"""What happens, and what is logged, as server-sent events (WHATWG HTML §9.2)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from sse_starlette import EventSourceResponse

from ..control.models.base import MOST_KEPT
from .credentials import Visitor
from .event_feed import MOST_READERS, EventFeed
from .problem_details import ProblemDetails, Refusal
from .visitor_role import VisitorRole
from .visitors import Known, Visitors, at_least

#: Seconds between two signs of life, for proxies.
PING = 15

_EVENTS = (
    "Each event has an id, its name as `event`, and as `data` the JSON that `callboard events` "
    "prints. `gap` says that some are missing: ask anew for what you show. "
    "`stopped` is the last one of an instance that ends in order."
)
_LOGS = "Each line of the log is an event `Log`, with the JSON that `callboard logs --json` prints."

router = APIRouter(tags=["events"])


class EventStream(EventSourceResponse):
    """A stream that ends with the board.

    The library would look for the end of uvicorn's in a task that it never ends (its
    `_shutdown_watcher`); the board ends its streams itself.
    """

    @staticmethod
    async def _listen_for_exit_signal() -> None:
        await asyncio.Event().wait()


@router.get(
    "/api/events",
    summary="Follow what happens",
    response_class=EventStream,
    dependencies=[Depends(at_least(VisitorRole.VIEW))],
    responses={
        200: {"content": {"text/event-stream": {}}, "description": _EVENTS},
        "default": {"model": ProblemDetails},
    },
)
async def events(request: Request, visitor: Known) -> EventStream:
    """Follow what happens from now on, or since the event that ``Last-Event-ID`` names."""
    return _stream(request, visitor, request.app.state.feed)


@router.get(
    "/api/logs",
    summary="Follow the log",
    response_class=EventStream,
    dependencies=[Depends(at_least(VisitorRole.CONTROL))],
    responses={
        200: {"content": {"text/event-stream": {}}, "description": _LOGS},
        "default": {"model": ProblemDetails},
    },
)
async def logs(
    request: Request, visitor: Known, last: Annotated[int, Query(ge=0, le=MOST_KEPT)] = 100
) -> EventStream:
    """Follow the log: first the last lines, or those since the one that ``Last-Event-ID`` names."""
    return _stream(request, visitor, request.app.state.log_feed, last)


def _stream(request: Request, visitor: Visitor, feed: EventFeed, back: int = 0) -> EventStream:
    """Answer with a feed.

    Raises:
        Refusal: too many of this role follow it already; others still may.
    """
    visitors: Visitors = request.app.state.visitors
    role = visitor.role
    if feed.readers[role] >= MOST_READERS:
        words = f"{MOST_READERS} with the role {role.word} follow already: try again later"
        raise Refusal(503, words, {"Retry-After": "10"})

    async def follow() -> AsyncIterator[bytes]:
        feed.readers[role] += 1
        try:
            async for octets in feed.follow(request.headers.get("last-event-id"), back):
                if not visitors.still_knows(visitor):
                    return
                yield octets
        finally:
            feed.readers[role] -= 1

    return EventStream(follow(), ping=PING)
