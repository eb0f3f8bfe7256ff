"""What metrics cost beside the calls that they tell of."""

import asyncio
import statistics
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.accounts import HOST, passwords, user
from callboard.benchmarks.calls import Seat, Switchboard, nobody, seated
from callboard.benchmarks.result import Figure, Result
from callboard.benchmarks.trial import main, trial
from callboard.benchmarks.usage import cpu, keep_to
from callboard.config import Settings
from callboard.config.metrics import ListenAddress, MetricsSettings
from callboard.control.metrics.monitoring import Monitoring
from callboard.server import Prosody

#: Percent of what the calls cost that metrics may cost.
REACH = 3.0


async def calls(pairs: int, windows: int, seconds: float) -> dict[str, Any]:
    """Return the CPU seconds of each window, with metrics and without them in turns.

    Args:
        pairs: of accounts, each with one call with sound.
        windows: of each kind.
        seconds: how long one is.
    """
    tune_garbage_collection()
    keep_to(0)
    found: dict[str, list[float]] = {"off": [], "on": []}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Prosody(passwords(2 * pairs), host=HOST) as prosody,
            seated(list(range(2 * pairs)), prosody.port, str(prosody.certificate), folder) as (
                board,
                _,
            ),
        ):
            for pair in range(pairs):
                caller, called = (f"{user(number)}@{HOST}" for number in (2 * pair, 2 * pair + 1))
                call = await Seat.taken[caller].call(f"{called}/seat", audio="tone:440")
                await board.until(lambda: board.took(caller, call.id, "first-audio") is not None)  # noqa: B023
            for _ in range(windows):
                for kind in ("off", "on"):
                    async with _watched(kind == "on", board, Path(folder)):
                        before = cpu()
                        await asyncio.sleep(seconds)
                        found[kind].append(cpu() - before)
    return dict(found)


@asynccontextmanager
async def _watched(wanted: bool, board: Switchboard, folder: Path) -> AsyncIterator[None]:
    """Serve metrics meanwhile, and scrape them each second."""
    if not wanted:
        yield
        return
    account = {"jid": "desk@localhost", "bot": "silent"}
    settings = Settings.model_validate({"recordings": folder, "accounts": [account]})
    monitoring = Monitoring(
        MetricsSettings(address=ListenAddress("127.0.0.1", 0)),
        settings,
        declared=lambda: ["desk@localhost"],
        stands=lambda: True,
        ending=lambda: False,
    )
    board.heard = monitoring.hear
    scraping = asyncio.create_task(_scrape(monitoring.url))
    try:
        yield
    finally:
        board.heard = nobody
        scraping.cancel()
        await asyncio.gather(scraping, return_exceptions=True)
        await monitoring.close()


async def _scrape(url: str) -> None:
    while True:
        await asyncio.to_thread(_read, url)
        await asyncio.sleep(1)


def _read(url: str) -> None:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own page
        answer.read()


async def measure(quick: bool) -> Result:
    """Compare calls with metrics and without."""
    pairs, windows, seconds = (1, 1, 0.3) if quick else (20, 8, 5.0)
    found = await trial(calls, pairs=pairs, windows=windows, seconds=seconds)
    share = 100 / seconds / pairs
    on, off = (statistics.median(found[kind]) * share for kind in ("on", "off"))
    more = 100 * (on / off - 1) if off else 0.0
    return Result(
        "Metrics",
        f"{pairs} calls with sound between accounts of one process, in windows of {seconds:g} s "
        "with metrics and without in turns. While there are metrics they are scraped each second, "
        "also by this process, which Prometheus would do every 15 s.",
        [
            Figure(
                "CPU of a call, both sides, % of a core",
                on,
                {"without metrics": off},
                reach=f"at most {REACH:g} % more",
                met=None if quick else more <= REACH,
            )
        ],
        [] if quick else [f"Metrics took {more:.1f} % more."],
    )


if __name__ == "__main__":
    main(measure, {"calls": calls})
