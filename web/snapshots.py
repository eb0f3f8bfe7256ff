"""Pictures of what the peer of a call shows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ..actors.messages.call import TakeSnapshot
from ..control.commands.finding import HANDLED, find_call
from ..control.commands.refusals import refusing
from ..media import ImageFormat, SnapshotError
from .credentials import Visitor
from .problem_details import ProblemDetails, Refusal
from .visitor_role import VisitorRole
from .visitors import at_least, name_of, visitor_of

#: Pictures that are waited for at once, of all calls.
MOST = 8

router = APIRouter(tags=["media"])


class Snapshots:
    """Counts the pictures that are waited for.

    Attributes:
        waiting: how many.
    """

    def __init__(self) -> None:
        self.waiting = 0


@router.get(
    "/api/calls/{call:path}/snapshot",
    summary="See what the peer shows, as an image",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}, "image/png": {}}},
        "default": {"model": ProblemDetails},
    },
)
async def snapshot(
    call: str,
    request: Request,
    visitor: Annotated[Visitor, Depends(at_least(VisitorRole.LISTEN))],
    format: ImageFormat = "jpeg",  # noqa: A002 - the name in the address
    account: str | None = None,
) -> Response:
    """Give the next key frame that a call receives, as an image.

    The peer is asked for that frame, and told nothing. Who looks stands in the call's record.
    """
    snapshots: Snapshots = request.app.state.snapshots
    if snapshots.waiting >= MOST:
        raise Refusal(
            429, f"{MOST} pictures are waited for already: try again", {"Retry-After": "1"}
        )
    snapshots.waiting += 1
    try:
        with refusing():
            _, ref = await find_call(request.app.state.instance, call, account)
            order = TakeSnapshot(format, name_of(visitor), visitor.role.word)
            try:
                image = await (await ref.request(order, timeout=HANDLED))
            except SnapshotError as error:
                raise Refusal(409, str(error)) from None
    finally:
        snapshots.waiting -= 1
    await visitor_of(request)
    name = f'inline; filename="call.{format}"'
    return Response(image, media_type=f"image/{format}", headers={"Content-Disposition": name})
