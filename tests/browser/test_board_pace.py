"""How often the page asks when much happens: once at a time, and once more for all that came."""

import json
from pathlib import Path

from callboard.bots import Message
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import Page, conversation, on_board, settled
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB

#: Notes each request of the page's: its target, and when it began and was over, in ms.
NOTE = """(() => {
  globalThis.noted = [];
  const real = globalThis.fetch;
  globalThis.fetch = (target, given) => {
    const one = {path: String(target), began: performance.now(), over: Infinity};
    noted.push(one);
    return real(target, given).finally(() => { one.over = performance.now(); });
  };
})()"""
#: Pairs of requests for the same thing of which the second began less than so many milliseconds
#: after the first, or before its end.
HURRIED = """noted.filter((one, place) => {
  const before = noted.slice(0, place).findLast(other => other.path === one.path);
  return before && (one.began < before.over || one.began - before.began < %d);
}).map(one => one.path)"""
#: Somewhat less than the page's pace, as a browser's clock may be rounded.
PACE = 490

#: Tells the page all at once of what has happened; gives what it has asked before its next turn.
FLOOD = """(async () => {
  const {board} = await import("/page/board.js");
  noted.length = 0;
  for (let at = 0; at < %d; at++) board.take(%s);
  return noted.map(one => one.path);
})()"""
MANY = 300
#: What happens at each place, and a part of what is asked for then.
HAPPENS = (
    (
        conversation(ALICE, BOB),
        {"event": "ChatMessage", "account": ALICE, "peer": BOB, "direction": "in"},
        "/messages",
    ),
    (
        f"/accounts/{ALICE}",
        {"event": "ReceiptReceived", "account": ALICE, "sender": BOB},
        "/conversations",
    ),
    ("/accounts", {"event": "AccountChanged", "jid": "new@localhost"}, "/api/status"),
    ("/calls", {"event": "LoadPhase"}, "/api/status"),
    ("/history", {"event": "CallRecord", "account": ALICE, "peer": BOB}, "/api/history"),
)


def test_many_messages_are_few_requests(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            await page.enter(conversation(ALICE, BOB))
            await page.shows("No messages yet", ".messages")
            await page.tab.run(NOTE)
            for number in range(MANY):
                await stage.puppets[BOB].send(ALICE, f"Message {number}")
            await stage.told(ALICE, Message, lambda one: one.body == f"Message {MANY - 1}")
            await page.shows(f"Message {MANY - 1}", ".messages")
            await page.shows("200 messages", "conversation-list")
            assert await page.tab.run(HURRIED % PACE) == []
            asked = await page.tab.run("noted.map(one => one.path)")
            assert len(asked) < MANY / 2
            assert not any(one.startswith("/api/history") for one in asked)

    run(main)


def test_whatever_happens_in_a_flood_is_asked_for_once_at_a_time(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with on_board(browser, tmp_path) as (stage, page):
            out, _ = await stage.connected(ALICE, BOB)
            await out.hangup()
            await settled(stage, out.id)
            await page.enter()
            await page.shows("online", "account-list")
            await page.tab.run(NOTE)
            for place, event, path in HAPPENS:
                await page.go(f"#{place}")
                await check_flood(page, event, path)

    run(main)


async def check_flood(page: Page, event: dict[str, str], path: str) -> None:
    begun = await page.tab.run(FLOOD % (MANY, json.dumps(event)))
    assert len(begun) == len(set(begun)), begun
    await page.until(f"noted.some(one => one.path.includes({json.dumps(path)}))")
    assert await page.tab.run(HURRIED % PACE) == []
