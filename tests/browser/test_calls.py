"""Calls with a browser: Chromium's WebRTC, and stanza.js 12 for the stanzas."""

from pathlib import Path

from callboard.tests.browser.stage import PAGE, Browser, scene
from callboard.tests.conftest import Run


def test_a_bot_calls_the_page(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.desk.call(here.page.jid, audio="tone:440", record=True)
            await here.page.until("incoming")
            await here.page("accept", False)
            await call.connected()
            await here.page.until("connection", state="connected")
            heard = await here.page.hear("Math.abs(it.frequency - 440) < 10 && it.level > -40")
            assert abs(heard.frequency - 440) < 10, heard
            await call.hangup()
            assert (await here.page.until("terminated"))["reason"] == "success"
            record = await call.ended()
            assert (record.state, record.peer) == ("completed", here.page.jid)
            assert record.peer.startswith(PAGE)

    run(main)
