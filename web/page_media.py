"""What WHEP and WHIP have in common: a page's offer in, an answer out, and the end."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..actors.messages.call import AdmitGuest, GuestKind
from ..control.commands.finding import find_call
from ..control.instance.instance import Instance
from .credentials import Visitor
from .page_network import ice_servers, page_network
from .page_sessions import PageSessions
from .problem_details import Refusal
from .visitor_role import VisitorRole
from .visitors import at_least

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
    """Let a page into a call.

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
    instance: Instance = request.app.state.instance
    sessions: PageSessions = request.app.state.sessions
    web = request.app.state.settings
    offer = await _offer(request)
    _, ref = await find_call(instance, call, account)
    network = page_network(web, instance.settings)
    order = AdmitGuest(kind, offer, _name(visitor), visitor.role.word, network)
    session, sdp = await sessions.open(ref, order)
    headers = {"Location": f"/api/media/{session}", **ice_servers(web.media.relay)}
    return Response(sdp, 201, headers, SDP)


async def _offer(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != SDP:
        raise Refusal(415, f"the body is no offer: send it with Content-Type: {SDP}")
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "the offer is not UTF-8") from None


def _name(visitor: Visitor) -> str:
    """Tell those from each other for the record who have logged in with the same token."""
    word = visitor.role.word
    return word if visitor.key == word else f"{word} {visitor.key[:8]}"


router = APIRouter(tags=["media"])


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
