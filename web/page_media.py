"""What WHEP and WHIP have in common: a page's offer in, an answer out, and the end."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ..actors.messages.call import AdmitGuest, CallRef, GuestKind
from ..config.web import WebSettings
from ..control.commands.finding import find_call
from .credentials import Visitor
from .page_network import ice_servers, page_network
from .page_sessions import PageSessions
from .problem_details import Refusal
from .visitor_role import VisitorRole
from .visitors import at_least, name_of, visitor_of

#: The content type of a session description (RFC 8866 §8.1).
SDP = "application/sdp"

#: What OpenAPI says of a request with an offer.
OFFERED = {"requestBody": {"required": True, "content": {SDP: {"schema": {"type": "string"}}}}}
#: And of the answers.
ANSWERED: dict[int | str, dict[str, Any]] = {
    201: {"description": "The answer, with all candidates", "content": {SDP: {}}}
}


async def answer(
    request: Request, call: str, account: str | None, kind: GuestKind, visitor: Visitor
) -> Response:
    """Let a page into a call that goes on.

    Args:
        request: its body is the page's offer.
        call: the call's id, or how it begins.
        account: whose call it is, if two accounts have it.
        kind: what the page is to do there.
        visitor: who it is.

    Returns:
        201 with the answer, and the session's address as ``Location``.

    Raises:
        ControlError: there is no such call.
        Refusal: the offer can't be used, or the page can't be let in.
    """
    offer = await offer_of(request)
    _, ref = await find_call(request.app.state.instance, call, account)
    return await let_in(request, ref, order_of(request, kind, offer, visitor))


async def let_in(request: Request, call: CallRef, order: AdmitGuest) -> Response:
    """Let a page into a call.

    Args:
        request: the page's.
        call: the call.
        order: what the page is to do there.

    Raises:
        Refusal: it can't be let in, or whoever has sent it is not known any more.
    """
    sessions: PageSessions = request.app.state.sessions
    web: WebSettings = request.app.state.settings
    session, sdp = await sessions.open(call, order)
    try:
        await visitor_of(request)
    except Refusal:
        sessions.end(session)
        raise
    headers = {"Location": f"/api/media/{session}", **ice_servers(web.media.relay)}
    return Response(sdp, 201, headers, SDP)


def order_of(
    request: Request, kind: GuestKind, offer: str, visitor: Visitor, *, ends_call: bool = False
) -> AdmitGuest:
    """Say what a page is to do in a call.

    Args:
        request: the page's.
        kind: what it is to do.
        offer: its offer.
        visitor: who it is.
        ends_call: whether the call ends when the page leaves.
    """
    state = request.app.state
    network = page_network(state.settings, state.instance.settings)
    return AdmitGuest(kind, offer, name_of(visitor), visitor.role.word, network, ends_call)


async def offer_of(request: Request) -> str:
    """Read a page's offer.

    Raises:
        Refusal: there is none.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != SDP:
        raise Refusal(415, f"the body is no offer: send it with Content-Type: {SDP}")
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "the offer is not UTF-8") from None


class Relay(BaseModel):
    """A TURN server, as browsers take it (W3C webrtc, ``RTCIceServer``).

    Attributes:
        urls: the server (RFC 7065).
        username: the user's name there; "": none is needed.
        credential: the user's password.
    """

    model_config = ConfigDict(frozen=True)

    urls: str
    username: str
    credential: str = Field(repr=False)


class PageNetwork(BaseModel):
    """How a page's connections reach the board.

    Attributes:
        relay: a TURN server that may be used; None: there is none.
        only: whether it must be.
    """

    model_config = ConfigDict(frozen=True)

    relay: Relay | None
    only: bool


router = APIRouter(tags=["media"])


@router.get("/api/media", dependencies=[Depends(at_least(VisitorRole.LISTEN))])
async def network(request: Request) -> PageNetwork:
    """Tell how a page's connections reach the board, as ``web: media:`` in the file says."""
    web: WebSettings = request.app.state.settings
    relay = web.media.relay
    if relay is None:
        return PageNetwork(relay=None, only=False)
    secret = relay.password.get_secret_value()
    server = Relay(urls=relay.url, username=relay.user, credential=secret)
    return PageNetwork(relay=server, only=relay.only)


@router.delete(
    "/api/media/{session}", status_code=204, dependencies=[Depends(at_least(VisitorRole.LISTEN))]
)
async def leave(session: str, request: Request) -> None:
    """Listen or talk no more.

    Candidates can't be trickled: the answer has all of ours, and the page's are learned from its
    checks. So there is no PATCH.
    """
    sessions: PageSessions = request.app.state.sessions
    sessions.end(session)
