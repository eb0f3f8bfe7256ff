"""Listening to a call: WHEP (draft-ietf-wish-whep), a resource for each direction."""

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
    "/api/calls/{call:path}/listen/{direction}",
    status_code=201,
    response_class=Response,
    responses=page_media.ANSWERED,
    openapi_extra=page_media.OFFERED,
)
async def listen(
    call: str,
    direction: Literal["received", "sent"],
    request: Request,
    visitor: Annotated[Visitor, Depends(at_least(VisitorRole.LISTEN))],
    account: str | None = None,
) -> Response:
    """Hear and see what a call receives, or what it sends.

    The offer is to receive one audio and one video at the most. Only what the call has is answered,
    in its own codecs: nothing is transcoded, and the peer is told nothing.
    """
    return await page_media.answer(request, call, account, GuestKind(direction), visitor)
