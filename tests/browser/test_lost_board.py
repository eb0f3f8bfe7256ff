"""What the page shows, and keeps, when the board or its visitor is gone."""

import asyncio
import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import UNANSWERED, conversation, on_board, opened
from callboard.tests.browser.test_board_page import check_looks
from callboard.tests.cli.command import Running, running
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.web.stage import TOKENS, bare_board

FILE = """\
recordings: recordings/
drain: 0
web: {{address: {port}, tokens: {tokens}}}
accounts:
  - {{jid: bob@localhost, bot: echo}}
  - {{jid: alice@localhost, bot: silent}}
"""
#: The buttons that do nothing now, and those that do something still.
BUTTONS = """[...document.querySelectorAll("main button")]
  .filter(one => (one.getAttribute("aria-disabled") === "true") === %s)
  .map(one => one.textContent)"""


#: When the log has the run begin that it is of.
BEGAN = """[...document.querySelectorAll(".log-line")].filter(
  one => one.innerText.includes("has started")).map(one => one.querySelector("time").dateTime)"""


def declared(folder: Path) -> tuple[Path, int]:
    """Return a file of two accounts with a board, and the board's port."""
    port, *_ = free_ports(1)
    file = folder / "accounts.yaml"
    file.write_text(FILE.format(port=port, tokens=json.dumps(TOKENS)))
    return file, port


def is_ready(jid: str, event: dict[str, Any]) -> bool:
    return (event["event"], event.get("jid")) == ("AccountReady", jid)


async def both_ready(program: Running) -> None:
    for jid in (ALICE, BOB):
        await asyncio.to_thread(program.until, partial(is_ready, jid))


