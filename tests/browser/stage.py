"""A bot of Callboard's and a browser with a phone, at one private server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callboard.bots import Bot, Call
from callboard.server import Prosody
from callboard.tests.browser.phone import Phone, phone
from callboard.tests.live.stage import PATIENCE, Stage, staged

PAGE, DESK = "page@localhost", "desk@localhost"

Browser = tuple[str, Path]


class Desk(Bot):
    """A bot that a test moves: its calls wait until the test takes them."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.calls: asyncio.Queue[Call] = asyncio.Queue()

    async def on_call(self, call: Call) -> None:
        """Leave the call to the test."""
        self.calls.put_nowait(call)

    async def ring(self) -> Call:
        """Return the next call that comes in."""
        async with asyncio.timeout(PATIENCE):
            return await self.calls.get()


@dataclass(frozen=True)
class Scene:
    """Who plays.

    Attributes:
        stage: the deployment.
        desk: its one bot.
        page: the phone in the browser.
    """

    stage: Stage
    desk: Desk
    page: Phone


@asynccontextmanager
async def scene(browser: Browser, folder: Path, **desk: Any) -> AsyncIterator[Scene]:
    """Log in the phone, then the desk.

    Args:
        browser: the browser's program and the bundled page.
        folder: where recordings and ``calls.jsonl`` go.
        desk: what the YAML file would have for the desk's account.
    """
    bots: list[Desk] = []

    class Seated(Desk):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            bots.append(self)

    passwords = {"page": "secret", "desk": "secret"}
    async with Prosody(passwords, websocket=True) as prosody, phone(*browser, show) as page:
        await page.login(PAGE, "secret", prosody.websocket)
        async with staged(
            folder,
            [{"jid": DESK, "bot": "desk", **desk}],
            {"desk": Seated},
            server={"host": prosody.address, "port": prosody.port, "ca": prosody.certificate},
            media={"addresses": ["127.0.0.1"]},
        ) as stage:
            yield Scene(stage, bots[0], page)


def show(page: Phone) -> None:
    """Print what a phone told: pytest shows it when a test has failed."""
    for one in page.told:
        print(f"{one['direction']}: {one['xml']}" if one["kind"] == "stanza" else one)  # noqa: T201
