"""Logging in to the board, and what each role is let do."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from .credentials import LIFETIME, Credentials, Visitor
from .problem_details import Refusal, too_often
from .rates import Rates
from .visitor_role import VisitorRole

#: What the gate has found out about a visitor, in a request's scope.
VISITOR = "callboard.visitor"
#: Wrong tokens a second of one address, and how many at once.
RATE, BURST = 0.2, 10


class Visit(BaseModel):
    """Who the visitor is.

    Attributes:
        role: what they may do: view, listen, control or talk; each may do what those before may.
        expires: when they have to log in again, in seconds since the epoch; None: never.
    """

    model_config = ConfigDict(frozen=True)

    role: str
    expires: float | None


class LogIn(BaseModel):
    """A token that is to be exchanged for a cookie."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: Annotated[str, Field(min_length=1, max_length=512)] = Field(repr=False)


class Visitors:
    """Knows visitors by their requests.

    Args:
        credentials: the tokens, and the cookies made from them.
        way_in: tells what lets somebody in, in words.
        cookie: the cookie's name.
        is_https: whether the cookie is sent over HTTPS only.

    Attributes:
        cookie: the cookie's name.
    """

    def __init__(
        self,
        credentials: Credentials,
        way_in: Callable[[], str],
        cookie: str,
        *,
        is_https: bool,
    ) -> None:
        self._credentials = credentials
        self._way_in = way_in
        self.cookie = cookie
        self._is_https = is_https
        self._wrong = Rates(RATE, BURST)

    def found(self, request: HTTPConnection) -> Visitor | Refusal:
        """Return who has sent a request, or what they are told if nobody knows.

        It is asked once for each request: a wrong token counts.
        """
        given = request.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if scheme.lower() == "bearer":
            try:
                return self.by_token(request, token.strip())
            except Refusal as refusal:
                return refusal
        visitor = self._credentials.by_cookie(request.cookies.get(self.cookie, ""))
        return visitor or _unknown(f"log in first, with {self._way_in()}")

    def by_token(self, request: HTTPConnection, token: str) -> Visitor:
        """Return whose token this is.

        Raises:
            Refusal: nobody's; too many such from one address are not even looked at.
        """
        client = "" if request.client is None else request.client.host
        if seconds := self._wrong.wait(client):
            raise too_often("too many wrong tokens came from this address", seconds)
        visitor = self._credentials.by_token(token)
        if visitor is None:
            self._wrong.count(client)
            raise _unknown(f"this token is not known: use {self._way_in()}")
        return visitor

    def still_knows(self, visitor: Visitor) -> bool:
        """Tell whether somebody who was known still is."""
        return self._credentials.holds(visitor)

    def check(self, visitor: Visitor) -> None:
        """See that somebody who was known when their request began still is.

        A body may take long to come, and so may what is asked for.

        Raises:
            Refusal: they are not.
        """
        if not self.still_knows(visitor):
            raise _unknown(f"this log-in is good no more: log in again, with {self._way_in()}")

    def greet(self, visitor: Visitor, response: Response) -> Visit:
        """Give a visitor a cookie."""
        response.set_cookie(
            self.cookie,
            self._credentials.cookie(visitor.role),
            max_age=LIFETIME,
            path="/",
            secure=self._is_https,
            httponly=True,
            samesite="strict",
        )
        return Visit(role=visitor.role.word, expires=visitor.expires)

    def forget(self, visitor: Visitor, response: Response) -> None:
        """Take a visitor's cookie back."""
        self._credentials.revoke(visitor)
        response.delete_cookie(
            self.cookie, path="/", secure=self._is_https, httponly=True, samesite="strict"
        )


def name_of(visitor: Visitor) -> str:
    """Tell those from each other for the record who have logged in with the same token."""
    word = visitor.role.word
    return word if visitor.key == word else f"{word} {visitor.key[:8]}"


async def visitor_of(request: Request) -> Visitor:
    """Return who has sent a request (a dependency).

    It waits for nothing, and yet is asynchronous: others are called in a thread for each request.

    Raises:
        Refusal: nobody knows, or not any more.
    """
    visitors: Visitors = request.app.state.visitors
    found: Visitor | Refusal = request.scope[VISITOR]
    if isinstance(found, Refusal):
        raise found
    visitors.check(found)
    return found


Known = Annotated[Visitor, Depends(visitor_of)]


def at_least(role: VisitorRole) -> Callable[[Visitor], Awaitable[Visitor]]:
    """Return a dependency that lets through who may do what a role may."""

    async def check(visitor: Known) -> Visitor:
        if visitor.role < role:
            raise Refusal(403, f"this needs the role {role.word}, and yours is {visitor.role.word}")
        return visitor

    return check


def _unknown(detail: str) -> Refusal:
    return Refusal(401, detail, {"WWW-Authenticate": 'Bearer realm="callboard"'})


router = APIRouter(tags=["session"])


@router.post("/api/session")
async def log_in(wanted: LogIn, request: Request, response: Response) -> Visit:
    """Exchange a token for a cookie."""
    visitors: Visitors = request.app.state.visitors
    return visitors.greet(visitors.by_token(request, wanted.token), response)


@router.get("/api/session")
async def who_am_i(visitor: Known) -> Visit:
    """Tell who the visitor is."""
    return Visit(role=visitor.role.word, expires=visitor.expires)


@router.delete("/api/session", status_code=204)
async def log_out(visitor: Known, request: Request, response: Response) -> None:
    """Take the cookie back."""
    visitors: Visitors = request.app.state.visitors
    visitors.forget(visitor, response)
