"""The phone in the page, as a test holds it: stanza.js, and what it told and heard and saw."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from callboard.media import IceServer
from callboard.media.sources.clock_pattern import read_clock
from callboard.tests.browser.chromium import Chromium, ChromiumTab
from callboard.tests.browser.tab import PATIENCE

Told = dict[str, Any]
#: Seconds in which anything that is looked for in the page must come.
LOOK = 50


@dataclass(frozen=True)
class Heard:
    """What the page hears: the loudest frequency (Hz), its level, and that of all (dBFS)."""

    frequency: float
    level: float
    loudness: float


@dataclass(frozen=True)
class Seen:
    """What the page sees at a moment: the picture's size, and its luma scaled to 160 x 120."""

    width: int
    height: int
    luma: list[int]

    @property
    def clock(self) -> float | None:
        """The clock of our pattern, in seconds; None if that is not what is seen."""
        return read_clock(np.array(self.luma, np.uint8).reshape(120, 160)) if self.luma else None


class Phone:
    """A phone.

    Args:
        tab: the page that it is in.

    Attributes:
        told: all that the page told, in order.
        jid: its full JID, once it has logged in.
    """

    def __init__(self, tab: ChromiumTab) -> None:
        self.told: list[Told] = []
        self.jid = ""
        self._tab = tab
        self._changed = asyncio.Event()
        tab.told = self._take

    def _take(self, told: Told) -> None:
        self.told.append(told)
        self._changed.set()

    def dialogue(self) -> str:
        """Return every stanza in and out, a line each."""
        return "\n".join(f"{one['direction']}: {one['xml']}" for one in self.all("stanza"))

    def said(self) -> list[str]:
        """Return every stanza that the page sent."""
        return [one["xml"] for one in self.all("stanza") if one["direction"] == "outgoing"]

    def all(self, kind: str) -> list[Told]:
        """Return what was told of this kind until now."""
        return [one for one in self.told if one["kind"] == kind]

    async def until(self, kind: str, **details: Any) -> Told:
        """Return the first that was or will be told of this kind, with these details."""
        seen = 0
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    self._changed.clear()
                    for one in self.told[seen:]:
                        if one["kind"] == kind and details.items() <= one.items():
                            return one
                    seen = len(self.told)
                    await self._changed.wait()
        except TimeoutError:
            others = [one for one in self.told if one["kind"] != "stanza"]
            raise AssertionError(
                f"the page never told {kind} {details}, but {others}\n{self.dialogue()}"
            ) from None

    async def login(
        self, jid: str, password: str, websocket: str, servers: tuple[IceServer, ...] = ()
    ) -> str:
        """Log in; return the full JID."""
        known = [
            {"urls": one.url, "username": one.username, "credential": one.credential}
            for one in servers
        ]
        self.jid = await self("login", jid, password, websocket, known)
        return self.jid

    async def __call__(self, function: str, *arguments: Any) -> Any:
        """Call a function of the page's."""
        return await self._tab.run(f"phone.{function}({json.dumps(arguments)[1:-1]})")

    async def look(self, function: str, good: str, seconds: float = LOOK) -> Any:
        """Call a function of the page's until what it gives is good; return what it gave last.

        Args:
            function: its name.
            good: a JavaScript expression about `it`.
            seconds: how long it may take.
        """
        return await self._tab.run(f"phone.until(phone.{function}, (it) => {good}, {seconds})")

    async def hear(self, good: str) -> Heard:
        """Listen until what is heard is good, a JavaScript expression about `it`."""
        found = await self.look("hear", good)
        assert found is not None, "the page has been given no sound to hear"
        return Heard(**found)

    async def see(self, good: str) -> Seen:
        """Look until what is seen is good, a JavaScript expression about `it`."""
        return Seen(**await self.look("see", good))

    async def statistics(self) -> dict[str, Any]:
        """Return bytes sent and received by kind, and the pair of candidates in use."""
        found: dict[str, Any] = await self("statistics")
        return found


@asynccontextmanager
async def phone(
    browser: Chromium, page: Path, inspect: Callable[[Phone], None] = lambda _: None
) -> AsyncIterator[Phone]:
    """Open a page with a phone in it.

    Args:
        browser: the browser.
        page: the bundled page.
        inspect: told the phone when the test has failed.
    """
    async with browser.tab() as tab:
        await tab.open(page.as_uri())
        one = Phone(tab)
        try:
            yield one
        except BaseException:
            inspect(one)
            raise
