"""Talking in a call: WHIP (RFC 9725)."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..actors.messages.call import GuestKind
from . import page_media
from .credentials import Visitor
from .visitor_role import VisitorRole
from .visitors import at_least

router = APIRouter(tags=["media"])


@router.post(
    "/api/calls/{call:path}/talk",
    status_code=201,
    response_class=Response,
    responses=page_media.ANSWERED,
    openapi_extra=page_media.OFFERED,
)
async def talk(
    call: str,
    request: Request,
    visitor: Annotated[Visitor, Depends(at_least(VisitorRole.TALK))],
    how: Literal["join", "take-over"] = "join",
    account: str | None = None,
) -> Response:
    """Be heard by a call's peer, beside the bot or in its place.

    The offer is to send audio, and video too when taking over: it is added to the call if the peer
    accepts. One person talks in a call at a time. When the session ends, or nothing comes for four
    seconds, the bot is heard again.
    """
    return await page_media.answer(request, call, account, GuestKind(how), visitor)
