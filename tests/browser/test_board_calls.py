"""The board's own page in a real browser: a person listens, talks, takes and places calls."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.actors.records.call_record import CallRecord
from callboard.bots import Reason
from callboard.media import Direction, read_clock
from callboard.tests.browser.firefox import BEEP as FIREFOX_BEEP
from callboard.tests.browser.firefox import Firefox
from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.recorded import loudest
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.tab import Opens, Tab
from callboard.tests.browser.test_board import opened
from callboard.tests.browser.test_media import BEEP
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage
from callboard.tests.live.test_rooms import until_heard
from callboard.tests.web.stage import boarded
from callboard.tests.web.test_page_media import leave

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
  const screen = await until(() => document.querySelector(`[aria-label="${label}"]`));
  return untilHeard(await until(() => screen.srcObject?.getAudioTracks()[0]), hertz);
};
"""
TONE = f"navigator.mediaDevices.getUserMedia = async () => tone({PERSON});"


@asynccontextmanager
async def visited(
    browser: Opens,
    folder: Path,
    accounts: list[str | dict[str, Any]],
    place: str,
    microphone: str = TONE,
) -> AsyncIterator[tuple[Stage, Tab]]:
    """Accounts, and a page of the board's that somebody has opened who may do everything."""
    async with (
        boarded(folder, accounts) as (stage, _),
        another(browser, stage, place, microphone) as tab,
    ):
        yield stage, tab


@asynccontextmanager
async def another(
    browser: Opens, stage: Stage, place: str, microphone: str = TONE
) -> AsyncIterator[Tab]:
    """A page of the board's, also at the same time as others."""
    assert stage.deployment is not None
    assert stage.deployment.board is not None
    async with opened(browser, stage.deployment.board.port) as page:
        await page.enter()
        await page.tab.run(SOUND)
        await page.tab.run(f"(() => {{ {HELPERS} {microphone} }})()")
        await page.go(f"#/{place}")
        yield page.tab


def test_a_person_listens_takes_over_and_gives_back(
    run: Run, tmp_path: Path, calling_browser: Opens
) -> None:
    async def main() -> None:
        async with visited(calling_browser, tmp_path, [ALICE, BOB], "calls") as (stage, tab):
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
            # What was heard before is heard again.
            assert await tab.run(f"hear('Bot', {OURS})")
            assert await tab.run("document.querySelectorAll('.screen').length") == 2
            await out.hangup()
            parts = {one.part for one in (await came.ended()).listeners}
            assert parts == {"received", "sent", "take-over"}

    run(main)


#: Notes where sessions are, and what was known of a connection's state when it was closed.
SESSIONS = """(() => {
  globalThis.sessions = [], globalThis.states = [];
  const ask = globalThis.fetch;
  globalThis.fetch = async (...given) => {
    const answer = await ask(...given);
    if (answer.status === 201) sessions.push(answer.headers.get("Location"));
    return answer;
  };
  const close = RTCPeerConnection.prototype.close;
  RTCPeerConnection.prototype.close = function () {
    states.push(this.connectionState);
    close.call(this);
  };
})()"""
NOTICES = "[...document.querySelectorAll('.notice')].map(one => one.textContent).join()"


def test_a_person_learns_at_once_that_a_session_has_ended_and_why(
    run: Run, tmp_path: Path, calling_browser: Opens
) -> None:
    async def main() -> None:
        async with visited(calling_browser, tmp_path, [ALICE, BOB], "calls") as (stage, tab):
            out, came = await stage.connected(ALICE, BOB)
            await tab.run(SESSIONS)
            await tab.run("press('Listen')")
            await tab.run(f"hear('Peer', {OURS})")
            await tab.run(f"hear('Bot', {OURS})")
            assert stage.deployment is not None
            assert stage.deployment.board is not None
            port = stage.deployment.board.port
            last = (await tab.run("sessions")).pop()
            assert (await leave(port, last)).status == 204
            await tab.run(f"until(() => {NOTICES}.includes('session has ended: it was ended'))")
            states = set(await tab.run("states"))
            assert states.isdisjoint({"disconnected", "failed"})  # ICE had not noticed it
            await tab.run("until(() => !document.querySelector('call-strip .screen'))")
            await out.hangup()
            await came.ended()

    run(main)


