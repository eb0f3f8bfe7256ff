"""Pages that a bot bridges with each other, and with another bot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.bots import Call
from callboard.media import Direction
from callboard.tests.browser.phone import Phone, phone
from callboard.tests.browser.recorded import loudest, pictures
from callboard.tests.browser.stage import BOT, DESK, HEARS_NOTHING, Browser, show
from callboard.tests.conftest import Run
from callboard.tests.live.stage import BOB, PASSWORD, Stage, staged


@dataclass(frozen=True)
class Guest:
    """What somebody sends: a tone in Hz, and pictures of a width."""

    tone: int
    width: int
    codecs: dict[str, str]

    def be(self) -> dict[str, Any]:
        """What a page is to be like."""
        return {"tone": self.tone, "width": self.width, "codecs": self.codecs}


ANNA = Guest(700, 320, {})
BERT = Guest(1000, 160, {})
VP8, H264 = {"video": "VP8"}, {"video": "H264"}
OPUS, PCMU = {"audio": "opus"}, {"audio": "PCMU"}


@asynccontextmanager
async def pages(browser: Browser, folder: Path) -> AsyncIterator[tuple[Stage, list[Phone]]]:
    """A bot, and two pages that are logged in."""
    options: dict[str, Any] = {"guests": ["anna", "bert"], "websocket": True}
    async with (
        phone(*browser, show) as one,
        phone(*browser, show) as other,
        staged(folder, [{"jid": BOT}, BOB], **options) as stage,
    ):
        for name, page in (("anna", one), ("bert", other)):
            await page.login(f"{name}@localhost", PASSWORD, stage.prosody.websocket)
        yield stage, [one, other]


async def calls(stage: Stage, page: Phone, guest: Guest) -> Call:
    """Let a page call the bot, which records."""
    await page("be", guest.be())
    call = await stage.ringing(DESK, await page("call", BOT, True))
    await call.answer(audio="silence", video="silence", record=True)
    await page.until("connection", state="connected")
    return call


async def meets(page: Phone, other: Guest) -> None:
    """Wait until a page hears and sees somebody."""
    heard = await page.hear(f"Math.abs(it.frequency - {other.tone}) < 15 && it.level > -40")
    assert heard.frequency == pytest.approx(other.tone, abs=15)
    assert heard.level > -40
    seen = await page.see(f"it.width === {other.width} && Math.max(...it.luma) > 60")
    assert (seen.width, seen.height) == (other.width, other.width * 3 // 4)
    assert max(seen.luma) > 60, "it is black"


def check_recording(record: CallRecord, own: Guest, other: Guest) -> None:
    """Check that a recording has what both sides sent."""
    for direction, guest in ((Direction.RECEIVED, own), (Direction.SENT, other)):
        frequency, level = loudest(record, direction)
        assert frequency == pytest.approx(guest.tone, abs=25)
        assert level > -30
        found = [one for one in pictures(record, direction) if one.shape[1] == guest.width]
        assert max(one[:, :, 1].mean() for one in found) > 100, f"{direction}: they are not green"


@pytest.mark.parametrize(
    ("one", "other"),
    [({}, {}), (VP8, H264), (OPUS, PCMU)],
    ids=["the same codecs", "VP8 and H.264", "Opus and PCMU"],
)
def test_two_pages_hear_and_see_each_other(
    browser: Browser, one: dict[str, str], other: dict[str, str], tmp_path: Path, run: Run
) -> None:
    anna, bert = (Guest(ANNA.tone, ANNA.width, one), Guest(BERT.tone, BERT.width, other))

    async def main() -> list[CallRecord]:
        async with pages(browser, tmp_path) as (stage, [here, there]):
            first = await calls(stage, here, anna)
            second = await calls(stage, there, bert)
            bridge = await first.bridge(second)
            await asyncio.gather(meets(here, bert), meets(there, anna))
            assert bridge.is_open
            await there("hangup")
            assert (await here.until("terminated"))["reason"] == "success"
            return [await call.ended() for call in (first, second)]

    records = run(main)
    check_recording(records[0], anna, bert)
    check_recording(records[1], bert, anna)
    for kind, wanted in (("audio", "opus"), ("video", "VP8")):
        found = [_codec(record, kind) for record in records]
        assert found == [one.get(kind, wanted), other.get(kind, wanted)]
    assert [record.bridges[0].uuid for record in records] == [records[1].uuid, records[0].uuid]


def _codec(record: CallRecord, kind: str) -> str:
    [codec] = [medium["codec"] for medium in record.media if medium["kind"] == kind]
    return str(codec)


def test_a_page_and_a_bot_hear_and_see_each_other(
    browser: Browser, tmp_path: Path, run: Run
) -> None:
    anna = Guest(ANNA.tone, ANNA.width, VP8 | PCMU)

    async def main() -> CallRecord:
        async with pages(browser, tmp_path) as (stage, [here, _]):
            first = await calls(stage, here, anna)
            second = await stage.puppets[DESK].call(BOB, video="silence", like=first)
            bob = await stage.ringing(BOB, second.id)
            await bob.answer(audio="tone:1000", video="pattern", record=True)
            bridge = await first.bridge(second, on_hangup="one")
            await here.hear("Math.abs(it.frequency - 1000) < 15 && it.level > -40")
            before = (await here.see("it.width > 0 && it.luma.some((one) => one > 200)")).clock
            assert before is not None
            packets = (await bob.status()).statistics[0].received
            await stage.media(BOB, "audio", packets + 50)
            await bob.hangup()
            await bridge.ended()
            await here.hear(HEARS_NOTHING)
            assert here.all("terminated") == []
            await first.hangup()
            await first.ended()
            return await bob.ended()

    record = run(main)
    assert [medium["codec"] for medium in record.media] == ["PCMU", "VP8"]
    frequency, _ = loudest(record, Direction.RECEIVED)
    assert frequency == pytest.approx(anna.tone, abs=25)
    sizes = {picture.shape[1] for picture in pictures(record, Direction.RECEIVED)}
    assert anna.width in sizes
