"""The board's page in a real browser."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.bots import Message
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.tab import Opens, Tab
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports
from callboard.tests.live.stage import ALICE, BOB, Stage
from callboard.tests.web.stage import TOKENS, bare_board, boarded

#: Waits in the page until an expression holds.
UNTIL = """(async () => {
  const holds = () => { try { return %s; } catch { return false; } };
  const end = Date.now() + 30000;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it does not hold: " + document.body.innerText);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return holds();
})()"""

#: Where the middle of an element is.
MIDDLE = """(one => {
  one.scrollIntoView({block: "center"});
  const {left, right, top, bottom} = one.getBoundingClientRect();
  return [(left + right) / 2, (top + bottom) / 2];
})(%s)"""


#: Tells the page of many calls that have ended; gives which it shows between messages.
MANY_ENDED = """(async () => {
  const {board} = await import("/page/board.js");
  const told = [...Array(120).keys()].map(at => ({uuid: "c" + at, id: "s" + at, account: "%s",
    peer: "%s", direction: "out", state: "completed", reason: "success", text: "",
    connected: null, ended: new Date(Date.UTC(2026, 0, 1, 12, at)).toISOString()}));
  for (const detail of told) board.dispatchEvent(new CustomEvent("record", {detail}));
  return [...document.querySelectorAll("call-row a")].map(one => one.getAttribute("href"));
})()"""


class Page:
    """The page, as somebody uses it."""

    def __init__(self, tab: Tab, port: int) -> None:
        self.tab = tab
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"

    async def enter(self, place: str = "", role: str = "talk") -> None:
        """Open the link that Callboard prints."""
        await self.tab.open(f"{self.url}#token={TOKENS[role]}{place}")
        await self.until("document.querySelector('callboard-app nav')")

    async def until(self, expression: str) -> Any:
        """Wait until something holds."""
        return await self.tab.run(UNTIL % f"(v => v instanceof Node ? true : v)({expression})")

    async def shows(self, text: str, where: str = "main") -> None:
        """Wait until a text is shown."""
        found = f"document.querySelector({json.dumps(where)}).innerText"
        await self.until(f"{found}.includes({json.dumps(text)})")

    async def press(self, words: str, where: str = "main") -> None:
        """Press a button, once it is there."""
        buttons = f"[...document.querySelectorAll({json.dumps(where + ' button')})]"
        found = f"{buttons}.find(one => one.textContent === {json.dumps(words)})"
        await self.until(f"{found} !== undefined")
        await self.tab.run(f"{found}.click()")

    async def point(self, element: str) -> None:
        """Move the mouse to the middle of an element, once it is there."""
        await self.until(f"({element})?.checkVisibility()")
        x, y = await self.tab.run(MIDDLE % element)
        await self.tab.point(x, y)

    async def go(self, place: str) -> None:
        """Go to a place of the page."""
        await self.tab.run(f"void (location.hash = {json.dumps(place)})")


@asynccontextmanager
async def opened(browser: Browser | Opens, port: int) -> AsyncIterator[Page]:
    running: Opens = browser[0] if isinstance(browser, tuple) else browser
    async with running.tab() as tab:
        yield Page(tab, port)


@asynccontextmanager
async def on_board(
    browser: Browser | Opens, folder: Path, **more: Any
) -> AsyncIterator[tuple[Stage, Page]]:
    """Show the board of Alice and Bob in a tab that has not logged in; `more` is `boarded`'s."""
    accounts = more.pop("accounts", [ALICE, BOB])
    async with (
        boarded(folder, accounts, **more) as (stage, port),
        opened(browser, port) as page,
    ):
        yield stage, page


def conversation(account: str, peer: str) -> str:
    return f"/accounts/{quote(account)}/{quote(peer)}"


async def settled(stage: Stage, sid: str) -> None:
    """Wait for the records of both ends of a call."""
    for account in (ALICE, BOB):
        await stage.record(account, sid)


def test_a_person_writes_calls_and_hangs_up(run: Run, tmp_path: Path, any_browser: Opens) -> None:
    async def main() -> None:
        async with on_board(any_browser, tmp_path) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            assert "token" not in await page.tab.run("location.href")
            assert await page.tab.run("document.cookie") == ""
            await page.shows("online", "account-list")
            await stage.puppets[ALICE].set_presence(show="away", status="At lunch")
            await page.shows("away · At lunch", "account-list")
            words = "<img src=x onerror='document.title=1'>"
            await page.tab.run(f"document.querySelector('textarea').value = {json.dumps(words)}")
            await page.press("Send")
            heard = await stage.told(BOB, Message)
            assert heard.body == words
            await page.shows(words, ".messages")
            await heard.reply("Hello")
            await page.shows("Hello", ".messages")
            await page.press("Call", ".call-form")
            call = await stage.ringing(BOB)
            await call.answer(audio="tone:880")
            await page.shows("connected", "conversation-view call-strip")
            await page.press("Hold", "conversation-view")
            await stage.until(CallStatus, lambda one: one.account == BOB and one.held)
            await page.go(f"#/calls/{call.id}")
            await page.shows("session-initiate", "call-ladder")
            await page.until("document.querySelectorAll('quality-plots canvas').length === 4")
            await page.press("Hang up", "call-page")
            await settled(stage, call.id)
            await page.shows("completed", "call-page")
            await page.until("!document.querySelector('call-strip')")
            await page.go("#/history")
            await page.shows("2 calls", "history-page")
            assert await page.tab.run("document.title") == "Callboard"

    run(main)


