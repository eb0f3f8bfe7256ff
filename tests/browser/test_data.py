"""A data channel beside the media of a call (XEP-0343), to Chromium's with stanza.js 12."""

from pathlib import Path

import pytest
from callboard.tests.browser.stage import BOT, CALLERS, DESK, HEARS_TONE, TONE, Browser, scene
from callboard.tests.conftest import Run

OCTETS = [0, 1, 254, 255]


@pytest.mark.parametrize("caller", CALLERS)
def test_text_and_octets_go_both_ways_beside_the_media(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            if caller == "bot":
                call = await here.desk.call(here.page.jid, audio=f"tone:{TONE}", data=True)
                await here.page.until("incoming")
                await here.page("accept", False)
            else:
                await here.page("call", BOT, False, True)
                call = await here.ringing()
                await call.answer(audio=f"tone:{TONE}")
            await call.connected()
            await here.page.until("channel")
            await here.page("say", "täxt", OCTETS)
            await here.stage.told(DESK, str, lambda one: one == "täxt")
            await here.stage.told(DESK, bytes, lambda one: one == bytes(OCTETS))
            await call.send("wörds")
            await call.send(bytes(OCTETS))
            await here.page.until("data", text="wörds")
            await here.page.until("data", octets=OCTETS)
            assert (await here.page.hear(HEARS_TONE)).level > -40
            await call.hangup()

    run(main)
