"""Refusals as HTTP tells them (RFC 9457)."""

from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..control.problem import ControlError

MEDIA_TYPE = "application/problem+json"
#: Characters of a detail at the most.
LONGEST_DETAIL = 400


class ProblemDetails(BaseModel):
    """Why a request was refused.

    Attributes:
        type: which kind of refusal; the control socket has the same.
        title: the same sentence for all of this kind.
        status: the status code.
        detail: a sentence that says what to do.
    """

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["unknown-call"])
    title: str = Field(examples=["There is no such call"])
    status: int = Field(examples=[404])
    detail: str


class Refusal(HTTPException):
    """A request is refused by HTTP's own rules.

    Args:
        status: the status code.
        detail: a sentence that says what to do.
        headers: what else the answer says.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)

    def response(self) -> Response:
        """Return the answer."""
        phrase = HTTPStatus(self.status_code).phrase
        kind = phrase.lower().replace(" ", "-").replace("'", "")
        return _response(kind, phrase, self.status_code, self.detail, dict(self.headers or {}))


#: What is told of a mistake of ours.
BUG = Refusal(500, "this is a bug in Callboard: see its log")


def refusal_of(error: HTTPException) -> Refusal:
    """Return what Starlette raises by itself as a refusal of ours."""
    if isinstance(error, Refusal):
        return error
    words = _WORDS.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"  # the gate makes the one of the other
    return Refusal(error.status_code, words, headers)


def problem_response(error: ControlError) -> Response:
    """Return the answer that tells why a command was refused."""
    kind = error.kind
    return _response(str(kind), kind.title, kind.status, error.detail, {})


def _response(kind: str, title: str, status: int, detail: str, headers: dict[str, str]) -> Response:
    problem = ProblemDetails(type=kind, title=title, status=status, detail=detail[:LONGEST_DETAIL])
    return Response(problem.model_dump_json(), status, headers, MEDIA_TYPE)


_WORDS = {
    404: "there is nothing here: /api/openapi.json lists what there is",
    405: "this can't be done here: /api/openapi.json lists what can",
}
