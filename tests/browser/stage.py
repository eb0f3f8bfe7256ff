"""A bot of Callboard's and a browser with a phone, at one private server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callboard.bots import Bot, Call
from callboard.tests.browser.phone import Phone, phone
from callboard.tests.live.stage import PASSWORD, Stage, staged

#: The phone's account, the bot's, and the full JID that a client without XEP-0353 has to call.
PAGE, DESK, BOT = "page@localhost", "desk@localhost", "desk@localhost/bot"

Browser = tuple[str, Path]


@dataclass(frozen=True)
class Scene:
    """Who plays.

    Attributes:
        stage: the deployment.
        page: the phone in the browser.
    """

    stage: Stage
    page: Phone

    @property
    def desk(self) -> Bot:
        """The one bot, which does what the test has it do."""
        return self.stage.puppets[DESK]

    async def ringing(self) -> Call:
        """Return the call that has come in to the bot."""
        return await self.stage.ringing(DESK)


@asynccontextmanager
async def scene(browser: Browser, folder: Path, **desk: Any) -> AsyncIterator[Scene]:
    """Log in the bot and the phone.

    Args:
        browser: the browser's program and the bundled page.
        folder: where recordings and ``calls.jsonl`` go.
        desk: what the YAML file would have for the bot's account.
    """
    async with (
        phone(*browser, show) as page,
        staged(folder, [{"jid": BOT, **desk}], guests=["page"], websocket=True) as stage,
    ):
        await page.login(PAGE, PASSWORD, stage.prosody.websocket)
        yield Scene(stage, page)


def show(page: Phone) -> None:
    """Print what a phone told: pytest shows it when a test has failed."""
    for one in page.told:
        print(f"{one['direction']}: {one['xml']}" if one["kind"] == "stanza" else one)  # noqa: T201
