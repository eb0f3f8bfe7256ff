"""Where somebody is with the keyboard: nothing that happens takes them away, or what they typed."""

import json
from pathlib import Path

import pytest
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import Page, conversation, on_board, opened, settled
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.web.stage import TOKENS, bare_board

#: Goes to each thing that takes the focus, types where that can be, lets all kinds of things
#: happen, and returns what is lost by that. Events are given to the page as the server's are.
DISTURB = """(async () => {
  const {board} = await import("/page/board.js");
  const all = (what) => [...document.querySelectorAll(what)].filter(one => one.checkVisibility());
  const things = () => ["a[href]", "button", "input", "select", "textarea", "summary"]
    .flatMap(what => all(`main ${what}`));
  const name = (one) => [one.localName, one.className, one.getAttribute("href")
    ?? one.getAttribute("aria-label") ?? (one.name || one.textContent)].join(" ");
  const opened = () => all("details[open], .call-more > *").length;
  let asked = 0;
  const real = globalThis.fetch;
  globalThis.fetch = (...what) => {
    asked += 1;
    return real(...what).finally(() => { asked -= 1; });
  };
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const happen = async (number) => {
    const note = `no. ${number}`;
    const seen = new Promise(done => board.addEventListener("change", done, {once: true}));
    [...board.accounts.keys()].forEach((jid, place) => {
      const state = (number + place) % 2 ? "waiting" : "online";
      board.take({event: "AccountChanged", jid, state, detail: note, time: "2026-01-01T00:00:00Z"});
      board.take({event: "PresenceReturned", jid, show: "away", status: note});
      board.take({event: "ChatMessage", account: jid, peer: PEER, direction: "in", body: note});
    });
    for (const call of [...board.calls.values()].filter(one => one.id !== "other")) {
      const changed = {held: number % 2 === 1, guests: number % 3 ? [] : [GUEST]};
      board.take({...call, ...changed, event: "CallStatus"});
      const phase = number % 2 ? "ringing" : "ended";
      board.take({...call, id: "other", phase, event: "CallStatus"});
    }
    board.tell("record", {id: "other"});
    board.tell("gap", null);
    await seen;
    do await frame(); while (asked);
    await frame();
  };
  await happen(0);  // so that the call is over that comes and goes
  const lost = [];
  const names = [...new Set(things().map(name))];
  const open = opened();
  for (const [number, named] of names.entries()) {
    const one = things().find(each => name(each) === named);
    if (!one) { lost.push(`${named}: it is gone`); continue; }
    one.focus();
    const types = one.matches("textarea, input[type=text], input[type=search]");
    if (types) one.value = "localhost";
    if (types) one.setSelectionRange(1, 3);
    await happen(number);
    const now = document.activeElement;
    const typed = [now.value, now.selectionStart, now.selectionEnd].join(" ");
    if (name(now) !== named) lost.push(`${named}: now at ${name(now)}`);
    else if (types && typed !== "localhost 1 3") lost.push(`${named}: ${typed}`);
    if (opened() !== open) lost.push(`${named}: ${open} things were open, and now ${opened()}`);
  }
  globalThis.fetch = real;
  return {lost, count: names.length};
})()"""


GUEST = json.dumps({"name": "anna", "part": "received", "at": 1, "role": "listen"})


async def disturbed(page: Page, least: int) -> None:
    """Let things happen at each thing of a page, of which there are so many at least."""
    words = DISTURB.replace("PEER", json.dumps(ALICE)).replace("GUEST", GUEST)
    found = await page.tab.run(words)
    assert found["lost"] == []
    assert found["count"] >= least


