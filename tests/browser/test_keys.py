"""Keys between a bot and Chromium: what its RTCDTMFSender presses, and what it makes of ours.

Chromium plays the tones of the keys that it receives, so they are heard in what the page hears.
"""

import asyncio
from pathlib import Path

import pytest
from callboard.tests.browser.stage import CALLERS, HEARS_NOTHING, HEARS_TONE, Browser, scene
from callboard.tests.conftest import Run

#: Keys that have each of the eight tones, and theirs in Hz (ITU-T Q.23).
TONES = {"1": (697, 1209), "5": (770, 1336), "9": (852, 1477), "D": (941, 1633)}
#: How far off they may be, in Hz: the width of a line in the page's spectrum is six.
NEAR = 12

CODECS = pytest.mark.parametrize("codec", ["opus", "PCMU"])


@CODECS
@pytest.mark.parametrize("caller", CALLERS)
def test_keys_that_chromium_presses_are_read(
    browser: Browser, codec: str, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            await here.page("be", {"codecs": {"audio": codec}})
            call = await here.called_by(caller)
            await here.page.until("connection", state="connected")
            await here.page("press", "0123456789*#ABCD", 100, 70)
            await here.page("press", "7", 2_000, 70)
            await here.page("press", "55", 40, 30)
            assert await call.read_digits(19) == "0123456789*#ABCD755"
            await call.hangup()
            record = await call.ended()
            assert record.media[0]["codec"] == codec
            assert record.digits is None

    run(main)


@CODECS
def test_chromium_hears_the_keys_that_we_press(
    browser: Browser, codec: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            page = here.page
            await page("be", {"codecs": {"audio": codec}})
            call = await here.page_calls()
            await page.hear(HEARS_TONE)
            for key, (low, high) in TONES.items():
                pressing = asyncio.ensure_future(call.press(key, duration="3s"))
                is_low, is_high = (
                    f"Math.abs(it.{group} - {tone}) < {NEAR}"
                    for group, tone in (("low", low), ("high", high))
                )
                heard = await page.look("hearKey", f"{is_low} && {is_high} && it.level > -40")
                assert heard["low"] == pytest.approx(low, abs=NEAR)
                assert heard["high"] == pytest.approx(high, abs=NEAR)
                assert heard["level"] > -40
                await pressing
            heard_again = await page.hear(HEARS_TONE)
            assert heard_again.level > -40
            await call.play("silence")
            await page.hear(HEARS_NOTHING)

    run(main)
