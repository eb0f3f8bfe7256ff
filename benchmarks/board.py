"""The board's page with many accounts and calls: how soon it shows changes, and what it costs."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.actors.messages.exchange import AccountChanged
from callboard.benchmarks.control import ACCOUNTS, CALLS, instance, status_of
from callboard.benchmarks.leg import Ours, peer, run
from callboard.benchmarks.partner import partner, serve
from callboard.benchmarks.played import make_file
from callboard.benchmarks.result import Figure, Result, percentile
from callboard.benchmarks.trial import main, trial
from callboard.benchmarks.usage import cpu, keep_to
from callboard.config.web import WebSettings
from callboard.control.instance.instance import Instance
from callboard.web.board import Board

WATCH = """(() => {
  globalThis.long = [0];
  new PerformanceObserver((list) => long.push(...list.getEntries().map((one) => one.duration)))
    .observe({type: "longtask"});
})()"""
SHOWN = """new Promise((done) => {
  const look = () => document.querySelector("account-list")?.textContent.includes("%s")
    ? done(true) : setTimeout(look, 10);
  look();
})"""


async def visitor(link: str) -> dict[str, Any]:
    """Have the page open in a browser, and wait for what it is to show."""
    from callboard.tests.browser.chromium import chromium, find_chromium  # noqa: PLC0415

    keep_to(1)
    program = find_chromium()
    assert program is not None  # noqa: S101 - it was looked for before
    with chromium(program) as browser:
        async with browser.tab() as tab:
            await tab.open(link)
            await tab.run(SHOWN % "load-0000")
            await tab.run(WATCH)

            async def handle(message: dict[str, Any]) -> dict[str, Any]:
                if "shown" in message:
                    await tab.run(SHOWN % message["shown"])
                return {"longest": await tab.run("Math.max(...long)")}

            await serve(handle)
    return {}


async def _report(running: Instance, calls: int) -> None:
    """Tell of each call once a second, as calls do."""
    began = time.perf_counter()
    while True:
        for number in range(calls):
            running.hear(status_of(number, time.perf_counter() - began))
            await asyncio.sleep(1 / calls)


async def page(accounts: int, calls: int, seconds: float, times: int) -> dict[str, Any]:
    """Return the seconds until changes are shown, the longest task, and the CPU that a page takes.

    Args:
        accounts: that there are.
        calls: that go on.
        seconds: for how long to look at the CPU, without the page and with it.
        times: changes to wait for.
    """
    tune_garbage_collection()
    keep_to(0)
    async with instance(accounts, calls) as (running, _):
        board = await Board.started(WebSettings(), running)
        reporting = asyncio.create_task(_report(running, calls))
        try:
            alone = await _used(seconds)
            async with partner(visitor, link=board.link) as ask:
                await ask({})
                shown = []
                for number in range(times):
                    running.hear(AccountChanged("load-0000@localhost", "waiting", f"no {number}."))
                    began = time.perf_counter()
                    await ask({"shown": f"no {number}."})
                    shown.append(time.perf_counter() - began)
                watched = await _used(seconds)
                longest = (await ask({}))["longest"]
        finally:
            reporting.cancel()
            await board.close()
    return {"shown": percentile(shown, 0.95), "longest": longest, "cpu": watched - alone}


async def _used(seconds: float) -> float:
    """Return the CPU that this process uses, in percent of a core."""
    before = cpu()
    await asyncio.sleep(seconds)
    return 100 * (cpu() - before) / seconds


async def legs(file: str, count: int, seconds: float) -> dict[str, Any]:
    """Run legs that echo."""
    tune_garbage_collection()
    return await run(Ours, "echo", file, count, seconds)


async def measure(quick: bool) -> Result:
    """Measure the calls, then the page."""
    from callboard.tests.browser.chromium import find_chromium  # noqa: PLC0415 - not installed

    accounts, calls, seconds, times = (20, 4, 0.3, 1) if quick else (ACCOUNTS, CALLS, 15.0, 40)
    result = Result(
        "The board's page",
        f"{accounts:,} accounts and {calls} calls, each of which is told of once a second, in one "
        "process on one core; the page in Chromium on another. A change is one account's, from "
        "where it happens to where the page shows it. What the calls cost is so many legs that "
        "echo sound. The server's share is what it uses more while the page is open.",
    )
    if find_chromium() is None:
        result.notes.append("There is no Chromium here.")
        return result
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "played.ogg"))
        await asyncio.to_thread(make_file, Path(file), 2 if quick else 10)
        leg = await trial(legs, file=file, count=1 if quick else 10, seconds=0.3 if quick else 5.0)
    found = await trial(page, accounts=accounts, calls=calls, seconds=seconds, times=times)
    share = 100 * found["cpu"] / (calls * leg["cpu"])
    result.figures += [
        Figure("a change is shown, p95 s", found["shown"], reach="<= 1", met=found["shown"] <= 1),
        Figure("longest task, ms", found["longest"], reach="<= 100", met=found["longest"] <= 100),
        Figure("the server's share, % of the calls' CPU", share, reach="<= 5", met=share <= 5),
    ]
    return result


if __name__ == "__main__":
    main(measure, {"legs": legs, "page": page, "peer": peer, "visitor": visitor})
