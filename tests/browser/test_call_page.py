"""The board's page of one call in a real browser: live, after its end, and through a relay."""

from pathlib import Path

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import on_board, opened, settled
from callboard.tests.browser.test_board_page import check_looks
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.media.coturn import PASSWORD, USER, coturn, needs_coturn
from callboard.tests.web.stage import TOKENS

DRAWN = "document.querySelectorAll('quality-plots canvas').length === 4"


def test_a_past_call_has_its_plots_in_a_page_opened_later(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with (
            on_board(browser, tmp_path) as (stage, page),
            opened(browser, page.port) as later,
        ):
            out, _ = await stage.connected(ALICE, BOB)
            await stage.until(CallStatus, lambda one: one.account == ALICE and one.seconds > 3)
            await page.enter(f"/calls/{out.id}")
            await page.until(DRAWN)  # what was before it was opened, too
            await out.hangup()
            await settled(stage, out.id)
            record = await stage.record(ALICE, out.id)
            await later.enter(f"/calls/{record.uuid}")
            await later.shows(record.uuid)
            await later.until(DRAWN)
            await check_looks(later)

    run(main)


@pytest.mark.parametrize("media", [{"audio": "tone"}, {"audio": "tone", "video": "pattern"}])
def test_a_recording_that_browsers_do_not_play_says_so(
    run: Run,
    tmp_path: Path,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    media: dict[str, str],
) -> None:
    few = {"audio": ("PCMU",), "video": ("VP8",)}
    monkeypatch.setattr("callboard.media.rtc.offer_answer.CODECS", few)

    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB, **media)
            await out.record()
            for kind in media:
                await stage.media(ALICE, kind, 20)
            await out.hangup()
            await settled(stage, out.id)
            record = await stage.record(ALICE, out.id)
            await page.enter(f"/calls/{record.uuid}")
            for side in ("Peer's side", "Bot's side"):
                await page.shows(f"{side}: Browsers can't play pcm_mulaw", "recording-player")
            await page.until("!document.querySelector('recording-player :is(audio, video)')")
            await check_looks(page)

    run(main)


def test_what_others_do_to_a_call_is_shown(run: Run, tmp_path: Path, browser: Browser) -> None:
    pressed = "[...document.querySelectorAll('call-strip button[aria-pressed=true]')]"
    words = f"{pressed}.map(one => one.textContent).join()"

    async def main() -> None:
        async with (
            on_board(browser, tmp_path) as (stage, page),
            opened(browser, page.port) as other,
        ):
            out, _ = await stage.connected(ALICE, BOB, audio="tone", video="pattern")
            await page.enter(f"/calls/{out.id}/{ALICE}")
            await page.press("Mute", "call-strip")
            await page.until(f"{words} === 'Mute'")
            await out.hold()
            await out.mute("video")
            recording = await out.record()
            await page.until(f"{words} === 'Hold,Mute,Hide picture,Record'")
            await page.shows("on hold", ".badges")
            await out.hold(False)
            await recording.stop()
            await page.until(f"{words} === 'Mute,Hide picture'")
            await other.enter(f"/calls/{out.id}/{ALICE}", role="listen")
            await other.press("Listen")
            await page.shows("1 listener", ".badges")
            await page.shows("hears the peer", ".facts")
            await other.press("Snapshot")
            await other.until("document.querySelector('.snapshot img').naturalWidth > 100")
            await check_looks(other)
            await other.press("Stop listening")
            await page.until("!document.querySelector('.badges').innerText.includes('listener')")
            await out.hangup()
            await settled(stage, out.id)

    run(main)


@needs_coturn
def test_a_page_listens_and_talks_through_a_relay_alone(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    spy = """(() => {
      globalThis.made = [];
      const Real = RTCPeerConnection;
      globalThis.RTCPeerConnection = class extends Real {
        constructor(...given) { super(...given); made.push(this); }
      };
    })()"""
    pairs = """(async () => {
      const found = [];
      for (const one of made) {
        const report = await one.getStats();
        for (const pair of report.values())
          if (pair.type === "candidate-pair" && pair.nominated)
            found.push(report.get(pair.localCandidateId).candidateType);
      }
      return found.join();
    })()"""

    async def main() -> None:
        async with coturn(tmp_path) as relay:
            server = {"url": relay.turn().url, "user": USER, "password": PASSWORD, "only": True}
            web = {"tokens": TOKENS, "media": {"relay": server}}
            async with on_board(browser, tmp_path, web=web) as (stage, page):
                out, _ = await stage.connected(ALICE, BOB)
                await page.enter(f"/calls/{out.id}/{ALICE}")
                await page.tab.run(spy)
                await page.tab.run(SOUND)
                await page.press("Listen")
                await page.shows("1 listener", ".badges")
                await page.until(
                    "made.length === 2 && made.every(one => one.connectionState === 'connected')"
                )
                assert set((await page.tab.run(pairs)).split(",")) == {"relay"}
                assert {one.part for one in (await out.status()).guests} == {"received", "sent"}
                await out.hangup()
                await settled(stage, out.id)

    run(main)
