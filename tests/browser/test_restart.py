"""ICE restarted in mid-call with Chromium's WebRTC (XEP-0176 §5.7), by whichever side called.

stanza.js 12 takes our credentials out of transport-info by itself. It restarts ICE, and lets it
be restarted, only from the initiator's side.
"""

from pathlib import Path

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.media import Direction
from callboard.tests.browser.recorded import longest_silence
from callboard.tests.browser.stage import CALLERS, DESK, Browser, scene
from callboard.tests.browser.test_media import (
    ENOUGH,
    WITH_VIDEO,
    check_page,
    check_record,
    check_recording,
)
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import lateness


@pytest.mark.parametrize("restarts", CALLERS)
@WITH_VIDEO
def test_the_caller_restarts_ice(
    browser: Browser, restarts: str, video: bool, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            call = await here.called_by(restarts, video, record=True)
            await check_page(here.page, video)
            await here.stage.media(DESK, "audio", ENOUGH)
            [before] = (await here.page.statistics())["pairs"]
            await (here.page("restart") if restarts == "page" else call.restart_ice())
            other = f"it.pairs.length && it.pairs[0].remote !== '{before['remote']}'"
            [after] = (await here.page.look("statistics", other))["pairs"]
            assert after["remote"] != before["remote"]
            await here.stage.step(DESK, "ice-restart")
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
    # There are two beeps a second. A busy machine holds up the loop, and what encodes beside it or
    # at the other end.
    held_up = 2 * lateness()
    assert longest_silence(record, Direction.RECEIVED) < 0.6 + held_up
    assert longest_silence(record, Direction.SENT) < 0.1 + held_up
