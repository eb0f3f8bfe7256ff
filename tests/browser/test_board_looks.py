"""How the board's page looks: nothing is cut or covered, and what is empty says so."""

from pathlib import Path

import pytest
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import Page, conversation, on_board, opened, settled
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.web.stage import bare_board, boarded

NIGHT, DESK = "operator-of-the-night@localhost", "front.desk@localhost"
WIDTHS = (360, 480, 601, 768, 901, 1280)

#: Texts that their own element, or one around it that can't be scrolled, lets be seen in part only;
#: and those that stick out of the window.
CUT = """[...document.querySelectorAll("body *")].filter(one => one.checkVisibility()
  && !one.closest(".hidden, .skip, .scroll")
  && [...one.childNodes].some(each => each.nodeType === 3 && each.data.trim())
).filter(one => {
  const range = document.createRange();
  range.selectNodeContents(one);
  const text = range.getBoundingClientRect();
  if (text.left < -1 || text.right > innerWidth + 1) return true;
  for (let box = one; box; box = box.parentElement) {
    const style = getComputedStyle(box);
    const {left, right, top, bottom} = box.getBoundingClientRect();
    if (["hidden", "clip"].includes(style.overflowX) && style.display !== "inline"
      && (text.left < left - 1 || text.right > right + 1)) return true;
    if (["hidden", "clip"].includes(style.overflowY) && style.display !== "inline"
      && (text.top < top - 3 || text.bottom > bottom + 3)) return true;
    if (["auto", "scroll"].includes(style.overflowY)) break;
  }
  return false;
}).map(one => `${one.localName}.${one.className}: ${one.textContent}`)"""

#: Waits until the page is drawn: rows that come into view have a size only then.
DRAWN = """new Promise(resolve =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))))"""

#: What of the page is not within the window, or is not filled of it, down to the strip of calls.
MISFIT = """(() => {
  const page = document.documentElement;
  const end = innerHeight - document.querySelector("call-dock").offsetHeight;
  const write = document.querySelector(".write")?.getBoundingClientRect().bottom ?? end;
  return page.scrollWidth > innerWidth || page.scrollHeight > innerHeight
    || Math.abs(write - end) > 1
    ? [page.scrollWidth, page.scrollHeight, write].join(" ") : "";
})()"""


#: Strips of calls whose mark for more stands in a line of its own.
ALONE = """[...document.querySelectorAll(".call-who")].filter(one => {
  const title = one.querySelector(".row-title").getBoundingClientRect();
  return one.getBoundingClientRect().bottom > title.bottom + 6;
}).length"""


async def is_whole(page: Page, height: int = 800) -> None:
    """See that every text is seen as a whole, at every width."""
    for width in WIDTHS:
        await page.tab.look(width, height, "light")
        await page.until(f"document.documentElement.scrollWidth <= {width}")  # plots follow
        await page.tab.run(DRAWN)
        assert await page.tab.run(CUT) == [], width


