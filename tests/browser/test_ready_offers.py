"""Offers to hear a call wait for who comes near its button, and are closed if nobody needs them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Call
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.tab import Opens
from callboard.tests.browser.test_board import Page, on_board, settled
from callboard.tests.browser.test_board_calls import reach
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL, Stage

DAVE = "dave@localhost"
#: Notes each connection, how many were open at the same time, and what was done in which order. Who
#: wants to listen waits until `answer()`.
SPY = """(() => {
  globalThis.made = [], globalThis.most = 0, globalThis.steps = [];
  globalThis.open = () => made.filter(one => one.signalingState !== "closed").length;
  const Real = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real {
    constructor(...given) {
      super(...given);
      made.push(this);
      most = Math.max(most, open());
      steps.push("connection");
    }
    createOffer(...given) {
      steps.push("offer");
      return super.createOffer(...given);
    }
  };
  const ask = globalThis.fetch;
  const answered = new Promise(done => { globalThis.answer = done; });
  globalThis.fetch = async (target, given) => {
    if (given?.method === "POST" && target.includes("/listen/")) {
      steps.push("POST");
      await answered;
    }
    return ask(target, given);
  };
  globalThis.until = async (look) => {
    while (!look()) await new Promise(done => setTimeout(done, 20));
  };
})()"""
READY = ["connection", "offer"] * 2
#: The buttons that begin to listen.
BUTTONS = """[...document.querySelectorAll("call-strip button")]
  .filter(one => one.textContent === "Listen")"""
FIRST = f"{BUTTONS}[0]"
#: Where no other button comes to when a call is gone.
LAST = f"{BUTTONS}.at(-1)"


@asynccontextmanager
async def approached(
    browser: Browser | Opens, folder: Path, place: str
) -> AsyncIterator[tuple[Stage, Page, Call]]:
    """A call, and a page that shows it; `place` may name it."""
    async with on_board(browser, folder) as (stage, page):
        out, _ = await stage.connected(ALICE, BOB)
        await page.enter(place.format(call=out.id, account=ALICE))
        await page.tab.run(SPY)
        yield stage, page, out


@pytest.mark.parametrize("by", ["pointer", "keyboard"])
def test_a_click_sends_the_offers_that_are_ready(
    run: Run, tmp_path: Path, calling_browser: Opens, by: str
) -> None:
    async def main() -> None:
        place = "/calls/{call}/{account}"
        async with approached(calling_browser, tmp_path, place) as (stage, page, out):
            if by == "pointer":
                await page.point(FIRST)
            else:
                await reach(page.tab, "Listen")
            await page.until("steps.length >= 4")
            assert sorted(await page.tab.run("steps")) == sorted(READY)
            await (page.tab.click() if by == "pointer" else page.tab.key("Enter"))
            await page.until("steps.length >= 6")
            await out.mute()  # the button is made anew, under the pointer and with the focus
            await page.shows("audio muted", "call-strip")
            await page.tab.run("answer()")
            await page.shows("Stop listening")
            await page.shows("1 listener")
            await page.until("made.every(one => one.connectionState === 'connected')")
            steps = await page.tab.run("steps")
            assert (sorted(steps[:4]), steps[4:]) == (sorted(READY), ["POST", "POST"])
            await out.hangup()
            await page.until("open() === 0")
            await settled(stage, out.id)

    run(main)


async def page_left(page: Page, _: Call) -> None:
    await page.go("#/history")


async def call_ended(_: Page, call: Call) -> None:
    await call.hangup()


async def logged_out(page: Page, _: Call) -> None:
    await page.press("Log out", "header")


@pytest.mark.parametrize("place", ["/calls", "/calls/{call}/{account}"])
@pytest.mark.parametrize("deed", [page_left, call_ended, logged_out])
def test_offers_that_were_not_used_are_closed(
    run: Run, tmp_path: Path, browser: Browser, place: str, deed: Any
) -> None:
    async def main() -> None:
        async with approached(browser, tmp_path, place) as (stage, page, out):
            await page.point(LAST)
            await page.until("steps.length >= 4")
            assert await page.tab.run("open()") == 2
            await deed(page, out)
            await page.until("open() === 0")
            assert sorted(await page.tab.run("steps")) == sorted(READY)
            await out.hangup()
            await settled(stage, out.id)

    run(main)


def test_few_offers_exist_however_many_buttons_somebody_moves_over(
    run: Run, tmp_path: Path, calling_browser: Opens
) -> None:
    async def main() -> None:
        accounts = [ALICE, BOB, CAROL, DAVE]
        async with on_board(calling_browser, tmp_path, accounts=accounts) as (stage, page):
            heard, _ = await stage.connected(ALICE, BOB)
            seen, _ = await stage.connected(CAROL, DAVE, audio="tone", video="pattern")
            await page.enter("/calls")
            await page.tab.run(SPY)
            await page.until(f"{BUTTONS}.length === 4")
            for _ in range(3):
                for number in range(4):
                    await page.point(f"{BUTTONS}[{number}]")
            assert await page.tab.run("made.length") >= 4  # of both kinds of call
            assert await page.tab.run("most") == 2
            assert await page.tab.run("open()") == 2
            await page.go("#/")
            await page.until("open() === 0")
            for account, call in ((ALICE, heard), (BOB, heard), (CAROL, seen), (DAVE, seen)):
                await call.hangup()
                await stage.record(account, call.id)

    run(main)
