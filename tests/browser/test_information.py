"""Hold, mute and ringing with a browser: session-info (XEP-0167 §7), said and shown both ways."""

from functools import partial
from pathlib import Path

import pytest
from callboard.tests.browser.stage import (
    BOT,
    CALLERS,
    DESK,
    HEARS_NOTHING,
    HEARS_TONE,
    TONE,
    Browser,
    scene,
)
from callboard.tests.conftest import Run

CALLER = pytest.mark.parametrize("caller", CALLERS)


def test_ringing_is_shown_to_whoever_calls(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.desk.call(here.page.jid, audio="tone")
            await here.page.until("incoming")
            assert (await call.status()).phase == "proposed"
            ringing = await here.shown(lambda: here.page("ring"), lambda e: "ringing" in e.steps)
            assert ringing.phase == "ringing"
            await call.hangup()
            await here.page.until("terminated")
            await here.page("call", BOT, False)
            await here.page.until("ringing")

    run(main)


@CALLER
def test_the_page_hears_that_the_bot_mutes_and_holds(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            page = here.page
            call = await here.called_by(caller)
            assert (await page.hear(HEARS_TONE)).frequency == pytest.approx(TONE, abs=10)
            await call.mute()
            name = (await page.until("mute"))["content"]
            assert (await page.hear(HEARS_NOTHING)).loudness < -60
            await call.mute(on=False)
            assert (await page.until("unmute"))["content"] == name
            assert (await page.hear(HEARS_TONE)).level > -40
            await call.hold()
            await page.until("hold")
            assert (await page.hear(HEARS_NOTHING)).loudness < -60
            await call.hold(False)
            await page.until("resumed")
            assert (await page.hear(HEARS_TONE)).level > -40

    run(main)


@CALLER
def test_the_bot_is_shown_that_the_page_mutes_and_holds(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            page = here.page
            call = await here.called_by(caller, video=True)
            for kind in ("audio", "video"):
                mute = partial(page, "mute", kind)
                await here.shown(partial(mute, True), lambda e: bool(e.muted))
                assert (await call.status()).muted == (kind,)
                await here.shown(partial(mute, False), lambda e: not e.muted)
            await here.shown(lambda: page("hold"), lambda e: e.held)
            status = await here.shown(lambda: page("resume"), lambda e: not e.held)
            assert (status.account, status.phase) == (DESK, "connected")

    run(main)
