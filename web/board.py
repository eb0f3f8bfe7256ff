"""The board as a part of a running instance: started, watched and ended with it."""

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Self

from ..actors.runtime.backoff import Backoff, Tries
from ..config.web import WebSettings, WebTokens
from ..control.commands.all import COMMANDS
from ..control.commands.handler import Handler
from ..control.models.base import MOST_KEPT
from ..control.models.status import PartSummary
from .app import Shown, make_app
from .board_place import BoardPlace
from .board_server import BoardServer
from .credentials import Credentials
from .event_feed import EventFeed
from .gate import Gate
from .page_sessions import PageSessions
from .pages import PageFile, page_files
from .recordings import RecordedSides
from .visitors import Visitors

log = logging.getLogger(__name__)

#: Seconds that the last answers may take.
CLOSING = 5.0
#: How soon it is served again after a failure.
BACKOFF = Backoff(base=0.5, cap=30.0)


class Board:
    """Serves the board until it is closed; whatever happens to it, calls go on.

    Args:
        place: where it is served; it is left at the end.
        settings: of it.
        instance: what runs.
        commands: what can be asked of it.
        files: of the page, by their names.
    """

    def __init__(
        self,
        place: BoardPlace,
        settings: WebSettings,
        instance: Shown,
        commands: Mapping[str, Handler],
        files: Mapping[str, PageFile],
    ) -> None:
        origins = place.origins
        cookie = "__Host-callboard" if origins.is_https else f"callboard-{place.port}"
        self._place = place
        self._credentials = Credentials(place.tokens)
        visitors = Visitors(
            self._credentials, lambda: place.way_in, cookie, is_https=origins.is_https
        )
        self._instance = instance
        self._sessions = PageSessions()
        app = make_app(instance, commands, settings, visitors, self._sessions)
        app.state.files = files
        self._state = app.state
        self._gate = Gate(app, origins, visitors)
        self._server = BoardServer(self._gate)
        self._failure = ""

    @classmethod
    async def started(
        cls,
        settings: WebSettings,
        instance: Shown,
        commands: Mapping[str, Handler] | None = None,
        place: BoardPlace | None = None,
    ) -> Self:
        """Serve the board of an instance, or of a load run.

        Args:
            settings: where, and who may do what.
            instance: what runs.
            commands: what can be asked of it; None: what an instance takes.
            place: where, if that is held already.

        Raises:
            OSError: the port can't be had; says what to do.
        """
        place = place or await BoardPlace.taken(settings, instance.socket)
        taken = COMMANDS if commands is None else commands
        # A tenth of a second: nobody else waits for it.
        try:
            board = await asyncio.to_thread(
                lambda: cls(place, settings, instance, taken, page_files())
            )
        except BaseException:
            await place.leave()
            raise
        board.serve()
        return board

    def serve(self) -> None:
        """Begin, on the loop."""
        self._feed = self._state.feed = EventFeed(self._instance.events)
        self._log_feed = self._state.log_feed = EventFeed(self._instance.logs, earlier=MOST_KEPT)
        self._sides = self._state.sides = RecordedSides()
        self._task = asyncio.create_task(self._keep(), name="board")
        self._instance.add_part("board", self._look)

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._place.port

    @property
    def url(self) -> str:
        """The address of the page, without a token."""
        return self._place.url

    @property
    def link(self) -> str | None:
        """The page's address with the token that was made at start; None if the file has tokens."""
        return self._place.link

    async def take_tokens(self, tokens: WebTokens) -> None:
        """Have other tokens from now on. Who came with one that is gone is nobody any more.

        Args:
            tokens: those of the file; there are some.
        """
        await self._place.take_tokens(tokens)
        for role in self._credentials.take(self._place.tokens):
            self._sessions.end_of(role.word)

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
        await self._sessions.close()
        await self._place.leave()

    def sentence(self, *, secret: bool) -> str:
        """Say where the board is.

        Args:
            secret: whether the token that was made for this run may be shown.
        """
        if self.link is not None and secret:
            return f"the board is at {self.link}"
        return f"the board is at {self.url}{self._hint()}"

    def _hint(self) -> str:
        if self._place.link_file is None:
            return ""
        return f"; the link with its token is in {self._place.link_file}"

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
                await self._server.run_on(self._place.listener.dup())
            except Exception as error:
                log.exception("the board has failed, and is served again soon")
                self._failure = f"it failed: {error!r}"
            if self._server.should_exit:
                return
            await asyncio.sleep(tries.wait(BACKOFF, clock() - began, random.random()))  # noqa: S311
            self._server = BoardServer(self._gate)
            self._failure = ""
