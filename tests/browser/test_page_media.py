"""A real browser that listens to a call by WHEP, and talks in it by WHIP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Call
from callboard.tests.browser.page_sound import SOUND
from callboard.tests.browser.stage import Browser
from callboard.tests.browser.tab import Tab
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, Stage
from callboard.tests.live.test_rooms import until_heard
from callboard.tests.web.stage import TOKENS, boarded

OURS, THEIRS, PERSON = 440, 1000, 700

EXCHANGE = """
(() => {
  globalThis.exchange = async (pc, target, token) => {
    await pc.setLocalDescription(await pc.createOffer());
    const answer = await fetch(target, {
      method: "POST",
      headers: {"Content-Type": "application/sdp", "Authorization": "Bearer " + token},
      body: pc.localDescription.sdp,
    });
    if (answer.status !== 201) throw new Error(await answer.text());
    pc.session = answer.headers.get("Location");
    await pc.setRemoteDescription({type: "answer", sdp: await answer.text()});
  };
})()
"""

LISTEN = """
(async () => {
  const pc = globalThis.pc = new RTCPeerConnection();
  const tracks = globalThis.tracks = {};
  pc.ontrack = (event) => { tracks[event.track.kind] = event.track; };
  for (const kind of ["audio", "video"]) pc.addTransceiver(kind, {direction: "recvonly"});
  await exchange(pc, %(target)s, %(token)s);
  const player = new Audio();
  player.muted = true;
  player.srcObject = new MediaStream([tracks.audio]);
  await player.play();
  globalThis.seen = new Promise((done) => {
    const screen = document.createElement("video");
    screen.muted = true;
    screen.srcObject = new MediaStream([tracks.video]);
    screen.requestVideoFrameCallback((_, frame) => done([frame.width, frame.height]));
    screen.play();
  });
})()
"""

TALK = """
(async () => {
  const pc = globalThis.talking = new RTCPeerConnection();
  pc.addTransceiver(tone(%(hertz)d).getAudioTracks()[0], {direction: "sendonly"});
  await exchange(pc, %(target)s, %(token)s);
})()
"""


def script(text: str, **values: Any) -> str:
    """Fill in values as JavaScript has them."""
    return text % {
        name: json.dumps(value) if isinstance(value, str) else value
        for name, value in values.items()
    }


@asynccontextmanager
async def at_the_board(
    browser: Browser, folder: Path
) -> AsyncIterator[tuple[Stage, Call, Call, Tab]]:
    """A call of Alice's to Bob as either has it, and a page of the board's."""
    chromium, _ = browser
    async with boarded(folder, [ALICE, BOB]) as (stage, port), chromium.tab() as tab:
        back = {"audio": f"tone:{OURS}", "video": "pattern"}
        out, came = await stage.connected(ALICE, BOB, back, audio=f"tone:{THEIRS}", video="pattern")
        await tab.open(f"http://127.0.0.1:{port}/api/session")
        await tab.run(SOUND)
        await tab.run(EXCHANGE)
        yield stage, out, came, tab


def where(call: Call, what: str) -> str:
    """Where Bob's end of a call is listened to, or talked in."""
    return f"/api/calls/{call.id}/{what}{'&' if '?' in what else '?'}account={BOB}"


@pytest.mark.parametrize(("direction", "hertz"), [("sent", OURS), ("received", THEIRS)])
def test_a_browser_hears_and_sees_a_call(
    run: Run, tmp_path: Path, browser: Browser, direction: str, hertz: int
) -> None:
    async def main() -> None:
        async with at_the_board(browser, tmp_path) as (_, out, came, tab):
            target = where(came, f"listen/{direction}")
            await tab.run(script(LISTEN, target=target, token=TOKENS["listen"]))
            assert await tab.run(f"untilHeard(tracks.audio, {hertz})")
            assert await tab.run("seen") == [320, 240]
            await out.restart_ice()
            assert await tab.run(f"untilHeard(tracks.audio, {hertz})")
            await tab.run("pc.close()")
            await out.hangup()
            assert [one.part for one in (await came.ended()).listeners] == [direction]

    run(main)


def test_a_browser_takes_over_and_gives_back(run: Run, tmp_path: Path, browser: Browser) -> None:
    async def main() -> None:
        async with at_the_board(browser, tmp_path) as (_, out, came, tab):
            target = where(came, "talk?how=take-over")
            await tab.run(script(TALK, target=target, token=TOKENS["talk"], hertz=PERSON))
            await until_heard(out, PERSON)
            await tab.run("talking.close()")
            await until_heard(out, PERSON, on=False)
            await out.hangup()
            assert [one.part for one in (await came.ended()).listeners] == ["take-over"]

    run(main)
