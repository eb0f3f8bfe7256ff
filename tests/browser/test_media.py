"""Media between a bot and Chromium's WebRTC, with stanza.js 12 for the stanzas.

What is shown, by XEP: 0166 and 0167 in both roles, with audio and with video; 0176 (trickled
candidates); 0338 and calls without it; 0293, 0294, 0320 and 0339 as Chromium writes them.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.media import Direction
from callboard.media.rtc.rtp.quality import mean_opinion_score
from callboard.tests.browser.phone import Phone
from callboard.tests.browser.recorded import loudest, pictures
from callboard.tests.browser.stage import BOT, CALLERS, DESK, HEARS_TONE, TONE, Browser, scene
from callboard.tests.conftest import Run

#: What Chromium's fake devices give: a beep twice a second (Hz), and a green picture.
BEEP = 400
SIZE = (320, 240)

#: Packets of 20 ms in which there is a beep.
ENOUGH = 40

WITH_VIDEO = pytest.mark.parametrize("video", [False, True], ids=["audio", "audio and video"])


async def check_page(page: Phone, video: bool) -> None:
    """Check that the page is connected, hears the tone, sees the pattern, and that bytes flow."""
    kinds = ("audio", "video") if video else ("audio",)
    await page.until("connection", state="connected")
    first = await page.statistics()
    heard = await page.hear(HEARS_TONE)
    assert heard.frequency == pytest.approx(TONE, abs=10)
    assert heard.level > -40
    if video:
        seen = await page.see("it.width > 0")
        assert (seen.width, seen.height) == SIZE
        assert seen.clock is not None
        later = await moved(page, seen.clock)
        assert seen.clock < later
    rising = " && ".join(
        f"it.{kind}.{way} > {first[kind][way]}" for kind in kinds for way in ("sent", "received")
    )
    last = await page.look("statistics", f"it.pairs.length && {rising}")
    assert all(pair["remote"].startswith("127.0.0.1:") for pair in last["pairs"])
    for kind in kinds:
        for way in ("sent", "received"):
            assert last[kind][way] > first[kind][way], f"{kind} is not {way}: {first} {last}"


async def moved(page: Phone, clock: float) -> float:
    """Return the clock that the page sees once it is another."""
    while True:
        seen = await page.see("it.width > 0")
        if seen.clock is not None and seen.clock != clock:
            return seen.clock


def check_recording(record: CallRecord, video: bool) -> None:
    """Check that the recording holds the browser's beep and picture, and our own tone."""
    frequency, level = loudest(record, Direction.RECEIVED)
    assert frequency == pytest.approx(BEEP, abs=25)
    assert level > -20
    frequency, level = loudest(record, Direction.SENT)
    assert frequency == pytest.approx(TONE, abs=10)
    if video:
        found = pictures(record, Direction.RECEIVED)
        height, width, _ = found[-1].shape
        assert (width, height) == SIZE
        red, green, blue = found[-1].mean(axis=(0, 1))
        assert green > 100 > max(red, blue)
        changes = [np.abs(b - a).max() for a, b in pairwise(found)]
        assert max(changes) > 100


def check_record(record: CallRecord, video: bool) -> None:
    """Check that the detail record tells of media both ways."""
    assert record.state == "completed"
    kinds: dict[str, Any] = {one["kind"]: one for one in record.media}
    assert sorted(kinds) == (["audio", "video"] if video else ["audio"])
    for one in kinds.values():
        assert one["sent"] > 0
        assert one["received"] > 0
    audio = kinds["audio"]
    share = audio["lost"] / (audio["lost"] + audio["received"])
    # Without the delay, which a busy machine adds to.
    score = mean_opinion_score(audio["codec"], lost=share)
    assert score is not None
    assert score > 4
    assert 1 <= audio["mos"] <= score + 0.01


@WITH_VIDEO
def test_a_bot_calls_the_page(browser: Browser, video: bool, tmp_path: Path, run: Run) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            call = await here.bot_calls(video, record=True)
            await check_page(here.page, video)
            await here.stage.media(DESK, "audio", ENOUGH)
            await call.hangup()
            assert (await here.page.until("terminated"))["reason"] == "success"
            return await call.ended()

    record = run(main)
    check_record(record, video)
    check_recording(record, video)