def test_a_person_takes_a_call_that_rings(run: Run, tmp_path: Path, calling_browser: Opens) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": "operator"}]
        async with visited(calling_browser, tmp_path, accounts, "calls") as (stage, tab):
            out = await stage.puppets[ALICE].call(BOB, audio=f"tone:{THEIRS}")
            await tab.run("press('Answer with my microphone')")
            await out.connected()
            await until_heard(out, PERSON)
            assert await tab.run(f"hear('Peer', {THEIRS})")
            await tab.run("press('Hang up')")
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
        async with visited(browser[0], tmp_path, accounts, "calls") as (stage, tab):
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
            # Wherever one is, it can be seen and taken.
            await tab.run("void (location.hash = '#/history')")
            await tab.run("until(() => document.querySelector('call-dock call-strip.ringing'))")
            dock = "document.querySelector('call-dock').innerText"
            buttons = {"Answer silently", "Decline", "Answer with my microphone"}
            assert buttons <= set((await tab.run(dock)).splitlines())
            assert f"Call for {BOB}: {ALICE}" in await tab.run(dock)
            await again.hangup()
            await again.ended()

    run(main)


def test_a_person_places_a_call(run: Run, tmp_path: Path, calling_browser: Opens) -> None:
    async def main() -> None:
        place = f"accounts/{BOB}/{ALICE}"
        async with visited(calling_browser, tmp_path, [ALICE, BOB], place) as (stage, tab):
            await tab.run("press('Call with my microphone')")
            came = await stage.ringing(ALICE)
            await came.answer(audio=f"tone:{THEIRS}")
            await until_heard(came, PERSON)
            assert await tab.run(f"hear('Peer', {THEIRS})")
            await tab.run("press('Hang up')")
            assert (await came.ended()).state == "completed"

    run(main)


#: Whether what is told for a while leaves the strip free that is at the bottom.
ABOVE = """(async () => {
  const {notify} = await import("/page/view.js");
  notify("Something.");
  const bottom = () => document.querySelector(".notices").getBoundingClientRect().bottom;
  const {top, height} = document.querySelector("call-dock").getBoundingClientRect();
  await until(() => height > 50 && bottom() <= top);
})()"""


@pytest.mark.parametrize(
    ("button", "reason", "state", "why"),
    [
        ("Call", Reason.DECLINE, "declined", ""),
        ("Call with my microphone", Reason.MEDIA_ERROR, "failed", "media-error"),
    ],
)
def test_how_a_call_has_failed_is_told_where_the_person_is(
    run: Run, tmp_path: Path, browser: Browser, button: str, reason: Reason, state: str, why: str
) -> None:
    async def main() -> None:
        place = f"accounts/{quote(BOB)}/{quote(ALICE)}"
        async with visited(browser[0], tmp_path, [ALICE, BOB], place) as (stage, tab):
            pressed = "[...document.querySelectorAll('.call-form button')]"
            pressed += f".find(one => one.textContent === {json.dumps(button)})"
            await tab.run(f"until(() => {pressed})")
            await tab.run(f"void {pressed}.click()")
            call = await stage.ringing(ALICE)
            await tab.run("until(() => document.querySelector('call-strip'))")
            await call.decline(reason)
            strip, line = (
                f"document.querySelector('conversation-view {one}')?.innerText"
                for one in ("call-strip", "call-row")
            )
            await tab.run(f"until(() => {strip}?.includes('{state}'))")
            await tab.run(f"until(() => {line}?.startsWith('Call {state}, '))")
            assert await tab.run("document.querySelectorAll('call-strip').length") == 1
            record = await stage.record(BOB, call.id)
            link = await tab.run("document.querySelector('call-row a').getAttribute('href')")
            assert link == f"#/calls/{record.uuid}"
            await tab.run("void (location.hash = '#/history')")
            docked = "document.querySelector('call-dock').innerText"
            await tab.run(f"until(() => {docked}.includes('{state}'))")
            assert why in await tab.run(docked)
            await tab.run(
                "until(() => document.querySelector('call-dock [role=status]').innerText)"
            )
            told = await tab.run("document.querySelector('call-dock [role=status]').innerText")
            assert told == f"Call {state}: {ALICE}" + (f". {why}" if why else "")
            await tab.run(ABOVE)
            await tab.run("document.querySelector('call-dock .call-end button').click()")
            await tab.run("until(() => !document.querySelector('call-strip'))")

    run(main)


#: Draws what a screen shows, and gives its luma.
LUMA = """(async () => {
  const screen = await until(() => document.querySelector('video[aria-label="%s, live"]'));
  const canvas = new OffscreenCanvas(160, 120);
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  pen.drawImage(screen, 0, 0, 160, 120);
  const {data} = pen.getImageData(0, 0, 160, 120);
  return [...Array(160 * 120).keys()].map((at) => Math.round(
    0.299 * data[4 * at] + 0.587 * data[4 * at + 1] + 0.114 * data[4 * at + 2]));
})()"""


