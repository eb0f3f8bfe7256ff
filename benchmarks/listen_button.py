"""A click on "Listen" in a browser: how soon the person hears and sees."""

import asyncio
import tempfile
from typing import Any

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.accounts import HOST, passwords, user
from callboard.benchmarks.calls import Seat, seated
from callboard.benchmarks.partner import partner, serve
from callboard.benchmarks.result import Figure, Result, percentile
from callboard.benchmarks.trial import main, trial
from callboard.config.web import WebSettings
from callboard.media.joining.recent_pictures import RecentPictures
from callboard.server import Prosody

CALLER, CALLED = (f"{user(number)}@{HOST}" for number in (0, 1))
#: Put into the page: it notes when Listen was pressed, and when the first sound and picture of
#: each direction come. The audio's context runs before, as it would where somebody has listened.
WATCH = """(() => {
  const context = new AudioContext();
  context.resume();
  const button = () => [...document.querySelectorAll("call-page call-strip button")]
    .find((one) => one.textContent === "Listen");
  globalThis.ready = () => { button()?.focus(); return Boolean(button()); };
  globalThis.measured = new Promise(() => {});
  globalThis.arm = () => {
    button().addEventListener("click", (event) => {
      measured = come(event.timeStamp);
    }, {capture: true, once: true});
  };
  const come = (began) => new Promise((done) => {
    const found = {};
    const seen = new Set();
    const note = (what, at) => {
      found[what] ??= at - began;
      if (Object.keys(found).length === 4) done(found);
    };
    const hear = (name, track) => {
      const analyser = new AnalyserNode(context, {fftSize: 256});
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      const wave = new Float32Array(256);
      const look = () => {
        analyser.getFloatTimeDomainData(wave);
        if (Math.max(...wave) > 0.01) note(`sound, ${name}`, performance.now());
        else setTimeout(look, 2);
      };
      look();
    };
    const look = () => {
      for (const screen of document.querySelectorAll("call-strip video")) {
        const name = screen.getAttribute("aria-label");
        if (!seen.has(screen)) {
          seen.add(screen);
          screen.requestVideoFrameCallback((now) => note(`picture, ${name}`, now));
        }
        for (const track of screen.srcObject?.getAudioTracks() ?? []) {
          if (seen.has(track)) continue;
          seen.add(track);
          hear(name, track);
        }
      }
      if (Object.keys(found).length < 4) setTimeout(look, 2);
    };
    look();
  });
})()"""
STOP = """[...document.querySelectorAll("call-page call-strip button")]
  .find((one) => one.textContent === "Stop listening").click()"""
READY = """new Promise((done) => {
  const look = () => ready() ? done(true) : setTimeout(look, 10);
  look();
})"""


async def visitor(link: str) -> dict[str, Any]:
    """Have a call's page open in a browser, and press Listen whenever told."""
    from callboard.tests.browser.chromium import chromium, find_chromium  # noqa: PLC0415

    program = find_chromium()
    assert program is not None  # noqa: S101 - it was looked for before
    with chromium(program) as browser:
        async with browser.tab() as tab:
            await tab.open(link)
            await tab.run(WATCH)

            async def handle(_: dict[str, Any]) -> dict[str, float]:
                await tab.run(READY)
                await tab.run("arm()")
                await tab.key("Enter")
                found: dict[str, float] = await tab.run("measured")
                await tab.run(STOP)
                return found

            await serve(handle)
    return {}


async def clicks(port: int, authority: str, times: int) -> dict[str, Any]:
    """Return how long after each click the first sound and the first picture came, in ms.

    Args:
        port: the server's, on loopback.
        authority: the file with the authority of its certificate.
        times: clicks.
    """
    tune_garbage_collection()
    found: dict[str, list[float]] = {"sound": [], "picture": []}
    with tempfile.TemporaryDirectory() as folder:
        async with seated([0, 1], port, authority, folder, web=WebSettings(), video="pattern") as (
            board,
            deployment,
        ):
            call = await Seat.taken[CALLER].call(CALLED, audio="tone:440", video="pattern")
            await board.until(lambda: board.took(CALLED, call.id, "first-video") is not None)
            assert deployment.board is not None  # noqa: S101 - it was asked for
            link = f"{deployment.board.link}/calls/{call.id}/{CALLED}"
            async with partner(visitor, link=link) as ask:
                for _ in range(times):
                    for what, at in (await ask({})).items():
                        found[what.partition(",")[0]].append(at)
                    # The next one finds nothing that was kept for this one.
                    await asyncio.sleep(RecentPictures.LINGER + 0.2)
            await call.hangup()
    return {kind: percentile(values, 0.95) for kind, values in found.items()}


async def measure(quick: bool) -> Result:
    """Press the button again and again."""
    from callboard.tests.browser.chromium import find_chromium  # noqa: PLC0415 - not installed

    times = 1 if quick else 20
    result = Result(
        "A click on Listen",
        f"{times} clicks (by the keyboard) on the page of a call with sound and pictures in "
        "Chromium, each when nobody else listens; what the peer sends and what we send count "
        "alike. From the moment of the key to the first sound that the page's decoder gives and "
        "to the first picture that is drawn. Callboard and both ends of the call are one process, "
        "and the browser shares the machine with it.",
    )
    if find_chromium() is None:
        result.notes.append("There is no Chromium here.")
        return result
    async with Prosody(passwords(2)) as server:
        place = {"port": server.port, "authority": str(server.certificate)}
        found = await trial(clicks, **place, times=times)
    sound, picture = found["sound"], found["picture"]
    result.figures += [
        Figure("first sound, p95 ms", sound, reach="<= 300", met=sound <= 300),
        Figure("first picture, p95 ms", picture, reach="<= 500", met=picture <= 500),
    ]
    return result


if __name__ == "__main__":
    main(measure, {"clicks": clicks, "visitor": visitor})