def test_a_call_comes_and_goes_and_is_answered(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await page.enter("/calls")
            await page.shows("No calls go on")
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            await page.shows(f"{BOB} ← {ALICE}")
            await page.press("Answer silently", ".ringing")
            await out.connected()
            await page.shows("connected")
            await out.hangup()
            await page.shows("No calls go on")
            await settled(stage, out.id)
            again = await stage.puppets[ALICE].call(BOB, audio="tone")
            await page.press("Decline", ".ringing")
            assert (await stage.record(ALICE, again.id)).state == "declined"
            await settled(stage, again.id)

    run(main)


def test_a_deep_link_leads_to_a_past_call_and_its_recording(
    run: Run, tmp_path: Path, any_browser: Opens
) -> None:
    async def main() -> None:
        async with on_board(any_browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB, audio="tone:440", video="pattern")
            await out.record()
            await stage.media(ALICE, "video", 40)
            await out.hangup()
            await settled(stage, out.id)
            record = await stage.record(ALICE, out.id)
            await page.enter(f"/calls/{record.uuid}")
            await page.shows(record.uuid)
            videos = "[...document.querySelectorAll('recording-player video')]"
            ready = f"{videos}.length === 2 && {videos}.every(one => one.duration > 0.5)"
            await page.until(ready)
            assert await page.until(f"{videos}.every(one => one.videoWidth > 0)")

    run(main)


#: How many pixels of the messages are below what is in view.
BELOW = """(({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight
)(document.querySelector('.messages'))"""


def test_the_last_message_stays_in_view(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            for number in range(40):
                await stage.puppets[BOB].send(ALICE, f"Message {number}")
            await page.tab.look(1280, 700, "light")
            await page.enter(conversation(ALICE, BOB))
            await page.shows("Message 39", ".messages")
            await page.until(f"{BELOW} < 2")
            await page.press("Call", ".call-form")
            call = await stage.ringing(BOB)
            await call.answer()
            await page.shows("connected", "conversation-view call-strip")
            await page.until(f"{BELOW} < 2")
            await stage.puppets[BOB].send(ALICE, "One more")
            await page.shows("One more", ".messages")
            await page.until(f"{BELOW} < 2")
            # Whoever reads what was before is left there, until they write.
            await page.tab.run("document.querySelector('.messages').scrollTop = 50")
            await stage.puppets[BOB].send(ALICE, "Another one")
            await page.shows("Another one", ".messages")
            assert await page.tab.run(f"{BELOW} > 200")
            await page.tab.run("document.querySelector('textarea').value = 'Mine'")
            await page.press("Send")
            await page.shows("Mine", ".messages")
            await page.until(f"{BELOW} < 2")
            await page.press("Hang up", "conversation-view")
            await settled(stage, call.id)
            await page.until("!document.querySelector('call-strip')")
            await page.until(f"{BELOW} < 2")

    run(main)


def test_a_conversation_keeps_the_last_of_many_calls(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (_, page):
            await page.enter(conversation(ALICE, BOB))
            await page.shows("No messages yet", ".messages")
            shown = await page.tab.run(MANY_ENDED % (ALICE, BOB))
            assert shown == [f"#/calls/c{at}" for at in range(70, 120)]

    run(main)


def test_who_may_only_look_is_offered_nothing_else(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await page.enter("/calls", role="view")
            await page.shows("connected")
            assert await page.tab.run("document.querySelectorAll('main button').length") == 0
            await page.go(f"#{conversation(ALICE, BOB)}")
            await page.shows("role listen", ".messages")
            assert await page.tab.run("document.querySelector('textarea')") is None
            await out.hangup()
            await settled(stage, out.id)

    run(main)


def test_the_page_comes_back_after_a_restart(run: Run, tmp_path: Path, browser: Browser) -> None:
    port, *_ = free_ports(1)

    async def main() -> None:
        web = {"address": port}
        async with opened(browser, port) as page:
            async with bare_board(tmp_path, **web):
                await page.enter()
                await page.shows("live", ".link-state")
            await page.shows("no connection", ".link-state")
            async with bare_board(tmp_path, **web):
                await page.shows("live", ".link-state")
                await page.shows("desk@localhost")

    run(main)


def test_whose_token_is_gone_is_asked_to_log_in(
    run: Run, tmp_path: Path, any_browser: Opens
) -> None:
    port, *_ = free_ports(1)
    tokens = {"talk": "the-other-token-of-those-who-talk"}

    async def main() -> None:
        async with opened(any_browser, port) as page:
            async with bare_board(tmp_path, address=port):
                await page.enter("/accounts")
                await page.shows("desk@localhost")
            await page.shows("no connection", ".link-state")
            async with bare_board(tmp_path, address=port, tokens=tokens):
                await page.shows("the token that you came with is gone", "log-in")
                known = "import('/page/board.js').then(({board}) => board.accounts.size)"
                assert await page.tab.run(known) == 0
                await page.tab.run(f"document.querySelector('#token').value = '{tokens['talk']}'")
                await page.press("Log in", "log-in")
                await page.shows("live", ".link-state")
                await page.shows("desk@localhost")

    run(main)


def test_what_is_written_is_kept_until_it_is_sent(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            await page.until("document.querySelector('textarea')")
            await page.tab.run("document.querySelector('textarea').focus()")
            await page.tab.write("Half a word")
            written = "document.querySelector('textarea').value"
            await page.go(f"#{conversation(BOB, ALICE)}")
            await page.until(f"{written} === ''")
            await page.go("#/history")
            await page.until("!document.querySelector('textarea')")
            await page.go(f"#{conversation(ALICE, BOB)}")
            await page.until(f"{written} === 'Half a word'")
            await page.press("Send")
            assert (await stage.told(BOB, Message)).body == "Half a word"
            await page.go("#/history")
            await page.until("!document.querySelector('textarea')")
            await page.go(f"#{conversation(ALICE, BOB)}")
            await page.until(f"{written} === ''")

    run(main)


#: Has nothing that the page posts answered, and notes it.
UNANSWERED = """(() => {
  globalThis.posts = [];
  const real = globalThis.fetch;
  globalThis.fetch = (target, given) => {
    if (given?.method !== "POST") return real(target, given);
    posts.push(target);
    return new Promise(() => {});
  };
})()"""
#: Presses a button twice, and says how often something was posted for that.
TWICE = """(async () => {
  const buttons = [...document.querySelectorAll("conversation-view button")];
  const button = buttons.find(one => one.textContent === %s);
  const before = posts.length;
  button.click();
  button.click();
  while (posts.length === before) await new Promise(done => setTimeout(done, 20));
  return posts.length - before;
})()"""
POSTING = ("Call", "Video", "Call with my microphone", "Send", "Hold", "Record", "Play", "Hang up")


def test_a_button_posts_nothing_more_until_it_is_answered(
    run: Run, tmp_path: Path, any_browser: Opens
) -> None:
    async def main() -> None:
        async with on_board(any_browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await page.enter(conversation(ALICE, BOB))
            await page.press("Play…", "conversation-view call-strip")
            await page.press("Keypad", "conversation-view call-strip")
            await page.tab.run(UNANSWERED)
            await page.tab.run("document.querySelector('textarea').value = 'Hello'")
            for words in POSTING:
                assert await page.tab.run(TWICE % json.dumps(words)) == 1, words
            assert await page.tab.run("posts.length") == len(POSTING)
            assert await page.tab.run(TWICE % json.dumps("1")) == 2, "two digits"
            await out.hangup()
            await settled(stage, out.id)

    run(main)


def test_a_double_click_places_one_call(run: Run, tmp_path: Path, browser: Browser) -> None:
    click = "new MouseEvent('click', {detail: %d, bubbles: true})"

    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            call = "document.querySelector('.call-form button')"
            await page.until(call)
            await page.tab.run(f"void {call}.dispatchEvent({click % 1})")
            ringing = await stage.ringing(BOB)
            await page.until(f"!{call}.hasAttribute('aria-disabled')")
            await page.tab.run(f"void {call}.dispatchEvent({click % 2})")
            assert await page.tab.run(f"!{call}.hasAttribute('aria-disabled')")
            await ringing.decline()
            await settled(stage, ringing.id)

    run(main)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out(
    run: Run, tmp_path: Path, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            await page.tab.look(width, 740, scheme)
            for place in ("", "/accounts/desk%40localhost", "/calls", "/history"):
                await page.enter(place)
                await page.until("document.querySelector('main').innerText.length > 10")
                assert await page.tab.run("document.documentElement.scrollWidth") <= width

    run(main)
