"""What each request passes before anything else sees it, and each answer on its way out."""

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .board_place import Origins
from .credentials import Visitor
from .problem_details import BUG, Refusal, too_often
from .rates import Rates
from .visitors import VISITOR, Visitors

log = logging.getLogger(__name__)

#: Octets of a request's body at the most.
LARGEST_BODY = 256 * 1024
#: Seconds that a whole body may take to come.
PATIENCE = 10.0
#: Octets of a path with its query at the most.
LONGEST_TARGET = 4096
#: Requests that go on at once, those that wait for events among them.
MOST_REQUESTS = 256
#: Requests a second of one visitor who has logged in, or else of one address; and how many at once.
RATE, BURST = 100.0, 400
#: The same of all who have logged in with the same token.
ROLE_RATE, ROLE_BURST = 1000.0, 4000

#: Seconds that requests have to end by themselves at the end.
LAST = 0.5

#: Methods that change nothing (RFC 9110 §9.2.1).
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(self), microphone=(self), geolocation=(), usb=()"),
)


class Gate:
    """Lets through what may be meant for the board, within bounds.

    ``Host`` must be ours, or another site's name that leads to this machine could be used to read
    the answers (DNS rebinding). ``Origin`` must be ours, and must be there where a cookie would let
    something be changed, or another site could have a browser send it (CSRF).

    How often somebody may ask is counted by who they are, for those who have logged in: behind a
    proxy, all have its address. It is counted by the address for all others.

    Args:
        app: what is behind it.
        origins: where the board may be reached.
        visitors: tells visitors by their requests.
    """

    def __init__(self, app: ASGIApp, origins: Origins, visitors: Visitors) -> None:
        self._app = app
        self._origins = origins
        self._visitors = visitors
        self._addresses = Rates(RATE, BURST)
        self._sessions = Rates(RATE, BURST)
        self._roles = Rates(ROLE_RATE, ROLE_BURST)
        self._running: set[asyncio.Task[None]] = set()
        self._is_closing = False
        headers = [*HEADERS]
        if origins.is_https:
            headers.append(("Strict-Transport-Security", "max-age=31536000"))
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers]

    @property
    def running(self) -> int:
        """How many requests go on."""
        return len(self._running)

    async def close(self) -> None:
        """Take no more requests, let those end that do it by themselves, and end the others."""
        self._is_closing = True
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=LAST)
            for task in late:
                task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            return
        is_head = scope["method"] == "HEAD"
        answer = _Answer(send, self._headers, is_head=is_head)
        if is_head:  # answered as GET is, without the body (RFC 9110 §9.3.2)
            scope = {**scope, "method": "GET"}
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - each request runs in one
        try:
            self._check(scope)
            self._running.add(task)
            body = _Body(scope, receive, lambda: self._check_visitor(scope))
            await self._app(scope, body.receive, answer.send)
        except Refusal as refusal:
            await self._refuse(refusal, scope, receive, answer)
        except asyncio.CancelledError:
            if not self._is_closing:
                raise
            task.uncancel()
            await self._refuse(Refusal(503, "callboard is ending"), scope, receive, answer)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["raw_path"].decode("latin-1"))
            await self._refuse(BUG, scope, receive, answer)
        finally:
            self._running.discard(task)

    async def _refuse(
        self, refusal: Refusal, scope: Scope, receive: Receive, answer: "_Answer"
    ) -> None:
        if answer.has_begun:
            await answer.end()
        else:
            await refusal.response()(scope, receive, answer.send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        self._check_place(headers)
        self._check_origin(scope["method"], headers)
        if "transfer-encoding" in headers and "content-length" in headers:
            # A proxy may see its end elsewhere, and another request in the rest (RFC 9112 §6.1).
            words = "the request tells its length in two ways: send one of them"
            raise Refusal(400, words, {"Connection": "close"})
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_TARGET:
            raise Refusal(414, f"the path has over {LONGEST_TARGET} octets")
        if self._is_closing:
            raise Refusal(503, "callboard is ending")
        if len(self._running) >= MOST_REQUESTS:
            raise Refusal(
                503, f"{MOST_REQUESTS} requests go on: try again soon", {"Retry-After": "1"}
            )
        self._check_rate(scope)

    def _check_visitor(self, scope: Scope) -> None:
        """See that a body that has come is still one of somebody who is known."""
        visitor: Visitor | Refusal = scope[VISITOR]
        if isinstance(visitor, Visitor):
            self._visitors.check(visitor)

    def _check_rate(self, scope: Scope) -> None:
        """Find out who a visitor is, and count what they ask, or else what their address does."""
        visitor = scope[VISITOR] = self._visitors.found(HTTPConnection(scope))
        if isinstance(visitor, Refusal):
            client = "" if scope["client"] is None else scope["client"][0]
            counted = [(self._addresses, client, RATE)]
        else:
            counted = [
                (self._sessions, visitor.key, RATE),
                (self._roles, visitor.role.word, ROLE_RATE),
            ]
        for rates, who, rate in counted:
            if seconds := rates.wait(who):
                raise too_often(f"this is more than {rate:g} requests a second", seconds)
        for rates, who, _ in counted:
            rates.count(who)

    def _check_place(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._origins.hosts:
            raise Refusal(
                421,
                "the Host header names no address of the board: open the one that callboard has "
                "printed, or set url: under web: in the file if a proxy stands before the board",
            )

    def _check_origin(self, method: str, headers: Headers) -> None:
        given = headers.getlist("origin")
        if not given and (method in SAFE or not self._has_cookie(headers)):
            # A browser sends Origin with what changes something; programs have no cookie of ours.
            return _check_fetch_site(method, headers)
        if len(given) != 1 or given[0].lower() not in self._origins.origins:
            raise Refusal(403, "the Origin header names another site than the board")
        return None

    def _has_cookie(self, headers: Headers) -> bool:
        return any(self._visitors.cookie in one for one in headers.getlist("cookie"))


def _check_fetch_site(method: str, headers: Headers) -> None:
    """Refuse what another site has a browser fetch; a link that somebody follows is let through."""
    site = headers.get("sec-fetch-site", "none")
    if site in ("same-origin", "none"):
        return
    if method == "GET" and headers.get("sec-fetch-mode") == "navigate":
        return
    raise Refusal(403, "another site has asked for this: open the board itself")


class _Body:
    """The body of a request, as far as it is neither too large nor too slow.

    Args:
        scope: the request's.
        receive: gives parts of it (ASGI).
        check: called when all of it is there; raises `Refusal` if it must not be used any more.
    """

    def __init__(self, scope: Scope, receive: Receive, check: Callable[[], None]) -> None:
        self._check = check
        self._receive = receive
        self._left = LARGEST_BODY
        self._until = asyncio.get_running_loop().time() + PATIENCE
        self._is_over = False
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST_BODY:
            raise Refusal(413, f"the body has over {LARGEST_BODY} octets: send less")

    async def receive(self) -> Message:
        if self._is_over:
            return await self._receive()  # which waits until the client leaves
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(408, f"the body did not come within {PATIENCE:g} s") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise Refusal(413, f"the body has over {LARGEST_BODY} octets: send less")
        self._is_over = not message.get("more_body", False)
        if self._is_over:
            self._check()
        return message


class _Answer:
    """An answer on its way out, with the headers that all have.

    Args:
        send: sends it (ASGI).
        headers: those of all answers.
        is_head: whether it ends with its headers.
    """

    def __init__(
        self, send: Send, headers: Collection[tuple[bytes, bytes]], *, is_head: bool
    ) -> None:
        self._send = send
        self._headers = headers
        self._is_head = is_head
        self._is_counted = self._is_over = False
        self.has_begun = False

    async def end(self) -> None:
        """End an answer in its midst; of one whose length was told, the client sees what lacks."""
        if self._is_over or self._is_counted:
            return
        with suppress(TimeoutError):  # who reads nothing is not waited for
            async with asyncio.timeout(LAST):
                await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            given = {name.lower() for name, _ in message.get("headers", ())}
            self._is_counted = b"content-length" in given
            more = list(self._headers)
            if b"cache-control" not in given:
                more.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message.get("headers", ()), *more]}
            if self._is_head:  # whoever makes a body hears from then on that the client has left
                self._is_over = True
                await self._send(message)
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        elif self._is_head:
            return
        else:
            self._is_over = not message.get("more_body", False)
        await self._send(message)