def test_no_text_is_cut(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with (
            boarded(tmp_path, [NIGHT, DESK]) as (stage, port),
            opened(browser, port) as page,
        ):
            night = stage.puppets[NIGHT]
            await night.set_presence(show="away", status="Back at eight, please call then")
            await night.send(DESK, "Look: https://example.org/" + "a-long-way/" * 20)
            out, came = await stage.connected(NIGHT, DESK, audio="tone", video="pattern")
            await came.hold()
            await came.mute("audio")
            await page.enter(conversation(DESK, NIGHT))
            await page.shows("a-long-way", ".messages")
            await page.press("Keypad", "conversation-view call-strip")
            await is_whole(page)
            for place in ("/", "/calls", f"/calls/{out.id}", "/history", "/log"):
                await page.go(f"#{place}")
                await page.until("document.querySelector('main').innerText.length > 20")
                await is_whole(page)
            await out.hangup()
            for account in (NIGHT, DESK):
                await stage.record(account, out.id)
            record = await stage.record(DESK, out.id)
            await page.go("#/history")
            await page.shows("2 calls")
            await is_whole(page)
            await page.go(f"#/calls/{record.uuid}")
            await page.shows("the call is ended")
            await is_whole(page)

    run(main)


def test_no_mark_is_alone_in_a_line(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with (
            boarded(tmp_path, [NIGHT, DESK]) as (stage, port),
            opened(browser, port) as page,
        ):
            out, _ = await stage.connected(NIGHT, DESK)
            await page.enter("/calls")
            await page.shows("connected")
            for width in range(300, 700, 5):
                await page.tab.look(width, 700, "light")
                assert await page.tab.run(ALONE) == 0, width
            await out.hangup()
            for account in (NIGHT, DESK):
                await stage.record(account, out.id)

    run(main)


#: Tells the same thing twice, and another one; gives what is shown.
TOLD_TWICE = """import("/page/view.js").then(({notify}) => {
  for (const one of ["It fails.", "It fails.", "It works."]) notify(one);
  return [...document.querySelectorAll(".notice")].map(one => one.firstChild.textContent);
})"""


def test_what_is_told_already_is_not_told_beside_it(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            await page.tab.open(page.url)
            assert await page.tab.run(TOLD_TWICE) == ["It fails.", "It works."]

    run(main)


def test_the_conversation_fills_the_window_whatever_the_head_of_the_page_says(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    operator = {"jid": BOB, "bot": "operator"}

    async def fits(page: Page) -> None:
        for width in WIDTHS:
            await page.tab.look(width, 700, "light")
            assert await page.tab.run(MISFIT) == "", width

    async def main() -> None:
        async with browser[0].tab() as tab:
            async with boarded(tmp_path, [ALICE, operator]) as (stage, port):
                page = Page(tab, port)
                out = await stage.puppets[ALICE].call(BOB, audio="tone")
                await page.enter(conversation(ALICE, BOB))
                await page.shows("Ring", ".top")
                await page.shows("ringing")
                await fits(page)
                await out.hangup()
                await settled(stage, out.id)
            await page.shows("no connection", ".top")
            await fits(page)

    run(main)


#: Of what has been opened in a call, what of it is not seen.
UNSEEN = """(() => {
  const opened = document.querySelector(".call-more > :last-child").getBoundingClientRect();
  const place = document.querySelector(".strips").getBoundingClientRect();
  const head = document.querySelector(".call-head").getBoundingClientRect();
  return [head.bottom - opened.top, opened.bottom - place.bottom].filter(one => one > 1);
})()"""


def test_what_is_opened_in_a_call_is_seen_as_a_whole(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB, audio="tone", video="pattern")
            await page.enter(conversation(BOB, ALICE))
            await page.tab.look(360, 640, "light")
            await page.press("Listen", "conversation-view")
            screens = "[...document.querySelectorAll('conversation-view video')]"
            await page.until(f"{screens}.filter(one => one.videoWidth).length === 2")
            for words in ("Keypad", "Play…", "Talk"):
                await page.press(words, "conversation-view call-strip")
                await page.until(
                    "document.querySelector('.call-more').contains(document.activeElement)"
                )
                assert await page.tab.run(UNSEEN) == [], words
                await page.tab.key("Escape")
            await out.hangup()
            await settled(stage, out.id)

    run(main)


def test_what_has_nothing_in_it_says_so(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (_, page):
            await page.enter(conversation(ALICE, BOB))
            await page.shows("No messages yet", ".messages")
            await page.go(f"#/accounts/{ALICE}")
            await page.shows("Nobody yet", "conversation-list")
            for place, words in (
                ("calls", "No calls go on now"),
                ("calls/none", "There is no such call"),
                ("history", "No call has ended yet"),
                ("elsewhere", "There is no such page"),
            ):
                await page.go(f"#/{place}")
                await page.shows(words)
            assert await page.tab.run("document.querySelector('main a').hash") == "#/"

    run(main)


def test_a_link_with_a_wrong_token_says_so_where_another_can_be_given(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            for token in ("wrong", "wrong-again"):  # the second one without another load
                await page.tab.open(f"{page.url}#token={token}")
                await page.shows("This token is not known", "log-in [role=alert]")
                assert await page.tab.run("document.querySelector('.notice')") is None

    run(main)


#: Where a text may be broken, and times as they are told.
JOINTED = """import("/page/dom.js").then(({h, jointed}) =>
  [...h("p", {}, ...jointed("%s")).childNodes].map(one => one.data ?? "|").join(""))"""
TOLD = """import("/page/words.js").then(({hour}) => hour(%s))"""


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        (NIGHT, "operator-of-the-night|@localhost"),
        ("people:Reception", "people|:Reception"),
        ("at 12:30, v1.2", "at 12:30, v1.2"),
    ],
)
def test_long_words_are_broken_at_their_joints(
    run: Run, tmp_path: Path, browser: Browser, text: str, broken: str
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            await page.tab.open(page.url)
            assert await page.tab.run(JOINTED % text) == broken

    run(main)


#: What somebody is told whose browser gives no microphone, or no camera.
REFUSED = """
navigator.mediaDevices.getUserMedia = () =>
  Promise.reject(new DOMException("Permission denied", "%s"));
import("/page/live-media.js")
  .then(({callSomebody}) => callSomebody("a@localhost", "b@localhost", %s))
  .catch((error) => error.message)"""


@pytest.mark.parametrize(
    ("name", "video", "device", "words"),
    [
        ("NotAllowedError", "false", "The microphone ", "allow it"),
        ("NotAllowedError", "true", "The microphone or the camera ", "allow it"),
        ("NotFoundError", "false", "The microphone ", "connect one"),
        ("NotReadableError", "true", "The microphone or the camera ", "close other programs"),
        ("SomethingNew", "false", "The microphone ", "can't be used: "),
    ],
)
def test_what_a_browser_does_not_give_is_named_with_what_to_do(
    run: Run, tmp_path: Path, browser: Browser, name: str, video: str, device: str, words: str
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            await page.tab.open(page.url)
            told = await page.tab.run(REFUSED % (name, video))
            assert told.startswith(device)
            assert words in told

    run(main)


def test_a_time_of_another_day_has_its_date(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            await page.tab.open(page.url)
            today = await page.tab.run(TOLD % "new Date().toISOString()")
            past = await page.tab.run(TOLD % "'2020-05-04T12:30:00'")
            assert "May" in past
            assert today[:2].isdigit()

    run(main)


#: Shows the ladder of a long call; gives how many lines each of its times takes, and whether it
#: lies over nothing beside it.
LONG_LADDER = """(async () => {
  const real = globalThis.fetch;
  const rungs = [1.5, 100.25, 9999.125].map(
    at => ({at, kind: "stanza", way: "out", text: "something", xml: "<iq/>"}));
  globalThis.fetch = (target, given) => String(target).startsWith("/api/ladders/")
    ? Promise.resolve(Response.json({account: "a@b", peer: "c@d", rungs, quality: {}}))
    : real(target, given);
  const made = document.createElement("call-ladder");
  Object.assign(made.dataset, {call: "long", stage: "ended"});
  document.querySelector("main").replaceChildren(made);
  while (!made.querySelector(".rung-time")) await new Promise(done => setTimeout(done, 20));
  globalThis.fetch = real;
  return [...made.querySelectorAll(".rung-time")].map(one => {
    const range = document.createRange();
    range.selectNodeContents(one);
    const {right} = range.getBoundingClientRect();
    const beside = one.nextElementSibling.getBoundingClientRect().left;
    return [one.textContent, range.getClientRects().length, right < beside];
  });
})()"""


def test_times_of_a_long_call_are_on_one_line_of_its_ladder(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    times = [[one, 1, True] for one in ("1.500", "100.250", "9999.125")]

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            await page.enter()
            for width in (360, 1280):
                await page.tab.look(width, 720, "light")
                assert await page.tab.run(LONG_LADDER) == times, width

    run(main)
