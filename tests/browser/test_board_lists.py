"""The lists of the board's page are searched, filtered and paged, and lead further."""

import json
from pathlib import Path

from callboard.config.web import WebSettings
from callboard.control.history.history import History
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import conversation, on_board, opened, settled
from callboard.tests.conftest import Run
from callboard.tests.control.history.past import NOON, add, past
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.media.wav import write_wav
from callboard.tests.web.stage import TOKENS, an_instance
from callboard.web.board import Board

FILTER = """(input => { input.value = %s; input.dispatchEvent(new Event("input")); })(
  document.querySelector("call-list input"))"""
ROWS = "document.querySelectorAll('history-page .rows > li').length"


def test_past_calls_are_searched_and_paged(run: Run, tmp_path: Path, browser: Browser) -> None:
    log = tmp_path / "past.jsonl"
    calls = [past(id=f"call-{n}", started=NOON + n, ended=NOON + n + 1) for n in range(70)]
    add(log, *calls, past(id="other", peer="carol@localhost/x", state="missed"))

    async def main() -> None:
        instance = an_instance(tmp_path)
        instance.history = history = History(log, tmp_path)
        board = await Board.started(WebSettings.model_validate({"tokens": TOKENS}), instance)
        try:
            async with opened(browser, board.port) as page:
                await page.enter("/history", role="view")
                await page.shows("71 calls")
                await page.until(f"{ROWS} === 50")
                await page.press("More")
                await page.until(f"{ROWS} === 71")
                rows = "[...document.querySelectorAll('history-page a.row')].map(a => a.href)"
                assert await page.tab.run(f"new Set({rows}).size") == 71
                field = "document.querySelector('history-page [name=%s]').value = %s"
                for name, value, found in (
                    ("peer", "carol@localhost", "1 call"),
                    ("state", "completed", "No call was found"),
                    ("peer", "", "70 calls"),
                ):
                    await page.tab.run(field % (name, json.dumps(value)))
                    await page.press("Search")
                    await page.shows(found)
                await page.tab.run("document.querySelector('history-page a.row').click()")
                await page.shows("completed", "call-page")
                await page.tab.run("history.back()")
                await page.shows("70 calls")
                kept = "document.querySelector('history-page [name=state]').value"
                assert await page.tab.run(kept) == "completed"
        finally:
            await board.close()
            await history.close()

    run(main)


def test_a_conversation_is_opened_and_a_file_played_in_a_call_that_the_filter_finds(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    write_wav(sounds / "minute.wav", seconds=60)
    web = {"tokens": TOKENS, "files": sounds}

    async def main() -> None:
        async with on_board(browser, tmp_path, web=web) as (stage, page):
            await page.enter(f"/accounts/{ALICE}")
            await page.tab.run(
                f"document.querySelector('conversation-list input').value = {json.dumps(BOB)}"
            )
            await page.press("Open", "conversation-list")
            await page.until(f"location.hash.endsWith({json.dumps(conversation(ALICE, BOB))})")
            out, back = await stage.connected(ALICE, BOB, audio="silence")
            await page.press("Play…", "conversation-view call-strip")
            offered = "[...document.querySelectorAll('#playable option')].map(one => one.value)"
            await page.until(f"{offered}.includes('minute.wav')")
            await page.tab.run("document.querySelector('.call-more input').value = 'minute.wav'")
            await page.press("Play", ".call-more")
            await page.shows("minute.wav is played", "body")
            await page.go("#/calls")
            await page.shows("2 calls")
            for words, found in ((out.id, "2 calls"), ("nobody", "No call fits"), (BOB, "2 calls")):
                await page.tab.run(FILTER % json.dumps(words))
                await page.shows(found)
            await back.hangup()
            await settled(stage, out.id)

    run(main)
