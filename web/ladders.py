"""Ladders of calls, in the forms that `callboard ladder` has."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic_core import to_json

from ..control.models.ladder import LadderResult
from ..ladder.ladder import Ladder
from ..ladder.svg import svg
from ..ladder.text import text
from .commands import carry_out
from .problem_details import ProblemDetails
from .visitor_role import VisitorRole
from .visitors import at_least

Form = Literal["json", "text", "svg"]


def _text(ladder: Ladder) -> str:
    return "\n".join(text(ladder)) + "\n"


_FORMS: dict[Form, tuple[str, Callable[[Ladder], str | bytes]]] = {
    "json": ("application/json", lambda ladder: to_json(ladder.to_json())),
    "text": ("text/plain; charset=utf-8", _text),
    "svg": ("image/svg+xml", svg),
}

router = APIRouter(tags=["ladders"])


@router.get(
    "/api/ladders/{call:path}",
    summary="Ask what happened in a call",
    response_class=Response,
    dependencies=[Depends(at_least(VisitorRole.VIEW))],
    responses={
        200: {"content": {kind: {} for kind, _ in _FORMS.values()}},
        "default": {"model": ProblemDetails},
    },
)
async def ladder(
    request: Request, call: str, account: str | None = None, form: Form = "json"
) -> Response:
    """Tell what happened in a call that goes on or has ended, in order."""
    found: LadderResult = await carry_out(request, "ladder", {"call": call, "account": account})
    kind, write = _FORMS[form]
    return Response(write(found.ladder), media_type=kind)
