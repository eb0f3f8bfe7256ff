"""Refusals as HTTP tells them (RFC 9457)."""

import os
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

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

    def response(self, folders: "ServerFolders | None" = None) -> Response:
        """Return the answer.

        Args:
            folders: those that nobody is told of, where the detail could name one.
        """
        phrase = HTTPStatus(self.status_code).phrase
        kind = phrase.lower().replace(" ", "-").replace("'", "")
        detail = self.detail if folders is None else folders.hidden(self.detail)
        return _response(kind, phrase, self.status_code, detail, dict(self.headers or {}))


def too_often(found: str, seconds: float) -> Refusal:
    """Return what somebody is told who asks too often.

    Args:
        found: what there is too much of.
        seconds: until they may ask again.
    """
    whole = int(seconds) + 1
    unit = "second" if whole == 1 else "seconds"
    return Refusal(429, f"{found}: wait {whole:,} {unit}", {"Retry-After": str(whole)})


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


def problem_response(error: ControlError, folders: "ServerFolders") -> Response:
    """Return the answer that tells why a command was refused.

    Args:
        error: what was refused.
        folders: those that nobody is told of.
    """
    kind = error.kind
    detail = folders.hidden(error.detail_over_http)
    return _response(str(kind), kind.title, kind.status, detail, {})


class ServerFolders:
    """The folders that an instance works with: answers name what is in them without them.

    Args:
        folders: their paths.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        every = {
            str(spelling)
            for one in folders
            for spelling in (one, one.absolute(), one.resolve())
            if spelling.is_absolute() and len(spelling.parts) > 1
        }
        self._folders = sorted(every, key=len, reverse=True)

    def hidden(self, text: str) -> str:
        """Return a text without the folders' paths."""
        for one in self._folders:
            text = text.replace(f"{one}{os.sep}", "").replace(one, Path(one).name)
        return text


def _response(kind: str, title: str, status: int, detail: str, headers: dict[str, str]) -> Response:
    problem = ProblemDetails(type=kind, title=title, status=status, detail=detail[:LONGEST_DETAIL])
    return Response(problem.model_dump_json(), status, headers, MEDIA_TYPE)


_WORDS = {
    404: "there is nothing here: /api/openapi.json lists what there is",
    405: "this can't be done here: /api/openapi.json lists what can",
}
