"""ICE restarted in mid-call by Chromium's WebRTC, with stanza.js 12 (XEP-0176 §5.7).

stanza.js restarts ICE only of calls that it has placed, and takes our credentials out of
transport-info by itself.
"""

from pathlib import Path

from callboard.actors.call_record import CallRecord
from callboard.media import Direction
from callboard.tests.browser.recorded import longest_silence
from callboard.tests.browser.stage import DESK, Browser, scene
from callboard.tests.browser.test_media import (
    ENOUGH,
    WITH_VIDEO,
    check_page,
    check_record,
    check_recording,
)
from callboard.tests.conftest import Run


@WITH_VIDEO
def test_the_page_restarts_ice(browser: Browser, video: bool, tmp_path: Path, run: Run) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            call = await here.page_calls(video, record=True)
            await check_page(here.page, video)
            await here.stage.media(DESK, "audio", ENOUGH)
            [before] = (await here.page.statistics())["pairs"]
            await here.page("restart")
            other = f"it.pairs[0].local !== '{before['local']}'"
            other += f" && it.pairs[0].remote !== '{before['remote']}'"
            [after] = (await here.page.look("statistics", f"it.pairs.length && {other}"))["pairs"]
            assert after["local"] != before["local"]
            assert after["remote"] != before["remote"]
            await check_page(here.page, video)
            [received] = [
                one.received for one in (await call.status()).statistics if one.kind == "audio"
            ]
            await here.stage.media(DESK, "audio", received + ENOUGH)
            assert here.page.all("ice")[-1]["state"] in ("connected", "completed")
            assert not here.page.all("complaint")
            await here.page("hangup")
            return await call.ended()

    record = run(main)
    check_record(record, video)
    assert all(one["lost"] == 0 for one in record.media)
    check_recording(record, video)
    # There are two beeps a second.
    assert longest_silence(record, Direction.RECEIVED) < 0.6
    assert longest_silence(record, Direction.SENT) < 0.1