def test_nothing_that_happens_moves_the_focus_or_takes_what_is_typed(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await page.enter(conversation(BOB, ALICE))
            for words in ("Play…", "Keypad", "Talk"):
                await page.press(words, "conversation-view call-strip")
            await page.tab.run("document.querySelector('details.call-options').open = true")
            await disturbed(page, 30)
            await page.go("#/calls")
            await page.until("document.querySelectorAll('call-list call-strip').length >= 2")
            await disturbed(page, 10)
            await page.go(f"#/calls/{out.id}")
            await page.shows("session-initiate", "call-ladder")
            await page.tab.run("document.querySelector('call-ladder details').open = true")
            await disturbed(page, 10)
            await page.go("#/history")
            await page.until("document.querySelector('history-page form')")
            await page.tab.run("document.querySelector('history-page details').open = true")
            await disturbed(page, 6)
            await out.hangup()
            await settled(stage, out.id)

    run(main)


def test_what_is_closed_leads_back_to_where_it_was_opened(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await page.enter(conversation(BOB, ALICE))
            for words, inside in (
                ("Play…", "form input"),
                ("Keypad", ".keypad button"),
                ("Talk", ".choice button"),
            ):
                await page.press(words, "conversation-view call-strip")
                where = f"document.querySelector('call-strip {inside}')"
                await page.until(f"document.activeElement === {where}")
                await page.tab.key("Escape")
                await page.until(f"!{where}")
                assert await page.tab.run("document.activeElement.textContent") == words
            menu = "document.querySelector('details.call-options')"
            await page.tab.run(f"({menu}.open = true, {menu}.querySelector('input').focus())")
            await page.tab.key("Escape")
            await page.until(f"!{menu}.open")
            assert await page.tab.run(f"document.activeElement === {menu}.firstChild")
            await out.hangup()
            await settled(stage, out.id)

    run(main)


@pytest.mark.parametrize("role", ["view", "talk"])
def test_who_logs_in_by_the_form_goes_on_with_the_content(
    run: Run, tmp_path: Path, browser: Browser, role: str
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port), opened(browser, port) as page:
            await page.tab.open(page.url)
            await page.until("document.activeElement.id === 'token'")
            await page.tab.write(TOKENS[role])
            await page.tab.key("Enter")
            await page.shows("desk@localhost")
            assert await page.tab.run("document.activeElement.id") == "main"
            await page.tab.key("Tab")
            label = await page.tab.run("document.activeElement.getAttribute('aria-label')")
            assert label == "Filter accounts"

    run(main)


@pytest.mark.parametrize("place", [conversation(BOB, ALICE), "/calls", "/calls/{call}/{account}"])
def test_who_hangs_up_with_the_keyboard_goes_on_near_by(
    run: Run, tmp_path: Path, browser: Browser, place: str
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await page.enter(place.format(call=out.id, account=BOB))
            hang_up = (
                "[...document.querySelectorAll('call-strip .call-end button')]"
                f".find(one => one.closest('call-strip').call.account === '{BOB}')"
            )
            await page.until(f"({hang_up}) !== undefined")
            await page.tab.run(f"{hang_up}.focus()")
            await page.tab.key("Enter")
            await settled(stage, out.id)
            await page.until("!document.querySelector('call-strip')")
            assert await page.tab.run("document.activeElement.closest('main') !== null")

    run(main)


#: What takes the keyboard and whose ring is not seen as a whole: something around it cuts it off,
#: or something that stays in its place lies over it.
CUT = """(async () => {
  const cuts = one => { const style = getComputedStyle(one);
    return style.overflowX !== "visible" || style.overflowY !== "visible"
      || style.contentVisibility === "auto"; };
  const around = one => one ? [one, ...around(one.parentElement)] : [];
  const found = [];
  const all = document.querySelectorAll(
    "a[href]:not(.skip), button, input, select, textarea, summary, [tabindex='0']");
  for (const one of [...all].filter(each => each.checkVisibility())) {
    one.focus({focusVisible: true});
    await new Promise(done => requestAnimationFrame(done));
    if (document.activeElement !== one) continue;
    const style = getComputedStyle(one);
    const wide = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth);
    const {left, right, top, bottom} = one.getBoundingClientRect();
    const ring = {left: left - wide, right: right + wide, top: top - wide, bottom: bottom + wide};
    const name = one.getAttribute("href") ?? one.getAttribute("aria-label") ?? one.textContent;
    if (style.outlineStyle === "none") found.push(`${name}: none`);
    for (const each of around(one.parentElement).filter(cuts)) {
      const edge = each.getBoundingClientRect();
      if (ring.left < edge.left - .5 || ring.right > edge.right + .5 || ring.top < edge.top - .5
        || ring.bottom > edge.bottom + .5) found.push(`${name}: cut by ${each.className}`);
    }
    const middle = (left + right) / 2;
    for (const y of [ring.top + .5, ring.bottom - .5]) {
      const over = document.elementFromPoint(middle, y);
      const cover = around(over).find(each => !each.contains(one) && !one.contains(each)
        && ["sticky", "fixed"].includes(getComputedStyle(each).position));
      if (cover) found.push(`${name}: under ${cover.className}`);
    }
  }
  document.activeElement.blur();
  return found;
})()"""


def test_the_ring_of_what_has_the_keyboard_is_seen(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await stage.puppets[ALICE].send(BOB, "Hello")
            await page.enter(conversation(BOB, ALICE))
            for width in (360, 1280):
                await page.tab.look(width, 720, "light")
                for place, where, text in (
                    (conversation(BOB, ALICE), ".messages", "Hello"),
                    (f"/accounts/{BOB}", "conversation-list", ALICE),
                    ("/accounts", "account-list", BOB),
                    ("/calls", "call-list", "connected"),
                    (f"/calls/{out.id}", "call-ladder", "session-initiate"),
                    ("/log", "log-page", "logged in"),
                ):
                    await page.go(f"#{place}")
                    await page.shows(text, where)
                    assert await page.tab.run(CUT) == [], (width, place)
            await out.hangup()
            await settled(stage, out.id)
            await page.go("#/history")
            await page.shows("2 calls", "history-page")
            assert await page.tab.run(CUT) == []

    run(main)
