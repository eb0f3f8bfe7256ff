"""What a person says in a call: what is sent of them, to whom, and for how long."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.tab import Opens, Tab
from callboard.tests.browser.test_board import Page, on_board
from callboard.tests.browser.test_board_calls import (
    NOTICES,
    PERSON,
    THEIRS,
    another,
    visited,
)
from callboard.tests.browser.test_board_page import check_looks
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL
from callboard.tests.live.test_rooms import until_heard

#: Whether the browser would ask before the page goes.
ASKS = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"
#: How many strips there are of the call in which the person talks.
SHOWN = f"[...document.querySelectorAll('call-strip')].filter(one => one.call.account === '{BOB}')"
PLAYERS = "[...document.querySelectorAll('call-strip :is(video, audio)')]"
WORDS = "[...document.querySelectorAll('call-strip button')].map(one => one.textContent)"


async def look_around(tab: Tab, *places: str) -> None:
    """Go to pages, one after the other; the call is shown in one place on each."""
    for place in places:
        await tab.run(f"void (location.hash = '#/{place}')")
        await tab.run(f"until(() => {SHOWN}.length === 1)")
        await tab.run(f"until(() => {PLAYERS}.length && {PLAYERS}.every(one => !one.paused))")


def test_a_call_goes_on_while_the_person_looks_at_other_pages(
    run: Run, tmp_path: Path, calling_browser: Opens
) -> None:
    async def main() -> None:
        place = f"accounts/{BOB}/{ALICE}"
        async with visited(calling_browser, tmp_path, [ALICE, BOB], place) as (stage, tab):
            assert not await tab.run(ASKS)
            await tab.run("press('Call with my microphone')")
            came = await stage.ringing(ALICE)
            await look_around_ringing(tab)
            await came.answer(audio=f"tone:{THEIRS}")
            await until_heard(came, PERSON)
            assert await tab.run(ASKS)
            here = f"calls/{quote(came.id)}/{quote(BOB)}"
            await look_around(tab, here, "history", "calls", f"accounts/{quote(ALICE)}", place)
            await look_around(tab, "history")
            await until_heard(came, PERSON)
            assert await tab.run(f"hear('Peer', {THEIRS})")
            await tab.run("press('Hang up')")
            assert (await came.ended()).state == "completed"
            await tab.run("until(() => !document.querySelector('call-strip'))")
            assert not await tab.run(ASKS)

    run(main)


async def look_around_ringing(tab: Tab) -> None:
    """See the call that rings on another page, and come back."""
    for place in ("history", f"accounts/{BOB}/{ALICE}"):
        await tab.run(f"void (location.hash = '#/{place}')")
        await tab.run(f"until(() => {SHOWN}.length === 1)")


#: Presses a button of a conversation's head, once it is there.
PRESS_HEAD = """until(() => {
  const buttons = [...document.querySelectorAll(".call-form button")];
  const button = buttons.find(one => one.textContent === "%s");
  button?.click();
  return Boolean(button);
})"""
PRESS_ANY = PRESS_HEAD.replace(".call-form", "call-strip")
#: How somebody comes to talk: the bot, what is pressed, and what the buttons are called then.
WAYS = (
    ("", ("Talk", "Join beside the bot"), {"Leave", "Hang up"}),
    ("", ("Talk", "Take over from the bot"), {"Give back", "Hang up"}),
    ("operator", ("Answer with my microphone",), {"Hang up"}),
    ("operator", ("Answer silently", "Talk", "Take over from the bot"), {"Give back", "Hang up"}),
)
ENDINGS = {"Talk", "Leave", "Give back", "Hang up"}


@pytest.mark.parametrize(("bot", "presses", "endings"), WAYS)
def test_who_talks_in_a_call_goes_on_elsewhere_and_ends_it_there(
    run: Run, tmp_path: Path, browser: Browser, bot: str, presses: tuple[str], endings: set[str]
) -> None:
    async def main() -> None:
        desk: str | dict[str, Any] = {"jid": BOB, "bot": bot} if bot else BOB
        async with visited(browser[0], tmp_path, [ALICE, desk], "calls") as (stage, tab):
            if bot:
                out = await stage.puppets[ALICE].call(BOB, audio=f"tone:{THEIRS}")
            else:
                out, _ = await stage.connected(ALICE, BOB, {"audio": "silence"}, audio="tone")
            for words in presses:
                await tab.run(f"press('{words}')")
            await until_heard(out, PERSON)
            await stage.until(CallStatus, lambda one: one.account == BOB and bool(one.guests))
            await tab.run("void (location.hash = '#/history')")
            await tab.run(f"until(() => document.querySelector('call-dock') && {WORDS}.length)")
            assert set(await tab.run(WORDS)) & ENDINGS == endings
            strip = "document.querySelector('call-dock').innerText"
            await tab.run(f"until(() => {strip}.includes('you talk'))")
            assert "somebody" not in await tab.run(strip)
            await until_heard(out, PERSON)
            ending = min(endings - {"Hang up"} or endings)
            await tab.run(f"press('{ending}')")
            await tab.run(f"until(() => !{strip}.includes('you talk'))")
            if ending != "Hang up":
                await until_heard(out, PERSON, on=False)
                # Nothing was heard before, so nothing goes on.
                await tab.run("void (location.hash = '#/calls')")
                await tab.run("until(() => document.querySelectorAll('call-strip').length === 2)")
                assert not await tab.run("document.querySelector('.screen') !== null")
                await out.hangup()
            assert (await out.ended()).state == "completed"

    run(main)


OTHER_END = "This is the other end of the call in which you talk."
#: The words of the buttons of a call's end, and the note below them.
END = """(() => {
  const strips = [...document.querySelectorAll("main call-strip")];
  const strip = strips.find(one => one.call.account === "%s");
  return strip.querySelector(".actions").innerText;
})()"""


def test_who_talks_at_one_end_of_a_call_is_not_offered_the_other(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, Any]] = [{"jid": ALICE, "bot": "operator"}, BOB]
        async with visited(browser[0], tmp_path, accounts, f"accounts/{BOB}/{ALICE}") as (_, tab):
            await tab.run("press('Call with my microphone')")
            await tab.run("void (location.hash = '#/calls')")
            await tab.run("until(() => document.querySelectorAll('main call-strip').length === 2)")
            await tab.run(f"until(() => {END % ALICE}.includes('{OTHER_END}'))")
            assert "microphone" not in await tab.run(END % ALICE)
            await tab.run(PRESS_ANY % "Answer silently")
            await tab.run(f"until(() => {END % ALICE}.includes('Keypad'))")
            words = await tab.run(END % ALICE)
            assert OTHER_END in words
            assert "Talk" not in words.splitlines()
            await tab.run("press('Hang up')")
            await tab.run("until(() => !document.querySelector('call-strip'))")

    run(main)


def test_talking_is_not_offered_where_somebody_else_talks(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    told = "Somebody with the role talk talks here"
    off = "[...document.querySelectorAll('call-strip button')].find(one => one.disabled)?.innerText"

    async def main() -> None:
        async with (
            visited(browser[0], tmp_path, [ALICE, BOB], "calls") as (stage, one),
            another(browser[0], stage, "calls") as two,
        ):
            out, came = await stage.connected(ALICE, BOB, {"audio": "silence"}, audio="tone")
            await one.run("press('Talk')")
            await one.run("press('Join beside the bot')")
            await until_heard(out, PERSON)
            await two.run(f"until(() => {END % BOB}.includes('{told}'))")
            assert await two.run(off) == "Talk"
            assert told not in await one.run(END % BOB)
            await one.run("press('Leave')")
            await two.run(f"until(() => !{END % BOB}.includes('{told}'))")
            assert await two.run(off) is None
            await out.hangup()
            await came.ended()

    run(main)


LOG_OUT = """(() => {
  const buttons = [...document.querySelectorAll(".visitor button")];
  const button = buttons.find(one => one.textContent === "Log out");
  button.focus();
  button.click();
})()"""
ASKED = "document.querySelector('dialog')"


def test_who_talks_is_asked_before_they_log_out(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with visited(browser[0], tmp_path, [ALICE, BOB], "calls") as (stage, tab):
            out, came = await stage.connected(ALICE, BOB, {"audio": "tone:400"}, audio="tone")
            await tab.run("press('Talk')")
            await tab.run("press('Take over from the bot')")
            await until_heard(out, PERSON)
            await tab.run("void (location.hash = '#/history')")
            for answer in ("Stay", "Log out"):
                await tab.run(LOG_OUT)
                told = f"You talk with {ALICE} now. If you log out, that call is given back"
                assert told in await tab.run(f"{ASKED}.innerText")
                await check_looks(Page(tab, 0))
                assert await tab.run("document.activeElement.textContent") == "Stay"
                buttons = f"[...{ASKED}.querySelectorAll('button')]"
                await tab.run(f"{buttons}.find(one => one.textContent === '{answer}').click()")
                await tab.run(f"until(() => !{ASKED})")
                if answer == "Stay":
                    assert await tab.run("document.activeElement.textContent") == "Log out"
                    assert await tab.run(ASKS)
            await tab.run("until(() => document.querySelector('log-in'))")
            await until_heard(out, 400)
            await out.hangup()
            await came.ended()

    run(main)


def test_a_call_placed_as_the_bot_would_goes_on_once_it_is_given_back(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        place = f"accounts/{BOB}/{ALICE}"
        accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": "operator"}]
        async with visited(browser[0], tmp_path, accounts, place) as (stage, tab):
            sound = "document.querySelector('[aria-label=\"Sound that is sent\"]')"
            await tab.run(f"until(() => {sound}).then(one => {{ one.value = 'tone:400'; }})")
            await tab.run(PRESS_HEAD % "Video")
            came = await stage.ringing(ALICE)
            await came.answer(audio=f"tone:{THEIRS}", video="pattern")
            await tab.run("press('Talk')")
            await tab.run("press('Take over from the bot')")
            await until_heard(came, PERSON)
            await tab.run("press('Give back')")
            await until_heard(came, 400)
            assert not await tab.run(NOTICES)
            await came.hangup()
            await came.ended()

    run(main)


#: Notes what was told in red, also for a moment, and what was asked for in vain.
FAULTS = """(() => {
  globalThis.faults = [];
  const red = () => [...document.querySelectorAll(".notice.bad")].map(one => one.textContent);
  const look = new MutationObserver(() => faults.push(...red()));
  look.observe(document.body, {childList: true, subtree: true});
  const ask = globalThis.fetch;
  globalThis.fetch = async (...given) => {
    const answer = await ask(...given);
    if (!answer.ok) faults.push(`${answer.status} ${given[0]}`);
    return answer;
  };
})()"""


@pytest.mark.parametrize("presses", [("Talk", "Join beside the bot"), ("Listen",)])
@pytest.mark.parametrize("ends", ["person", "peer"])
def test_an_end_of_a_call_in_which_one_talks_or_listens_is_no_fault(
    run: Run, tmp_path: Path, browser: Browser, presses: tuple[str, ...], ends: str
) -> None:
    async def main() -> None:
        async with visited(browser[0], tmp_path, [ALICE, BOB], "calls") as (stage, tab):
            out, came = await stage.connected(
                ALICE, BOB, {"audio": "silence"}, audio=f"tone:{THEIRS}"
            )
            await tab.run(FAULTS)
            for words in presses:
                await tab.run(f"press('{words}')")
            assert await tab.run(f"hear('Peer', {THEIRS})")
            await (tab.run("press('Hang up')") if ends == "person" else out.hangup())
            await came.ended()
            await tab.run("until(() => !document.querySelector('call-strip'))")
            # Once the browser has noticed the end too, and whatever was asked for then is answered.
            await tab.run("fetch('/api/status')")
            assert await tab.run("faults") == []

    run(main)


PRIMARY = "document.querySelector('call-strip .primary').textContent"
#: What who may do this is to press first, and what they are told of an answer without talking.
FIRST = [
    ("talk", "Answer with my microphone", "until you talk or play something."),
    ("control", "Answer silently", "To talk, log in with a token of the role talk."),
]


@pytest.mark.parametrize(("role", "first", "told"), FIRST)
def test_a_call_that_was_answered_silently_can_be_hung_up_wherever_one_is(
    run: Run, tmp_path: Path, browser: Browser, role: str, first: str, told: str
) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": "operator"}]
        async with on_board(browser, tmp_path, accounts=accounts) as (stage, page):
            await page.enter("/history", role)
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            await page.shows("the caller hears nothing", "call-dock")
            await page.shows(told, "call-dock")
            assert await page.tab.run(PRIMARY) == first
            await page.press("Answer silently", "call-dock")
            await out.connected()
            await page.shows("connected", "call-dock")
            await page.go("#/log")
            await page.press("Hang up", "call-dock")
            assert (await out.ended()).state == "completed"
            await page.until("!document.querySelector('call-strip')")

    run(main)


#: Gives the browser's own devices, and notes what was asked for.
DEVICES = """(() => {
  globalThis.asked = [];
  const {mediaDevices} = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (given) => { asked.push(given); return real(given); };
})()"""
#: What leads to a person's picture in a call with pictures, or to their voice alone.
PICTURED = [
    ("", ("Talk", "Join beside the bot"), False),
    ("", ("Talk", "Take over from the bot"), False),
    ("", ("Talk", "Take over with my camera too"), True),
    ("operator", ("Answer with my microphone",), False),
    ("operator", ("Answer with my camera too",), True),
]


@pytest.mark.parametrize(("bot", "presses", "camera"), PICTURED)
def test_a_camera_goes_on_only_by_a_button_that_says_so(
    run: Run, tmp_path: Path, browser: Browser, bot: str, presses: tuple[str], camera: bool
) -> None:
    async def main() -> None:
        desk: str | dict[str, Any] = {"jid": BOB, "bot": bot} if bot else BOB
        async with visited(browser[0], tmp_path, [ALICE, desk], "calls", "") as (stage, tab):
            await tab.run(DEVICES)
            media = {"audio": f"tone:{THEIRS}", "video": "pattern"}
            if bot:
                out = await stage.puppets[ALICE].call(BOB, audio=media["audio"], video="pattern")
            else:
                out, _ = await stage.connected(ALICE, BOB, {"audio": "silence"}, **media)
                await stage.until(CallStatus, lambda one: "video" in one.media)
            for words in presses:
                await tab.run(f"press('{words}')")
            await stage.until(CallStatus, lambda one: one.account == BOB and bool(one.guests))
            await tab.run("until(() => asked.length)")
            assert await tab.run("asked") == [{"audio": True, "video": camera}]
            await tab.run("until(() => document.querySelector('[aria-label=\"Peer, live\"]'))")
            assert await tab.run("document.querySelector('.screen.own') !== null") == camera
            await out.hangup()
            await out.ended()

    run(main)


#: Presses a button of Bob's strip of the call with somebody, once it is there.
PRESS_WITH = """until(() => {
  const strips = [...document.querySelectorAll("call-strip")];
  const strip = strips.find(({call: {account, peer}}) =>
    account === "bob@localhost" && peer.startsWith("%s"));
  const button = [...strip?.querySelectorAll("button") ?? []].find(one => one.textContent === "%s");
  button?.click();
  return Boolean(button);
})"""
MOVED = [
    ("Join beside the bot", "you leave that call"),
    ("Take over from the bot", "that call is given back to its bot"),
]


async def press_with(tab: Tab, peer: str, *presses: str) -> None:
    for words in presses:
        await tab.run(PRESS_WITH % (peer, words))


@pytest.mark.parametrize(("how", "becomes"), MOVED)
def test_a_person_talks_in_one_call_at_a_time_and_is_told_before(
    run: Run, tmp_path: Path, browser: Browser, how: str, becomes: str
) -> None:
    async def main() -> None:
        async with visited(browser[0], tmp_path, [ALICE, BOB, CAROL], "calls") as (stage, tab):
            back = {"audio": "silence"}
            first, _ = await stage.connected(ALICE, BOB, back, audio=f"tone:{THEIRS}")
            second = await stage.puppets[CAROL].call(BOB, audio=f"tone:{THEIRS}")
            came = await stage.ringing(BOB, second.id)
            await came.answer(audio="silence")
            await press_with(tab, ALICE, "Talk", how)
            await until_heard(first, PERSON)
            await press_with(tab, CAROL, "Talk")
            note = "document.querySelector('.choice').innerText"
            told = f"You talk with {ALICE} now. If you talk here, {becomes}."
            assert told in await tab.run(note)
            await press_with(tab, CAROL, "Join beside the bot")
            await until_heard(second, PERSON)
            await until_heard(first, PERSON, on=False)
            assert await tab.run("document.querySelectorAll('.screen').length") == 1
            await first.hangup()
            await second.hangup()
            await came.ended()

    run(main)


def test_who_talks_and_calls_somebody_else_ends_the_call_that_they_had_placed(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        people: list[str | dict[str, Any]] = [ALICE, BOB, CAROL]
        place = "accounts/{}/{}"
        asks = "document.querySelector('conversation-view .popover').textContent"
        async with visited(browser[0], tmp_path, people, place.format(BOB, ALICE)) as (stage, tab):
            await tab.run(f"until(() => {asks})")
            assert "You talk" not in await tab.run(asks)
            await tab.run("press('Call with my microphone')")
            first = await stage.ringing(ALICE)
            await first.answer(audio="silence")
            await until_heard(first, PERSON)
            await tab.run(f"void (location.hash = '#/{place.format(BOB, CAROL)}')")
            told = f"You talk with {ALICE} now. If you talk here, that call ends."
            await tab.run(f"until(() => {asks}.includes('{told}'))")
            await tab.run("press('Call with my microphone')")
            second = await stage.ringing(CAROL)
            assert (await first.ended()).state == "completed"
            await second.answer(audio="silence")
            await until_heard(second, PERSON)
            await second.hangup()
            await second.ended()

    run(main)
