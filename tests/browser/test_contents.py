"""Contents that come and go in mid-call (XEP-0166 §7.2.1 to §7.2.5), with Chromium's WebRTC.

stanza.js 12 adds no contents, though it has all that it takes: the page makes the content-add of
its own new offer with stanza.js's conversion, and puts our content-accept into its description.
What is added to a call with stanza.js it refuses.
"""

from pathlib import Path

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.bots import CallOver
from callboard.tests.browser.stage import (
    BOT,
    CALLERS,
    DESK,
    HEARS_TONE,
    TONE,
    Browser,
    scene,
)
from callboard.tests.browser.test_media import (
    ENOUGH,
    check_page,
    check_record,
    check_recording,
)
from callboard.tests.conftest import Run


def test_the_page_adds_video_and_takes_it_away(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            await here.page("call", BOT, False)
            call = await here.ringing()
            await call.answer(audio=f"tone:{TONE}", video="pattern", record=True)
            await check_page(here.page, False)
            await here.stage.media(DESK, "audio", ENOUGH)
            assert (await call.status()).media == ("audio",)
            await here.page("addVideo")
            await here.stage.media(DESK, "video", ENOUGH)
            await check_page(here.page, True)
            assert (await call.status()).media == ("audio", "video")
            removed = await here.shown(
                lambda: here.page("removeVideo"), lambda e: e.media == ("audio",)
            )
            [heard] = [one.received for one in removed.statistics if one.kind == "audio"]
            await here.stage.media(DESK, "audio", heard + ENOUGH)
            assert (await here.page.hear(HEARS_TONE)).level > -40
            assert not here.page.all("complaint")
            await here.page("hangup")
            return await call.ended()

    record = run(main)
    check_record(record, True)
    check_recording(record, True)


def test_the_page_adds_video_to_a_call_of_a_bot_that_shows_nothing(
    browser: Browser, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            call = await here.bot_calls(record=True)
            await check_page(here.page, False)
            await here.page("addVideo")
            await here.stage.media(DESK, "video", ENOUGH)
            await check_page(here.page, False)
            await call.hangup()
            return await call.ended()

    record = run(main)
    check_recording(record, True)


@pytest.mark.parametrize("caller", CALLERS)
def test_stanza_js_refuses_what_the_bot_adds_and_the_call_goes_on(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            call = await here.called_by(caller, record=True)
            assert (await here.page.hear(HEARS_TONE)).level > -40
            with pytest.raises(CallOver, match="did not take it: failed-application"):
                await call.add("video", "pattern")
            await check_page(here.page, False)
            await here.stage.media(DESK, "audio", ENOUGH)
            assert (await call.status()).media == ("audio",)
            await call.hangup()
            return await call.ended()

    record = run(main)
    check_record(record, False)
    check_recording(record, False)


@pytest.mark.parametrize("caller", CALLERS)
def test_stanza_js_refuses_that_the_bot_stops_its_video_and_it_goes_on(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            call = await here.called_by(caller, video=True)
            await check_page(here.page, True)
            with pytest.raises(CallOver, match="did not take it: bad-request"):
                await call.pause("video")
            await check_page(here.page, True)
            assert (await call.status()).media == ("audio", "video")
            await call.hangup()
            return await call.ended()

    check_record(run(main), True)
