"""What a person says in a call goes on while they look at other pages of the board."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.tab import Opens, Tab
from callboard.tests.browser.test_board_calls import PERSON, THEIRS, visited
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
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


#: How somebody comes to talk: the bot, what is pressed, and what the buttons are called then.
WAYS = (
    ("", ("Talk", "Join beside the bot"), {"Leave", "Hang up"}),
    ("", ("Talk", "Take over from the bot"), {"Give back", "Hang up"}),
    ("operator", ("Answer with my microphone",), {"Hang up"}),
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
            await tab.run("until(() => !document.querySelector('call-strip'))")
            if ending != "Hang up":
                await until_heard(out, PERSON, on=False)
                # Nothing was heard before, so nothing goes on.
                await tab.run("void (location.hash = '#/calls')")
                await tab.run("until(() => document.querySelectorAll('call-strip').length === 2)")
                assert not await tab.run("document.querySelector('.screen') !== null")
                await out.hangup()
            assert (await out.ended()).state == "completed"

    run(main)