def test_a_page_whose_board_was_killed_says_so_and_offers_nothing(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    file, port = declared(tmp_path)

    async def main() -> None:
        async with (
            opened(browser, port) as page,
            opened(browser, port) as log,
            opened(browser, port) as past,
        ):
            with running("run", file) as first:
                await both_ready(first)
                await log.enter("/log")
                await log.shows("has started", "log-page")
                [began] = await log.tab.run(BEGAN)
                await past.enter("/history")
                await past.shows("No call has ended yet")
                await page.enter(conversation(ALICE, BOB))
                await page.press("Call", ".call-form")
                await page.shows("connected", "conversation-view call-strip")
                await page.shows("online", "account-list")
                assert await page.tab.run(BUTTONS % "true") == []
                first.process.kill()
                await page.shows("Callboard has not answered since ", ".lost-note")
            await page.shows("was online", "account-list")
            await page.shows("was connected", "conversation-view call-strip")
            await page.shows("was online", ".conversation-head")
            await page.until(f"{BUTTONS % 'true'}.includes('Hang up')")
            assert set(await page.tab.run(BUTTONS % "false")) <= {"Stop listening"}
            await check_looks(page)
            await page.tab.run(UNANSWERED)
            await page.tab.run("document.querySelector('textarea').value = 'Hello'")
            for words in ("Hang up", "Hold", "Send"):
                await page.press(words)
            assert await page.tab.run("posts") == []
            await page.go("#/calls")
            await page.shows("was connected", "call-list")
            await page.until(f"{BUTTONS % 'true'}.includes('Hang up')")
            with running("run", file):
                await page.shows("live", ".link-state")
                await page.shows("No calls go on")
                await page.shows("The 2 calls of before ended with it", ".notices")
                await check_looks(page)
                await past.shows("2 calls")
                await log.until(f"({BEGAN}).length === 1 && ({BEGAN})[0] !== {json.dumps(began)}")
                await log.shows("logged in", "log-page")
                said = await log.tab.run("document.querySelector('main').innerText")
                assert "missing" not in said
                # Nothing was written there, and yet it is known with whom there was a call.
                await page.go(f"#/accounts/{ALICE}")
                await page.shows(BOB, "conversation-list")
                await page.go(f"#{conversation(ALICE, BOB)}")
                await page.shows("Call failed", ".messages")
                assert await page.tab.run(BUTTONS % "true") == []
                assert await page.tab.run("document.querySelector('.lost-note').innerText") == ""

    run(main)


#: Has the page ask whether the board is there, as it does when it has heard nothing for a while.
CHECK = "import('/page/board.js').then(({board}) => board.check())"


def test_a_board_that_stands_still_is_noticed_and_so_is_its_return(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    file, port = declared(tmp_path)

    async def main() -> None:
        async with opened(browser, port) as page:
            with running("run", file) as found:
                await both_ready(found)
                await page.enter("/accounts")
                await page.shows("online", "account-list")
                await page.tab.run(CHECK)
                assert await page.tab.run("document.querySelector('.lost-note').innerText") == ""
                found.process.send_signal(signal.SIGSTOP)
                try:
                    await page.tab.run(CHECK)
                    await page.shows("Callboard has not answered since ", ".lost-note")
                    await page.shows("was online", "account-list")
                finally:
                    found.process.send_signal(signal.SIGCONT)
                await page.shows("live", ".link-state")
                await page.until("!document.querySelector('.lost-note').innerText")
                await page.shows("online · echo", "account-list")

    run(main)


#: What of a visitor's the page keeps.
KEPT = """(async () => {
  const [{board}, {session}] = await Promise.all(
    ["board", "session"].map(one => import(`/page/${one}.js`)));
  const {drafts, searched, awaited} = session;
  const sizes = [board.accounts, board.calls, board.samples, board.records, board.placed,
    drafts, awaited].map(one => one.size);
  return [sizes.some(Boolean), Object.values(searched).some(Boolean), sessionStorage.length > 0,
    document.querySelectorAll(".notice, call-strip").length > 0];
})()"""


def test_nothing_of_a_visitor_is_left_for_the_next_one(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await page.enter(conversation(ALICE, BOB))
            await page.press("Play…", "conversation-view call-strip")
            await page.press("Play", "conversation-view call-strip")
            await page.until("document.querySelector('.notice')")
            await page.tab.run("document.querySelector('textarea').focus()")
            await page.tab.write("Half a word")
            await page.go("#/history")
            await page.until("document.querySelector('history-page input')")
            await page.tab.run("document.querySelector('history-page input').value = 'a secret'")
            await page.press("Search")
            await page.until(f"{KEPT}.then(([, isSearched]) => isSearched)")
            assert await page.tab.run(KEPT) == [True, True, False, True]
            await page.press("Log out", "body")
            await page.until("document.querySelector('log-in')")
            assert await page.tab.run(KEPT) == [False] * 4
            assert await page.tab.run("location.hash") == "#/"
            await page.tab.write(TOKENS["control"])
            await page.tab.key("Enter")
            await page.until("document.querySelector('account-list')")
            await page.go("#/history")
            await page.until("document.querySelector('history-page input')")
            assert await page.tab.run("document.querySelector('history-page input').value") == ""
            await page.go(f"#{conversation(ALICE, BOB)}")
            await page.until("document.querySelector('textarea')")
            assert await page.tab.run("document.querySelector('textarea').value") == ""
            await out.hangup()
            for account in (ALICE, BOB):
                await stage.record(account, out.id)

    run(main)


def test_who_logs_out_while_the_board_is_away_leaves_nothing_on_the_page(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    port, *_ = free_ports(1)
    answers = "fetch('/api/session').then(({status}) => status)"

    async def main() -> None:
        async with opened(browser, port) as page:
            async with bare_board(tmp_path, address=port):
                await page.enter("/accounts/desk%40localhost")
                await page.shows("desk@localhost", "account-list")
                assert await page.tab.run(answers) == 200
            await page.shows("no connection", ".link-state")
            await page.press("Log out", "body")
            await page.shows("your visit has not ended there yet", "log-in")
            await check_looks(page)
            assert await page.tab.run("document.querySelector('main nav, account-list')") is None
            assert await page.tab.run("location.hash") == "#/"
            async with bare_board(tmp_path, address=port):
                assert await page.tab.run(answers) == 200, "nobody but Callboard ends a visit"
                await page.tab.open(page.url)
                await page.until("document.querySelector('log-in')")
                assert await page.tab.run(answers) == 401
                await page.enter("/accounts")
                await page.tab.open(page.url)
                await page.shows("desk@localhost", "account-list")

    run(main)


def test_a_board_that_was_stopped_says_so_before_it_goes(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    port, *_ = free_ports(1)

    async def main() -> None:
        async with opened(browser, port) as page:
            async with bare_board(tmp_path, address=port):
                await page.enter("/accounts")
                await page.shows("live", ".link-state")
            await page.shows("Callboard was stopped at ", ".lost-note")
            await page.shows("it prints a new link when it starts", ".lost-note")
            for width in (360, 1280):
                await page.tab.look(width, 720, "dark")
                await check_looks(page)
            async with bare_board(tmp_path, address=port):
                await page.until("!document.querySelector('.lost-note').innerText")

    run(main)
