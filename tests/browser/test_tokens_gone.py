"""Who hears a call at a page, or talks in it, with a token that a reload takes away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.tab import Tab
from callboard.tests.browser.test_board import Page
from callboard.tests.browser.test_page_media import EXCHANGE, LISTEN, TALK, script
from callboard.tests.cli.test_reload import Reloaded, running, tokens
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE
from callboard.tests.web.http import ask

DESK = "desk@localhost"
OURS, THEIRS, PERSON = 440, 1000, 700
"""What the desk's bot plays, what Alice's does, and what somebody at a page says, in Hz."""
BOT = f"""\
from callboard.bots import Bot


class Desk(Bot):
    async def on_call(self, call):
        await call.answer(audio="tone:{OURS}", video="pattern")
"""
ACCOUNTS = [f"jid: {ALICE}, bot: 'desk:Desk'", f"jid: {DESK}, bot: 'desk:Desk'"]
#: Packets of sound that come in five seconds; and in the time for which Chromium keeps statistics.
FIVE_SECONDS, SOON = 250, 25
#: What a page has received of a call, as the sockets below its connection and its decoders have it.
RECEIVED = """(async () => {
  const found = {socket: 0, audio: 0, video: 0, pictures: 0};
  for (const one of (await pc.getStats()).values()) {
    if (one.type === "candidate-pair") found.socket += one.packetsReceived ?? 0;
    if (one.type !== "inbound-rtp") continue;
    found[one.kind] += one.packetsReceived;
    found.pictures += one.framesDecoded ?? 0;
  }
  return found;
})()"""


@dataclass(frozen=True)
class Scene:
    """A call of Alice's to the desk, and the board of a file that is reloaded.

    Attributes:
        browser: opens pages.
        found: what runs.
        call: the call's id.
    """

    browser: Browser
    found: Reloaded
    call: str

    @property
    def port(self) -> int:
        """The board's."""
        board = self.found.deployment.board
        assert board is not None
        return board.port

    async def take(self, **given: str) -> None:
        """Reload the file with other tokens."""
        self.found.write(*ACCOUNTS, web=tokens(**given))
        assert (await self.found.reload()).keys == ("web.tokens",)

    def where(self, what: str, account: str = DESK) -> str:
        """Where an end of the call is listened to, or talked in."""
        return f"/api/calls/{self.call}/{what}{'&' if '?' in what else '?'}account={account}"

    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """Open a page that can exchange descriptions with the board."""
        async with self.browser[0].tab() as tab:
            await tab.open(f"http://127.0.0.1:{self.port}/api/session")
            await tab.run(SOUND)
            await tab.run(EXCHANGE)
            yield tab


@asynccontextmanager
async def scene(browser: Browser, folder: Path, **given: str) -> AsyncIterator[Scene]:
    (folder / "desk.py").write_text(BOT)
    async with running(folder, *ACCOUNTS, web=tokens(**given)) as found:
        board = found.deployment.board
        assert board is not None
        wanted = {"account": ALICE, "to": DESK, "audio": f"tone:{THEIRS}", "video": "pattern"}
        more = {"record": False, "seconds": None}
        body: dict[str, Any] = {**wanted, **more}
        placed = await ask(board.port, "/api/calls", "POST", token="c" * 20, body=body)
        assert placed.status in (200, 201), placed.body
        yield Scene(browser, found, placed.json["id"])
        end = f"/api/calls/{placed.json['id']}/hangup"
        await ask(board.port, end, "POST", token="c" * 20, body={"account": ALICE})


async def received(tab: Tab, more: int = 0) -> dict[str, int]:
    """Return what a page has received, once that is more packets of sound than now."""
    first = await tab.run(RECEIVED)
    found: dict[str, int] = first
    while found["audio"] < first["audio"] + more:
        found = await tab.run(RECEIVED)
    return found


@pytest.mark.parametrize("direction", ["received", "sent"])
def test_listening_ends_with_its_token_and_others_hear_on(
    run: Run, tmp_path: Path, browser: Browser, direction: str
) -> None:
    hertz = {"received": THEIRS, "sent": OURS}[direction]

    async def main() -> None:
        async with (
            scene(browser, tmp_path, listen="l", control="c") as here,
            here.tab() as goes,
            here.tab() as stays,
        ):
            where = here.where(f"listen/{direction}")
            for tab, word in ((goes, "l"), (stays, "c")):
                await tab.run(script(LISTEN, target=where, token=word * 20))
                assert await tab.run(f"untilHeard(tracks.audio, {hertz})")
                assert await tab.run("seen") == [320, 240]
            await here.take(listen="n", control="c")
            await goes.run("until(() => pc.getReceivers()[0].transport.state === 'closed')")
            before = await received(stays, SOON)
            last = await received(goes)
            after = await received(stays, FIVE_SECONDS)
            assert await received(goes) == last
            assert after["pictures"] > before["pictures"]
            assert await stays.run(f"untilHeard(tracks.audio, {hertz})")
            assert await stays.run("pc.connectionState") == "connected"
            session = await goes.run("pc.session")
            gone = await ask(here.port, session, "DELETE", token="l" * 20)
            assert gone.status == 401
            gone = await ask(here.port, session, "DELETE", token="n" * 20)
            assert gone.json["detail"] == "the session has ended: it was ended"

    run(main)


def test_a_call_that_was_taken_over_is_given_back_when_the_token_is_gone(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with (
            scene(browser, tmp_path, talk="t", control="c") as here,
            here.tab() as talks,
            here.tab() as peer,
        ):
            where = here.where("listen/received", ALICE)  # what the desk's peer hears
            await peer.run(script(LISTEN, target=where, token="c" * 20))
            assert await peer.run(f"untilHeard(tracks.audio, {OURS})")
            over = here.where("talk?how=take-over")
            await talks.run(script(TALK, target=over, token="t" * 20, hertz=PERSON))
            assert await peer.run(f"untilHeard(tracks.audio, {PERSON})")
            await here.take(talk="n", control="c")
            before = await received(peer)
            assert await peer.run(f"untilHeard(tracks.audio, {OURS})")
            after = await received(peer)
            assert after["audio"] - before["audio"] <= FIVE_SECONDS
            session = await talks.run("talking.session")
            gone = await ask(here.port, session, "DELETE", token="n" * 20)
            assert gone.json["detail"] == "the session has ended: it was ended"

    run(main)


def test_whose_token_is_gone_logs_in_again_and_hears_nothing_more(
    run: Run, tmp_path: Path, browser: Browser
) -> None:
    async def main() -> None:
        async with (
            scene(browser, tmp_path, listen="l", control="c") as here,
            browser[0].tab() as tab,
        ):
            page = Page(tab, here.port)
            await tab.open(f"{page.url}#token={'l' * 20}/calls/{here.call}/{DESK}")
            await page.press("Listen")
            await page.until("[...document.querySelectorAll('video')].every(one => one.videoWidth)")
            await here.take(listen="n", control="c")
            await page.until("document.querySelector('log-in')")
            assert await tab.run("document.querySelectorAll('video').length") == 0
            await tab.write("n" * 20)
            await tab.key("Enter")
            await page.press("Listen")
            await page.until("document.querySelector('video')?.videoWidth")

    run(main)
