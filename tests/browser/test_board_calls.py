"""The board's own page in a real browser: a person listens, talks, takes and places calls."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from callboard.tests.browser.chromium import Tab
from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.test_board import opened
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage
from callboard.tests.live.test_rooms import until_heard
from callboard.tests.web.stage import boarded

OURS, THEIRS, PERSON = 440, 1000, 700

HELPERS = """
globalThis.press = (words) => until(() => {
  const strips = [...document.querySelectorAll("call-strip")];
  const ours = strips.filter((strip) => strip.call?.account === "bob@localhost");
  const places = [...ours, ...document.querySelectorAll("conversation-view .popover")];
  const buttons = places.flatMap((place) => [...place.querySelectorAll("button")]);
  const button = buttons.find((one) => one.textContent === words);
  button?.click();
  return Boolean(button);
});
globalThis.hear = async (which, hertz) => {
  const label = which + ", live";
  const screen = await until(() => document.querySelector(`video[aria-label="${label}"]`));
  return untilHeard(await until(() => screen.srcObject.getAudioTracks()[0]), hertz);
};
navigator.mediaDevices.getUserMedia = async () => tone(%d);
"""


@asynccontextmanager
async def visited(
    browser: Browser, folder: Path, accounts: list[str | dict[str, Any]], place: str
) -> AsyncIterator[tuple[Stage, Tab]]:
    """Accounts, and a page of the board's that somebody has opened who may do everything."""
    async with boarded(folder, accounts) as (stage, port), opened(browser, port) as page:
        await page.enter()
        await page.tab.run(SOUND)
        await page.tab.run(f"(() => {{ {HELPERS % PERSON} }})()")
        await page.go(f"#/{place}")
        yield stage, page.tab


def test_a_person_listens_takes_over_and_gives_back(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with visited(browser, tmp_path, [ALICE, BOB], "calls") as (stage, tab):
            back = {"audio": f"tone:{OURS}"}
            out, came = await stage.connected(ALICE, BOB, back, audio=f"tone:{THEIRS}")
            await tab.run("press('Listen')")
            assert await tab.run(f"hear('Peer', {THEIRS})")
            assert await tab.run(f"hear('Bot', {OURS})")
            await tab.run("press('Talk')")
            await tab.run("press('Take over from the bot')")
            assert (await until_heard(out, PERSON))[400] < 300
            assert await tab.run(f"hear('Peer', {THEIRS})")
            await tab.run("press('Give back')")
            await until_heard(out, PERSON, on=False)
            await out.hangup()
            parts = {one.part for one in (await came.ended()).listeners}
            assert parts == {"received", "sent", "take-over"}

    run(main)


def test_a_person_takes_a_call_that_rings(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": "operator"}]
        async with visited(browser, tmp_path, accounts, "calls") as (stage, tab):
            out = await stage.puppets[ALICE].call(BOB, audio=f"tone:{THEIRS}")
            await tab.run("press('Take with microphone')")
            await out.connected()
            await until_heard(out, PERSON)
            assert await tab.run(f"hear('Peer', {THEIRS})")
            await tab.run("press('Give back')")
            assert (await out.ended()).state == "completed"

    run(main)


#: Notes what the browser is asked to tell and to let be heard.
LISTENS = """(() => {
  globalThis.told = [], globalThis.tones = 0;
  globalThis.Notification = class {
    static permission = "granted";
    constructor(title, {body}) { told.push(`${title} ${body}`); }
    close() { told.push("closed"); }
  };
  const Real = OscillatorNode;
  globalThis.OscillatorNode = class extends Real {
    start(at) { tones += 1; super.start(at); }
  };
})()"""


def test_a_call_that_waits_for_a_person_rings(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": "operator"}]
        async with visited(browser, tmp_path, accounts, "calls") as (stage, tab):
            await tab.run(LISTENS)
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            await tab.run("until(() => tones >= 2 && told.length)")
            assert await tab.run("told") == [f"{ALICE} calls {BOB}"]
            await out.hangup()
            await tab.run("until(() => told.at(-1) === 'closed')")
            await tab.run("document.querySelector('ring-bell button').click()")
            again = await stage.puppets[ALICE].call(BOB, audio="tone")
            await tab.run("until(() => document.querySelector('call-strip.ringing'))")
            assert await tab.run("told.length") == 2
            await again.hangup()
            await again.ended()

    run(main)


def test_a_person_places_a_call(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        place = f"accounts/{BOB}/{ALICE}"
        async with visited(browser, tmp_path, [ALICE, BOB], place) as (stage, tab):
            await tab.run("press('Call with my microphone')")
            came = await stage.ringing(ALICE)
            await came.answer(audio=f"tone:{THEIRS}")
            await until_heard(came, PERSON)
            assert await tab.run(f"hear('Peer', {THEIRS})")
            await tab.run("press('Give back')")
            assert (await came.ended()).state == "completed"

    run(main)
