"""What a listener of the board's hears and sees of a call, and what lies over it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from callboard.bots import Call, VideoFeed
from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.stage import TONE, Browser
from callboard.tests.browser.tab import PATIENCE
from callboard.tests.browser.test_board import Page, conversation, on_board, settled
from callboard.tests.browser.test_board_page import SCHEMES
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB

WIDTHS = (360, 1280)
PLACES = ("/calls", "/calls/{call}/{account}", conversation(ALICE, BOB))
#: What the pictures are full of: red, green and blue.
COLOUR = (200, 120, 20)
SCREENS = "[...document.querySelectorAll('call-strip :is(audio, video)')]"


class Shows:
    """Two calls' ends that show something only when told."""

    def __init__(self) -> None:
        self.feeds = VideoFeed(), VideoFeed()

    async def show(self) -> None:
        """Show a picture, which begins with a key frame."""
        for feed in self.feeds:
            await feed.write(np.full((120, 160, 3), COLOUR, np.uint8))


@asynccontextmanager
async def listened(
    browser: Browser, folder: Path, *, video: bool, place: str = PLACES[1]
) -> AsyncIterator[tuple[Page, Shows]]:
    """A page that listens to a call; until it is told to, nobody shows a picture there."""
    shows = Shows()

    def media(feed: VideoFeed) -> dict[str, Any]:
        return {"audio": f"tone:{TONE}", **({"video": feed} if video else {})}

    async with on_board(browser, folder) as (stage, page):
        back, there = map(media, shows.feeds)
        call: Call
        call, _ = await stage.connected(ALICE, BOB, back, **there)
        await page.enter(place.format(call=call.id, account=ALICE))
        await page.press("Listen", "call-strip")
        await page.shows("Stop listening")
        await page.tab.run(SOUND)
        yield page, shows
        await call.hangup()
        await settled(stage, call.id)


#: Whether a screen plays: Chromium's clock is that of the sound that was given to the speakers.
PLAYS = f"""(async () => {{
  const [one, other] = {SCREENS};
  const began = [one, other].map(each => each.currentTime);
  return until(() => [one, other].every((each, place) => each.currentTime > began[place] + 0.3
    && each.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA && !each.paused && !each.muted));
}})()"""
HEARD = f"""Promise.all({SCREENS}.map(
  one => untilHeard(one.srcObject.getAudioTracks()[0], {TONE})))"""


def test_sound_does_not_wait_for_the_first_picture(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with listened(browser, tmp_path, video=True) as (page, shows):
            await page.until(f"{SCREENS}.every(one => one.srcObject.getVideoTracks().length)")
            assert await page.tab.run(PLAYS)
            assert await page.tab.run(HEARD) == [True, True]
            assert not await page.tab.run(f"{SCREENS}.some(one => one.videoWidth)")
            await shows.show()
            await page.until(f"{SCREENS}.every(one => one.videoWidth === 160)")
            assert await page.tab.run(PLAYS)
            assert await page.tab.run(HEARD) == [True, True]

    run(main)


#: Of what somebody points at in a strip, what something else lies over.
COVERED = """[...document.querySelectorAll(
  "call-strip :is(button, audio, video)")].filter(one => {
  one.scrollIntoView({block: "center"});
  const {left, right, top, bottom} = one.getBoundingClientRect();
  return document.elementFromPoint((left + right) / 2, (top + bottom) / 2) !== one;
}).map(one => one.textContent || one.ariaLabel)"""
#: Where the middles of the screens are, and how high these are.
PLACED = f"""{SCREENS}.slice(0, 2).map(one => {{
  const {{left, right, top, bottom, height}} = one.getBoundingClientRect();
  return [(left + right) / 2, (top + bottom) / 2, height];
}})"""


async def drawn(page: Page, file: Path, *places: tuple[float, float]) -> list[tuple[int, ...]]:
    """Look at places of a page; return their colours."""

    def decoded() -> list[tuple[int, ...]]:
        with av.open(file) as picture:
            pixels = next(picture.decode(video=0)).to_ndarray(format="rgb24")
        return [tuple(map(int, pixels[round(y), round(x)])) for x, y in places]

    await page.tab.picture(file)
    return await asyncio.to_thread(decoded)


def is_picture(colour: tuple[int, ...]) -> bool:
    return all(abs(one - other) < 25 for one, other in zip(colour, COLOUR, strict=True))


async def check_screens(page: Page, file: Path, *, pictures: bool) -> None:
    """Point at each screen in each width and scheme: nothing lies over it, and over no button."""
    for scheme in SCHEMES:
        for width in WIDTHS:
            await page.tab.look(width, 800, scheme)
            for number in range(2):
                await page.point(f"{SCREENS}[{number}]")
                assert await page.tab.run(COVERED) == [], (scheme, width)
                await page.point(f"{SCREENS}[{number}]")
                if not pictures:
                    continue
                middles = await page.tab.run(PLACED)
                x, y, height = middles[1 - number]
                places = [(x, y) for x, y, _ in middles] + [(x, y + 0.4 * height)]
                colours: list[tuple[int, ...]] = []
                async with asyncio.timeout(PATIENCE):  # controls that were there fade away
                    while not colours or not all(map(is_picture, colours)):
                        colours = await drawn(page, file, *places)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("video", [False, True], ids=["sound", "pictures that come later"])
def test_a_listeners_controls_cover_nothing(
    run: Run, tmp_path: Path, browser: Browser, video: bool, place: str
) -> None:
    file = tmp_path / "seen.png"

    async def main() -> None:
        async with listened(browser, tmp_path, video=video, place=place) as (page, shows):
            await check_screens(page, file, pictures=False)
            assert await page.tab.run(f"{SCREENS}.every(one => one.controls)") != video
            if video:
                await page.point(f"{SCREENS}[0]")
                await shows.show()
                await page.until(f"{SCREENS}.every(one => one.videoWidth && one.controls)")
                await check_screens(page, file, pictures=True)
            await page.point(
                "[...document.querySelectorAll('call-strip button')]"
                ".find(one => one.textContent === 'Stop listening')"
            )
            await page.tab.click()
            await page.until(f"!{SCREENS}.length")

    run(main)
