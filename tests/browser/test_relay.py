"""A call with Chromium's WebRTC through coturn, which the bot learns of from its server (XEP-0215).

Neither side tells an address of its own.
"""

import re
from pathlib import Path

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.tests.browser.stage import CALLERS, DESK, Browser, scene
from callboard.tests.browser.test_media import (
    ENOUGH,
    check_page,
    check_record,
    check_recording,
)
from callboard.tests.conftest import Run
from callboard.tests.media.coturn import coturn, needs_coturn

TYPES = re.compile(r"<candidate [^>]*\btype=['\"](\w+)")


@needs_coturn
@pytest.mark.parametrize("caller", CALLERS)
def test_both_sides_send_through_the_relay_alone(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with (
            coturn(tmp_path) as relay,
            scene(browser, tmp_path, {"relay": "only"}, relay) as here,
        ):
            await here.page("be", {"relayed": True})
            call = await here.called_by(caller, record=True)
            await check_page(here.page, False)
            [pair] = (await here.page.statistics())["pairs"]
            assert (pair["localType"], pair["remoteType"]) == ("relay", "relay")
            assert set(TYPES.findall(here.page.dialogue())) == {"relay"}
            await here.stage.media(DESK, "audio", ENOUGH)
            await call.hangup()
            return await call.ended()

    record = run(main)
    check_record(record, False)
    check_recording(record, False)