async def sees_the_clock(tab: Tab, which: str) -> None:
    """Look at a screen until the clock of our pattern is read there, and goes on."""
    first = None
    while True:
        luma = np.array(await tab.run(LUMA % which), np.uint8).reshape(120, 160)
        now = read_clock(luma)
        if now is not None and first is not None and now > first:
            return
        first = now if first is None else first


def test_a_person_looks_in(run: Run, tmp_path: Path, calling_browser: Opens) -> None:
    async def main() -> None:
        async with visited(calling_browser, tmp_path, [ALICE, BOB], "calls") as (stage, tab):
            media = {"audio": f"tone:{OURS}", "video": "pattern"}
            out, came = await stage.connected(ALICE, BOB, media, **media)
            await tab.run("press('Listen')")
            for which in ("Peer", "Bot"):
                await sees_the_clock(tab, which)
                assert await tab.run(f"hear('{which}', {OURS})")
            await out.hangup()
            assert {one["codec"] for one in (await came.ended()).media} == {"opus", "VP8"}

    run(main)


def test_two_listen_over_an_ice_restart_and_a_content_add(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with (
            visited(browser[0], tmp_path, [ALICE, BOB], "calls") as (stage, one),
            another(browser[0], stage, "calls") as two,
        ):
            back = {"audio": f"tone:{OURS}"}
            out, came = await stage.connected(ALICE, BOB, back, audio=f"tone:{THEIRS}")
            for tab in (one, two):
                await tab.run("press('Listen')")
                assert await tab.run(f"hear('Peer', {THEIRS})")
            await out.restart_ice()
            await stage.step(BOB, "ice-restart")
            for tab in (one, two):
                assert await tab.run(f"hear('Peer', {THEIRS})")
            await out.add("video", "pattern")
            for tab in (one, two):
                assert await tab.run(f"hear('Peer', {THEIRS})")
            await two.run("press('Stop listening')")
            await two.run("press('Listen')")
            await sees_the_clock(two, "Peer")
            assert await one.run(f"hear('Peer', {THEIRS})")
            await out.hangup()
            parts = [each.part for each in (await came.ended()).listeners]
            assert sorted(parts) == ["received"] * 3 + ["sent"] * 3

    run(main)


async def reach(tab: Tab, what: str, by: str = "Tab") -> None:
    """Go by a key to what has these words, or fits this selector, once it is shown.

    After the last thing of a page Tab leads out of it. Firefox still gives the page the keys that
    come then, but presses nothing.
    """
    named = json.dumps(what)
    fits = f"(one => one.textContent === {named} || one.matches({named}))"
    everything = "[...document.querySelectorAll('main *')]"
    await tab.run(f"until(() => {everything}.some(one => {fits}(one) && one.checkVisibility()))")
    # Firefox may take the key a moment after it was sent: look when it has drawn the focus.
    told = f"done(document.hasFocus() ? {fits}(document.activeElement) : null)"
    drawn = f"new Promise(done => requestAnimationFrame(() => setTimeout(() => {told})))"
    is_there = False
    while not is_there:
        await tab.key(by)
        is_there = await tab.run(drawn)
        assert is_there is not None, f"no Tab leads to {what}"


async def press(tab: Tab, what: str) -> None:
    """Press what the Tab key leads to."""
    await reach(tab, what)
    await tab.key("Enter")


def test_a_person_calls_with_the_keyboard_alone_and_a_microphone(
    run: Run, tmp_path: Path, calling_browser: Opens
) -> None:
    async def main() -> CallRecord:
        async with visited(calling_browser, tmp_path, [ALICE, BOB], "", microphone="") as (
            stage,
            tab,
        ):
            await press(tab, f'a[href="#/accounts/{quote(BOB)}"]')
            await reach(tab, 'input[aria-label="Address of a new conversation"]')
            await tab.write(ALICE)
            await tab.key("Enter")
            await press(tab, 'summary[aria-label="What is sent"]')
            await press(tab, "Call with my microphone")
            came = await stage.ringing(ALICE)
            await came.answer(audio=f"tone:{OURS}", record=True)
            assert await tab.run(f"hear('Peer', {OURS})")
            await press(tab, "Hold")
            await stage.until(CallStatus, lambda one: one.account == ALICE and one.held)
            assert await tab.run("document.activeElement.textContent") == "Hold"
            await tab.key("Enter")
            await stage.media(ALICE, "audio", 100)
            await reach(tab, "Hang up", "Shift+Tab")
            await tab.key("Enter")
            return await came.ended()

    record = run(main)
    assert record.state == "completed"
    beep = FIREFOX_BEEP if isinstance(calling_browser, Firefox) else BEEP
    frequency, level = loudest(record, Direction.RECEIVED)
    assert frequency == pytest.approx(beep, abs=25)
    assert level > -30
