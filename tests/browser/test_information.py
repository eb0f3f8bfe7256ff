"""Hold, mute and ringing with a browser: session-info (XEP-0167 §7), said and shown both ways."""

from functools import partial
from pathlib import Path

import pytest
from callboard.bots import Call
from callboard.tests.browser.phone import Phone
from callboard.tests.browser.stage import (
    BOT,
    CALLERS,
    DESK,
    HEARS_NOTHING,
    HEARS_TONE,
    TONE,
    Browser,
    Scene,
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
def test_mute_and_hold_are_told_both_ways(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.called_by(caller, video=True)
            await the_bot_tells(call, here.page)
            await the_page_tells(here, call)

    run(main)


async def the_bot_tells(call: Call, page: Phone) -> None:
    """Mute and hold by the bot: the page is told, and hears it."""
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


async def the_page_tells(here: Scene, call: Call) -> None:
    """Mute and hold by the page: the bot is shown it."""
    for kind in ("audio", "video"):
        mute = partial(here.page, "mute", kind)
        await here.shown(partial(mute, True), lambda e: bool(e.muted))
        assert (await call.status()).muted == (kind,)
        await here.shown(partial(mute, False), lambda e: not e.muted)
    await here.shown(partial(here.page, "hold"), lambda e: e.held)
    status = await here.shown(partial(here.page, "resume"), lambda e: not e.held)
    assert (status.account, status.phase) == (DESK, "connected")
