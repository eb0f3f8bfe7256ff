"""A bot of Callboard's and a browser with a phone, at one private server."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callboard.actors.messages.exchange import CallStatus
from callboard.bots import Bot, Call
from callboard.tests.browser.chromium import Chromium
from callboard.tests.browser.phone import Phone, phone
from callboard.tests.live.stage import PASSWORD, Stage, staged
from callboard.tests.media.coturn import Coturn

#: The phone's account, the bot's, and the full JID that a client without XEP-0353 has to call.
PAGE, DESK, BOT = "page@localhost", "desk@localhost", "desk@localhost/bot"

#: What the bot plays, in Hz.
TONE = 440
#: JavaScript for what the page hears of it, and of silence.
HEARS_TONE = f"Math.abs(it.frequency - {TONE}) < 10 && it.level > -40"
HEARS_NOTHING = "it.loudness < -60"

CALLERS = ("bot", "page")

Browser = tuple[Chromium, Path]


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

    async def bot_calls(self, video: bool = False, record: bool = False) -> Call:
        """Return a call of the bot's that the page has taken."""
        sound, show = sources(video)
        call = await self.desk.call(self.page.jid, audio=sound, video=show, record=record)
        await self.page.until("incoming")
        await self.page("accept", video)
        await call.connected()
        return call

    async def page_calls(self, video: bool = False, record: bool = False) -> Call:
        """Return a call of the page's that the bot has taken."""
        await self.page("call", BOT, video)
        call = await self.ringing()
        sound, show = sources(video)
        await call.answer(audio=sound, video=show, record=record)
        return call

    async def called_by(self, caller: str, video: bool = False, record: bool = False) -> Call:
        """Return a call that one of `CALLERS` has placed and the other has taken."""
        place = self.bot_calls if caller == "bot" else self.page_calls
        return await place(video, record)

    async def shown(
        self, deed: Callable[[], Awaitable[Any]], good: Callable[[CallStatus], bool]
    ) -> CallStatus:
        """Do something; return the first good status of the bot's call that comes after it."""
        past = {id(one) for one in self.stage.events}
        await deed()
        return await self.stage.until(CallStatus, lambda one: id(one) not in past and good(one))


def sources(video: bool) -> tuple[str, str | None]:
    """Return what the bot sends in these tests."""
    return f"tone:{TONE}", "pattern" if video else None


@asynccontextmanager
async def scene(
    browser: Browser,
    folder: Path,
    media: Mapping[str, Any] | None = None,
    relay: Coturn | None = None,
    **desk: Any,
) -> AsyncIterator[Scene]:
    """Log in the bot and the phone.

    Args:
        browser: the browser and the bundled page.
        folder: where recordings and ``calls.jsonl`` go.
        media: what the YAML file would have under ``media``.
        relay: the TURN server that the XMPP server tells of and that the phone is to use.
        desk: what the YAML file would have for the bot's account.
    """
    options: dict[str, Any] = {"guests": ["page"], "websocket": True, "media": media or {}}
    if relay is not None:
        options["services"] = [relay.service]
    async with (
        phone(*browser, show) as page,
        staged(folder, [{"jid": BOT, **desk}], **options) as stage,
    ):
        servers = () if relay is None else (relay.turn(),)
        await page.login(PAGE, PASSWORD, stage.prosody.websocket, servers)
        yield Scene(stage, page)


def show(page: Phone) -> None:
    """Print what a phone told: pytest shows it when a test has failed."""
    for one in page.told:
        print(f"{one['direction']}: {one['xml']}" if one["kind"] == "stanza" else one)  # noqa: T201
