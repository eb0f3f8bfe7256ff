"""The board as a part of a running instance: started, watched and ended with it."""

import asyncio
import logging
import os
import random
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from ..actors.runtime.backoff import Backoff, Tries
from ..config.metrics import LOOPBACK, ListenAddress
from ..config.web import WebSettings
from ..control.commands.all import COMMANDS
from ..control.commands.handler import Handler
from ..control.models.events import MOST_KEPT
from ..control.models.status import PartSummary
from .app import Shown, make_app
from .board_server import BoardServer
from .credentials import Credentials
from .event_feed import EventFeed
from .gate import Gate, Origins
from .page_sessions import PageSessions
from .pages import PageFile, page_files
from .recordings import RecordedSides
from .visitor_role import VisitorRole
from .visitors import Visitors

log = logging.getLogger(__name__)

#: Seconds that the last answers may take.
CLOSING = 5.0
#: The port of each scheme, which an address may leave out (RFC 9110 §4.2).
DEFAULT_PORTS = {"http": 80, "https": 443}
#: How soon it is served again after a failure.
BACKOFF = Backoff(base=0.5, cap=30.0)


class Board:
    """Serves the board until it is closed; whatever happens to it, calls go on.

    Args:
        settings: where, and who may do what.
        instance: what runs.
        commands: what can be asked of it.
        listener: the socket that it is served at.
        files: of the page, by their names.

    Attributes:
        port: the TCP port.
        url: of the page, without a token.
        link: the page's address with the token that was made at start; None if the file has tokens.
    """

    def __init__(
        self,
        settings: WebSettings,
        instance: Shown,
        commands: Mapping[str, Handler],
        listener: socket.socket,
        files: Mapping[str, PageFile],
    ) -> None:
        address = ListenAddress(*listener.getsockname()[:2])
        origins = origins_of(settings, address)
        tokens = {
            VisitorRole.named(name): token.get_secret_value()
            for name, token in settings.tokens.given().items()
        }
        self.port = address.port
        self.url = settings.url or f"http://{address}"
        self.link: str | None = None
        if not tokens:
            made = secrets.token_urlsafe(32)
            tokens[VisitorRole.TALK] = made
            self.link = f"{self.url}/#token={made}"
        cookie = "__Host-callboard" if origins.is_https else f"callboard-{address.port}"
        visitors = Visitors(Credentials(tokens), cookie, is_https=origins.is_https)
        self._instance = instance
        self._listener = listener
        self._link_file: Path | None = None
        self._sessions = PageSessions()
        app = make_app(instance, commands, settings, visitors, self._sessions)
        app.state.files = files
        self._feed = app.state.feed = EventFeed(instance.events)
        self._log_feed = app.state.log_feed = EventFeed(instance.logs, earlier=MOST_KEPT)
        self._sides = app.state.sides = RecordedSides()
        self._gate = Gate(app, origins, visitors)
        self._server = BoardServer(self._gate)
        self._failure = ""
        self._task = asyncio.create_task(self._keep(), name="board")
        instance.add_part("board", self._look)

    @classmethod
    async def started(
        cls,
        settings: WebSettings,
        instance: Shown,
        commands: Mapping[str, Handler] = COMMANDS,
    ) -> Self:
        """Serve the board of an instance, or of a load run.

        Args:
            settings: where, and who may do what.
            instance: what runs.
            commands: what can be asked of it.

        Raises:
            OSError: the port can't be had; says what to do.
        """
        files = await asyncio.to_thread(page_files)
        board = cls(settings, instance, commands, listen(settings), files)
        if board.link is not None and instance.socket is not None:
            board._link_file = instance.socket.with_suffix(".board")
            await asyncio.to_thread(_keep_link, board._link_file, board.link)
        return board

    async def close(self) -> None:
        """Take nobody any more, end what goes on, and close the port."""
        await self._feed.close()
        await self._log_feed.close()
        await self._gate.close()
        self._server.end()
        _, late = await asyncio.wait({self._task}, timeout=CLOSING)
        for task in late:
            task.cancel()
            await asyncio.wait({task})
        self._sides.close()
        self._listener.close()
        await self._sessions.close()
        if self._link_file is not None:
            await asyncio.to_thread(self._link_file.unlink, missing_ok=True)

    def sentence(self, *, secret: bool) -> str:
        """Say where the board is.

        Args:
            secret: whether the token that was made for this run may be shown.
        """
        if self.link is not None and secret:
            return f"the board is at {self.link}"
        return f"the board is at {self.url}{self._hint()}"

    def _hint(self) -> str:
        if self._link_file is None:
            return ""
        return f"; the link with its token is in {self._link_file}"

    def _look(self) -> PartSummary:
        requests = self._gate.running
        detail = f"{self.url} ({requests} open request{'' if requests == 1 else 's'})"
        return PartSummary(
            name="board",
            state="failed" if self._failure else "running",
            detail=self._failure or f"{detail}{self._hint()}",
        )

    async def _keep(self) -> None:
        """Serve; if that fails, serve again after a while."""
        tries, clock = Tries(), asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                await self._server.run_on(self._listener.dup())
            except Exception as error:
                log.exception("the board has failed, and is served again soon")
                self._failure = f"it failed: {error!r}"
            if self._server.should_exit:
                return
            await asyncio.sleep(tries.wait(BACKOFF, clock() - began, random.random()))  # noqa: S311
            self._server = BoardServer(self._gate)
            self._failure = ""


def listen(settings: WebSettings) -> socket.socket:
    """Open the port of the board.

    Raises:
        OSError: it can't be had; says what to do.
    """
    address = settings.address or ListenAddress(LOOPBACK, 0)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        listener = socket.create_server(address, family=family)
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(
            f"the board can't be served at {address} ({words.lower()}): choose another port or "
            "address under web: in the file, or end what uses it"
        ) from None
    listener.setblocking(False)
    return listener


def origins_of(settings: WebSettings, address: ListenAddress) -> Origins:
    """Return where the board may be reached.

    Args:
        settings: what the file says.
        address: where it listens.
    """
    origins = {f"http://{address}"}
    if address.is_loopback:
        origins |= {f"http://{host}:{address.port}" for host in ("localhost", LOOPBACK, "[::1]")}
    if settings.url is not None:
        origins.add(settings.url)
    every = {spelling for one in origins for spelling in _spellings(one)}
    return Origins(
        hosts=frozenset(one.partition("://")[2] for one in every),
        origins=frozenset(every),
        is_https=settings.url is not None and settings.url.startswith("https://"),
    )


def _spellings(origin: str) -> Iterator[str]:
    """Give an origin with and without the port of its scheme (RFC 3986 §6.2.3)."""
    scheme, _, host = origin.partition("://")
    port = f":{DEFAULT_PORTS[scheme]}"
    yield origin
    if host.endswith(port):
        yield origin.removesuffix(port)
    elif not re.search(r":\d+$", host):
        yield f"{origin}{port}"


def _keep_link(file: Path, link: str) -> None:
    """Write the link where its owner alone can read it."""
    file.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(file, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, f"{link}\n".encode("ascii"))
    finally:
        os.close(descriptor)