@WITH_VIDEO
def test_the_page_calls_a_bot(browser: Browser, video: bool, tmp_path: Path, run: Run) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            call = await here.page_calls(video, record=True)
            assert call.media == (("audio", "video") if video else ("audio",))
            await check_page(here.page, video)
            await here.stage.media(DESK, "audio", ENOUGH)
            await here.page("hangup")
            return await call.ended()

    record = run(main)
    check_record(record, video)
    check_recording(record, video)


@pytest.mark.parametrize(("caller", "audio"), [("bot", "PCMU"), ("page", "PCMA")])
def test_a_page_that_knows_one_codec_of_each_kind(
    browser: Browser, caller: str, audio: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            await here.page("be", {"codecs": {"audio": audio, "video": "H264"}})
            call = await here.called_by(caller, video=True, record=True)
            await check_page(here.page, True)
            await here.stage.media(DESK, "audio", ENOUGH)
            await here.page("hangup")
            return await call.ended()

    record = run(main)
    check_record(record, True)
    check_recording(record, True)
    assert [one["codec"] for one in record.media] == [audio, "H264"]


def test_a_page_that_sends_another_codec_than_it_lists_is_heard_and_seen(
    browser: Browser, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            await here.page("be", {"prefers": {"audio": "PCMU", "video": "H264"}})
            call = await here.bot_calls(video=True, record=True)
            await check_page(here.page, True)
            await here.stage.media(DESK, "audio", ENOUGH)
            await here.stage.media(DESK, "video", ENOUGH)
            await here.page("hangup")
            return await call.ended()

    record = run(main)
    check_record(record, True)
    check_recording(record, True)
    assert [one["codec"] for one in record.media] == ["PCMU", "H264"]


@pytest.mark.parametrize("caller", CALLERS)
def test_a_page_without_bundle_has_two_transports(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> CallRecord:
        async with scene(browser, tmp_path) as here:
            await here.page("be", {"unbundled": True})
            call = await here.called_by(caller, video=True, record=True)
            await check_page(here.page, True)
            assert await here.page("transports") == 2
            await here.stage.media(DESK, "audio", ENOUGH)
            await call.hangup()
            return await call.ended()

    record = run(main)
    check_record(record, True)
    check_recording(record, True)


@pytest.mark.parametrize("caller", CALLERS)
def test_candidates_come_after_the_description(
    browser: Browser, caller: str, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            await here.called_by(caller)
            await here.page.hear(HEARS_TONE)
            await here.page.until("connection", state="connected")
            await here.page.until("gathered")
            described = "session-accept" if caller == "bot" else "session-initiate"
            first = next(one for one in here.page.said() if described in one)
            assert "<candidate" not in first
            trickled = [one for one in here.page.said() if "transport-info" in one]
            assert any('protocol="udp"' in one for one in trickled)
            assert not any(" pwd=" in one for one in trickled)
            assert "type='error'" not in here.page.dialogue()

    run(main)


def test_an_echo_comes_back_to_the_page(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path, bot="echo") as here:
            await here.page("call", BOT, True)
            heard = await here.page.hear(f"Math.abs(it.frequency - {BEEP}) < 25 && it.level > -40")
            assert heard.frequency == pytest.approx(BEEP, abs=25)
            seen = await here.page.see("it.width > 0")
            assert (seen.width, seen.height) == SIZE

    run(main)


def test_a_bot_listens_and_looks(browser: Browser, tmp_path: Path, run: Run) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path, media={"path": "frames"}) as here:
            call = await here.page_calls(True)
            async for frame in call.frames("video"):
                assert (frame.width, frame.height) == SIZE
                break
            async for frame in call.frames("audio"):
                if np.abs(frame.to_ndarray().astype(np.int32)).max() > 10_000:
                    break
            await call.hangup()

    run(main)


def test_a_page_without_a_camera_sees_and_is_not_seen(
    browser: Browser, tmp_path: Path, run: Run
) -> None:
    async def main() -> None:
        async with scene(browser, tmp_path) as here:
            call = await here.desk.call(here.page.jid, audio=f"tone:{TONE}", video="pattern")
            await here.page.until("incoming")
            await here.page("accept", False)
            await call.connected()
            assert (await here.page.see("it.width > 0")).clock is not None
            assert (await here.page.hear(HEARS_TONE)).level > -40
            await here.stage.media(DESK, "audio", ENOUGH)
            await call.hangup()
            kinds = {one["kind"]: one for one in (await call.ended()).media}
            assert kinds["video"]["sent"] > 0
            assert kinds["video"]["received"] == 0

    run(main)
