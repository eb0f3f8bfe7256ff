"""Talking in a call: WHIP (RFC 9725)."""

import re
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..actors.messages.account import FindCall
from ..actors.messages.call import GuestKind, Hangup
from ..config.jid import bare
from ..control.commands.finding import HANDLED, find_account
from ..control.instance.instance import Instance
from ..control.models.calls import CallResult
from . import page_media
from .commands import carry_out
from .credentials import Visitor
from .problem_details import Refusal
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


@router.post(
    "/api/accounts/{account}/talk",
    status_code=201,
    response_class=Response,
    responses=page_media.ANSWERED,
    openapi_extra=page_media.OFFERED,
)
async def call_somebody(
    account: str,
    to: str,
    request: Request,
    visitor: Annotated[Visitor, Depends(at_least(VisitorRole.TALK))],
    record: bool = False,
) -> Response:
    """Call somebody as an account, with the page's own microphone and camera.

    The offer is to send audio, and video for a video call. The answer names the call as a ``Link``
    with ``rel="related"``: what comes in is listened to there. The call ends with the session.
    """
    instance: Instance = request.app.state.instance
    offer = await page_media.offer_of(request)
    wanted = {
        "account": account,
        "to": to,
        "audio": "silence",
        "video": "silence" if re.search(r"(?m)^m=video ", offer) else "none",
        "record": record,
        "seconds": None,
        "detach": True,
    }
    placed: CallResult = await carry_out(request, "call", wanted)
    caller = await find_account(instance, placed.account)
    ref = await caller.request(FindCall(bare(placed.peer), placed.id), timeout=HANDLED)
    if ref is None:
        raise Refusal(409, f"{placed.peer} can't be called: see the history")
    order = page_media.order_of(request, GuestKind.TAKE_OVER, offer, visitor, ends_call=True)
    try:
        response = await page_media.let_in(request, ref, order)
    except BaseException:
        ref.post(Hangup())
        raise
    response.headers.append("Link", f'</api/calls/{quote(placed.id)}>; rel="related"')
    return response
