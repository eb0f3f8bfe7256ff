"""What the page tells a newcomer: what a call waits for, who answers nothing, and what happened."""

import json
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import AccountChanged
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import conversation, on_board, settled
from callboard.tests.browser.test_board_page import check_looks
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL

#: A bot beside Alice's, and what is said of a call to it and of messages for it.
HINTS = [
    ("silent", "The bot of bob@localhost, silent, lets calls ring and never answers.", True),
    ("operator", "It rings here, until somebody takes it.", True),
    ("puppet", "The bot of bob@localhost, puppet, has not answered yet.", False),
]


@pytest.mark.parametrize(("bot", "waits", "is_deaf"), HINTS)
def test_who_does_not_answer_is_named(
    run: Run, tmp_path: Path, browser: Browser, bot: str, waits: str, is_deaf: bool
) -> None:
    accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": bot}]
    deaf = f"The bot of {BOB}, {bot}, does not read messages: it answers none."

    async def main() -> None:
        async with on_board(browser, tmp_path, accounts=accounts) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            await page.shows("online", ".conversation-head")
            await page.shows(deaf if is_deaf else "", ".deaf")
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            await page.shows("ringing", "conversation-view call-strip")
            await page.shows(waits, "conversation-view call-strip")
            assert await page.tab.run("document.querySelector('.deaf').innerText") == (
                deaf if is_deaf else ""
            )
            await check_looks(page)
            # Bob's own page offers the buttons that take it.
            await page.go(f"#{conversation(BOB, ALICE)}")
            await page.shows("Decline", "conversation-view call-strip")
            text = "document.querySelector('conversation-view call-strip').innerText"
            assert waits not in await page.tab.run(text)
            await out.hangup()
            await settled(stage, out.id)

    run(main)


def test_a_call_to_who_is_logged_out_says_what_it_waits_for(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            await page.press("Log out", f"account-row[data-key='{BOB}']")
            await stage.until(AccountChanged, lambda one: (one.jid, one.state) == (BOB, "closed"))
            await page.shows("logged out · puppet", "account-list")
            await page.press("Call", ".call-form")
            await page.shows(
                f"{BOB} is not logged in: nobody answers unless it logs in.",
                "conversation-view call-strip",
            )
            await page.press("Hang up", "conversation-view")
            await stage.record(ALICE)

    run(main)


def test_an_address_that_is_none_opens_no_conversation(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (_, page):
            await page.enter(f"/accounts/{ALICE}")
            await page.until("document.querySelector('conversation-list input')")
            field = "document.querySelector('conversation-list input')"
            for wrong in ("@localhost", "a@b@c", "a b@localhost"):
                await page.tab.run(f"{field}.value = {json.dumps(wrong)}")
                await page.press("Open", "conversation-list")
                await page.until("document.querySelector('.notice')")
                assert await page.tab.run("location.hash") == f"#/accounts/{ALICE}"
                assert await page.tab.run("document.querySelector('conversation-view')") is None
                await page.tab.run("document.querySelector('.notices').replaceChildren()")
            # Nor does a link with one.
            await page.go(f"#{conversation(ALICE, 'a@b@c')}")
            await page.shows("There is no such address", ".third")
            assert (
                await page.tab.run("document.querySelectorAll('.third :is(button, form)').length")
                == 0
            )
            await check_looks(page)

    run(main)


#: In how many columns and rows the keys are.
KEYS = """(() => {
  const keys = [...document.querySelectorAll(".keypad button")];
  const boxes = keys.map(one => one.getBoundingClientRect());
  return [new Set(boxes.map(one => one.left)).size, new Set(boxes.map(one => one.top)).size];
})()"""


def test_keys_are_as_on_a_phone(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await page.enter(f"/calls/{out.id}")
            await page.press("Keypad", "call-strip")
            for width in (360, 480, 601, 1280):
                await page.tab.look(width, 800, "light")
                assert await page.tab.run(KEYS) == [3, 4], width
            await out.hangup()
            await settled(stage, out.id)

    run(main)


#: The lines of the log that are shown, without their times.
LINES = """[...document.querySelectorAll(".log-line")].map(
  one => [...one.children].slice(1).map(each => each.innerText.trim()).join(" "))"""


def test_the_log_has_logins_and_the_ends_of_calls(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    accounts = [ALICE, BOB, CAROL]

    async def main() -> None:
        async with on_board(browser, tmp_path, accounts=accounts) as (stage, page):
            first, _ = await stage.connected(ALICE, BOB)
            await first.hangup()
            await settled(stage, first.id)
            await page.enter("/log")
            await page.shows("The log since Callboard's start", "log-page")
            await page.shows("has started", "log-page")
            await page.until(f"{LINES}.filter(one => one.includes('completed')).length === 2")
            found = await page.tab.run(LINES)
            for account in accounts:
                assert f"info logged in {account}" in found
            assert any(f"call → {BOB} completed after 00:0" in one for one in found)
            await page.until("document.querySelector('log-page input')")
            second = await stage.puppets[CAROL].call(BOB, audio="tone")
            ringing = await stage.ringing(BOB, second.id)
            await ringing.decline()
            await second.ended()
            await page.until(f"{LINES}.some(one => one.includes('call ← {CAROL} declined'))")
            await check_looks(page)

    run(main)
