"""The board's page: its types, and whether everybody can use it."""

import json
import logging
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from callboard.tests.browser.bundle import HERE, MODULES
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import Page, conversation, on_board, settled
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB

AXE = MODULES / "axe-core" / "axe.min.js"
TYPES = MODULES / ".bin" / "tsc"

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

#: What axe finds: of each rule that is broken, its name and where.
FOUND = """axe.run({resultTypes: ["violations"]}).then(({violations}) => violations.map(
  one => `${one.id}: ${one.nodes.map(node => node.target.join(" ")).join(", ")}`))"""


@pytest.mark.skipif(not TYPES.exists(), reason="run 'script/setup test' for typescript")
def test_the_types_of_the_page_agree() -> None:
    done = subprocess.run([TYPES, "-p", HERE], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout


#: What axe looks at, one after the other: a place ("" for the one before), a button that is pressed
#: there, and what is shown then, and where.
LOOKS = (
    (conversation(ALICE, BOB), "", ".messages", "Hello"),
    (f"/accounts/{ALICE}", "", ".second", "1 message"),
    ("/accounts/nobody@localhost", "", ".second", "There is no such account"),
    ("/accounts", "", "account-list", "online"),
    ("/calls", "", "call-list", "connected"),
    ("/calls/nothing", "", "call-page", "There is no such call"),
    ("/log", "", "log-page", "something is wrong"),
    ("/calls/{call}", "", "call-ladder", "session-initiate"),
    ("", "Listen", "call-strip", "1 listener"),
    ("", "Snapshot", "call-strip", "Save"),
    ("", "Talk", "call-strip", "Take over from the bot"),
    ("", "Hang up", "call-page", "completed"),
    ("/history", "", "history-page", "2 calls"),
    ("", "Log out", "log-in", "Link or token"),
)


@pytest.mark.skipif(not AXE.exists(), reason="run 'script/setup test' for axe-core")
def test_axe_finds_nothing(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB, audio="tone", video="pattern")
            await stage.puppets[ALICE].send(BOB, "Hello")
            logging.getLogger("callboard.bots.desk").error("something is wrong")
            await page.enter()
            for place, button, where, text in LOOKS:
                if place:
                    await page.go(f"#{place.format(call=out.id)}")
                if button:
                    await page.press(button, "body")
                await page.shows(text, where)
                await check_looks(page)
            await settled(stage, out.id)

    run(main)


#: Of what a person must reach, and see, in a call: what of it is hidden.
HIDDEN = """(() => {
  const strip = document.querySelector("conversation-view call-strip");
  const parts = [[...strip.querySelectorAll("button")].find(one => one.textContent === "Hang up"),
    ...strip.querySelectorAll("video")];
  return parts.flatMap(one => {
    const {left, right, top, bottom} = one.getBoundingClientRect();
    const points = [left + 4, right - 4].flatMap(x => [[x, top + 4], [x, bottom - 4]]);
    return points.filter(point => document.elementFromPoint(...point)?.closest("figure, button")
      !== one.closest("figure, button")).map(point => `${one.localName} at ${point}`);
  });
})()"""
SIZES = (
    (360, 640),
    (360, 780),
    (700, 720),
    (900, 700),
    (1100, 700),
    (1200, 800),
    (1280, 720),
    (1280, 900),
)


def test_hang_up_and_both_pictures_are_seen_at_every_size(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            await page.press("Video", ".call-form")
            call = await stage.ringing(BOB)
            await call.answer(audio="tone:880", video="pattern", record=True)
            screens = "[...document.querySelectorAll('conversation-view video')]"
            await page.until(f"{screens}.filter(one => one.videoWidth).length === 2")
            await call.hold()
            await page.shows("peer holds", "conversation-view call-strip")
            for width, height in SIZES:
                await page.tab.look(width, height, "light")
                assert await page.tab.run(HIDDEN) == [], (width, height)
                await page.tab.run("document.querySelector('.strips').scrollTo(0, 10000)")
                hang_up = [one for one in await page.tab.run(HIDDEN) if "button" in one]
                assert hang_up == [], (width, height)
                await page.tab.run("document.querySelector('.strips').scrollTo(0, 0)")
            await check_looks(page)
            await page.press("Hang up", "conversation-view")
            await settled(stage, call.id)

    run(main)


#: Labels that lie over what is played, of calls with sound only.
COVERED = """[...document.querySelectorAll("conversation-view .screen.sound")].filter(one => {
  const of = what => one.querySelector(what).getBoundingClientRect();
  const [label, player] = [of("figcaption"), of("audio")];
  return label.right > player.left && label.bottom > player.top && label.top < player.bottom;
}).length"""


def test_no_label_lies_over_the_controls_of_a_call_with_sound_only(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            await page.press("Call", ".call-form")
            call = await stage.ringing(BOB)
            await call.answer(audio="tone:880")
            await page.until("document.querySelectorAll('.screen.sound audio').length === 2")
            for width, height in SIZES:
                await page.tab.look(width, height, "light")
                assert await page.tab.run(COVERED) == 0, (width, height)
            await call.hangup()
            await settled(stage, call.id)

    run(main)


#: What changes how the text around it is shown: it is not in the page, its symbol is.
UNSEEN = {
    "\u202e": "[U+202E]",
    "\u202d": "[U+202D]",
    "\u2066": "[U+2066]",
    "\u2069": "[U+2069]",
    "\u200f": "[U+200F]",
    "\u061c": "[U+061C]",
    "\u2028": "[U+2028]",
    "\u200b": "[U+200B]",
    "\ufeff": "[U+FEFF]",
    "\x85": "[U+0085]",
    "\x7f": "\u2421",
}


#: Each way in which a text comes to be shown.
MADE = """import("/page/dom.js").then(({fill, h, joined, say}) => {
  const words = %s;
  const [filled, said] = [h("p"), h("p")];
  fill(filled, words);
  say(said, words);
  const made = [h("p", {}, words), h("p", {}, ...joined(" · ", words)), filled, said];
  const label = h("p", {"aria-label": words}).getAttribute("aria-label");
  return [...made.map(one => one.textContent), label];
})"""


def test_what_others_write_changes_nothing_around_it(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    words = "a" + "b".join(UNSEEN) + "c"

    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await stage.puppets[BOB].send(ALICE, f"{words} \u05d0\u05d1")
            await page.enter(conversation(ALICE, BOB))
            for shown in UNSEEN.values():
                await page.shows(shown, ".messages")
            text = await page.tab.run("document.body.textContent")
            assert not [one for one in UNSEEN if one in text]
            assert await page.tab.run("document.querySelector('.message .body').dir") == "auto"
            made = await page.tab.run(MADE % json.dumps(words))
            assert len(made) == 5
            for each in made:
                assert not [one for one in UNSEEN if one in each]
                assert all(one in each for one in UNSEEN.values())
            await page.until("document.querySelector('account-list bdi')")
            isolated = "getComputedStyle(document.querySelector('account-list bdi')).unicodeBidi"
            assert "isolate" in await page.tab.run(isolated)

    run(main)


def test_an_account_that_does_not_exist_is_said_to(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (_, page):
            await page.enter("/accounts/nobody@localhost")
            await page.shows("There is no such account", ".second")
            await page.go(f"#{conversation('nobody@localhost', BOB)}")
            await page.shows("There is no such account", ".third")
            assert await page.tab.run("document.querySelectorAll('.board form').length") == 0

    run(main)


@pytest.mark.parametrize("role", ["view", "listen", "control"])
def test_a_role_is_offered_what_it_may_do(
    run: Run, tmp_path: Path, browser: Browser, role: str
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            found: set[str] = set()
            await page.enter(conversation(ALICE, BOB), role)
            await page.shows("online", "conversation-view")  # what is known of an account of ours
            await page.shows("connected", "conversation-view")
            for place in (conversation(ALICE, BOB), "/calls", f"/calls/{out.id}", "/log"):
                await page.go(f"#{place}")
                await page.until("document.querySelector('main').innerText.length > 20")
                buttons = (
                    "[...document.querySelectorAll('main button')].map(one => one.textContent)"
                )
                found |= set(await page.tab.run(buttons))
            commands = {
                "Open",
                "Send",
                "Call",
                "Video",
                "Hang up",
                "Hold",
                "Mute",
                "Play…",
                "Keypad",
            }
            assert found & commands == (commands if role == "control" else set())
            assert ("Listen" in found) == (role != "view")
            assert "Talk" not in found
            await out.hangup()
            await settled(stage, out.id)

    run(main)


async def check_looks(page: Page) -> None:
    """See that axe finds nothing and nothing sticks out, in both schemes and widths."""
    found: dict[str, list[str]] = {}
    if AXE.exists() and not await page.tab.run("'axe' in globalThis"):
        await page.tab.run(AXE.read_text("utf-8"))
    for scheme in SCHEMES:
        for width in (1280, 360):
            await page.tab.look(width, 800, scheme)
            await page.until(f"document.documentElement.scrollWidth <= {width}")  # plots follow
            if AXE.exists():
                place = await page.tab.run("location.hash")
                found[f"{place} {scheme} {width}"] = await page.tab.run(FOUND)
    assert not any(found.values()), json.dumps(found, indent=2)
