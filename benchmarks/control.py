"""The control socket: how long a status takes, and what readers of events cost the calls."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal, cast

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.actors.messages.exchange import AccountChanged, CallStatus, ExchangeRef
from callboard.benchmarks.leg import Ours, peer, run
from callboard.benchmarks.partner import partner, serve
from callboard.benchmarks.played import make_file
from callboard.benchmarks.result import Figure, Result, middle, percentile
from callboard.benchmarks.trial import main, trial, turns
from callboard.config import Settings
from callboard.control import Client
from callboard.control.claim import claim
from callboard.control.control_socket import ControlSocket
from callboard.control.instance.instance import Instance
from callboard.control.models.events import EventsCommand
from callboard.control.models.status import StatusCommand
from callboard.media import MediaStatistics

ACCOUNTS, CALLS, READERS = 1_000, 200, 10
#: A call's report, as it comes once a second.
MEDIA = MediaStatistics("audio", "opus", 250, 240, 10, 15.25, 1.0, 4.31)
STEPS: Mapping[str, float] = {
    "propose": 0.0,
    "ringing": 0.01,
    "proceed": 0.02,
    "initiate": 0.03,
    "accept": 0.04,
    "ice": 0.05,
    "dtls": 0.06,
    "first-audio": 0.07,
}


class Standing:
    """Something that runs, but does nothing."""

    state: Literal["running"] = "running"
    exchange = cast(ExchangeRef, None)

    def stop(self, *, now: bool = False) -> None:
        """It never ends."""


def status_of(number: int, seconds: float) -> CallStatus:
    """Return how a call stands after so many seconds."""
    return CallStatus(
        id=f"{number:036d}",
        account=f"load-{number:04d}@localhost",
        peer=f"load-{number + CALLS:04d}@localhost/device",
        direction="out",
        phase="connected",
        media=("audio",),
        seconds=seconds,
        steps=STEPS,
        statistics=(MEDIA,),
    )


@asynccontextmanager
async def instance(accounts: int, calls: int) -> AsyncIterator[tuple[Instance, Path]]:
    """Have a control socket with so many accounts and calls, as reports tell of them."""
    declared = [
        {"jid": f"load-{number:04d}@localhost", "password": "s3", "bot": "silent"}
        for number in range(accounts)
    ]
    settings = Settings.model_validate({"accounts": declared})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s")
        made = Instance(settings, Path("load.yaml"), Path(), Standing())
        for one in settings.accounts:
            made.hear(AccountChanged(one.jid, "online"))
        for number in range(calls):
            made.hear(status_of(number, 1.0))
        control = ControlSocket(claim(path), made)
        await control.start()
        try:
            yield made, path
        finally:
            await control.close()


async def ask(socket: str, times: int) -> dict[str, Any]:
    """Return the seconds that each status took, asked of another process."""
    found = []
    async with Client.connected(Path(socket)) as client:
        for _ in range(times):
            began = time.perf_counter()
            await client.ask(StatusCommand(limit=10_000))
            found.append(time.perf_counter() - began)
            await asyncio.sleep(0.02)  # the socket takes a hundred lines a second
    return {"taken": found}


async def status(accounts: int, calls: int, times: int) -> dict[str, Any]:
    """Measure how long a status takes."""
    async with instance(accounts, calls) as (_, path):
        found = await trial(ask, socket=str(path), times=times)
    return {
        "middle": percentile(found["taken"], 0.5) * 1000,
        "late": percentile(found["taken"], 0.99) * 1000,
    }


async def readers(socket: str) -> dict[str, Any]:
    """Be ten readers of events."""
    counted = 0

    async def read(client: Client) -> None:
        nonlocal counted
        async for _ in client.follow(EventsCommand(follow=True, last=0)):
            counted += 1

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(Client.connected(Path(socket))) for _ in range(READERS)
        ]
        reading = [asyncio.create_task(read(one)) for one in clients]

        async def handle(_: dict[str, Any]) -> dict[str, Any]:
            return {"count": counted}

        await serve(handle)
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
    return {}


async def legs(told: int, file: str, legs: int, seconds: float) -> dict[str, Any]:
    """Run legs that echo while the reports of 200 calls come, with so many readers of them."""
    tune_garbage_collection()

    async def report(running: Instance) -> None:
        began = time.perf_counter()
        while True:
            for number in range(CALLS):
                running.hear(status_of(number, time.perf_counter() - began))
                await asyncio.sleep(1 / CALLS)

    async with AsyncExitStack() as stack:
        running, path = await stack.enter_async_context(instance(ACCOUNTS, CALLS))
        count = None
        if told:
            count = await stack.enter_async_context(partner(readers, socket=str(path)))
        reporting = asyncio.create_task(report(running))
        try:
            found = await run(Ours, "echo", file, legs, seconds)
            found["events"] = (await count({}))["count"] if count is not None else 0
        finally:
            reporting.cancel()
    return found


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    times, rounds = (3, 1) if quick else (200, 3)
    count, seconds = (1, 0.3) if quick else (20, 6.0)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "played.ogg"))
        await asyncio.to_thread(make_file, Path(file), 2 if quick else 10)
        empty, full = await turns(
            rounds,
            lambda: trial(status, accounts=1, calls=0, times=times),
            lambda: trial(status, accounts=ACCOUNTS, calls=CALLS, times=times),
        )
        common = {"file": file, "legs": count, "seconds": seconds}
        alone, read = await turns(
            rounds,
            lambda: trial(legs, told=0, **common),
            lambda: trial(legs, told=READERS, **common),
        )
    least, most = middle(empty, "middle"), middle(full, "middle")
    limit = 5 * least + 50
    noise = max(one["late"] for one in alone)
    return Result(
        "Control socket",
        f"A status asked by another process, {times} times; and {count} legs that echo on one core "
        f"while the reports of {CALLS} calls come (each once a second), with nobody and with "
        f"{READERS} readers of them in another process.",
        [
            Figure("status of an empty instance, p50 ms", least),
            Figure(
                f"status of {ACCOUNTS:,} accounts and {CALLS} calls, p50 ms",
                most,
                reach=f"<= {limit:.0f} (5 times the empty one's + 50)",
                met=most <= limit,
            ),
            Figure("the same, p99 ms", middle(full, "late")),
            Figure("pacing error, p99 ms, no readers", middle(alone, "late")),
            Figure(
                f"pacing error, p99 ms, {READERS} readers",
                middle(read, "late"),
                reach=f"<= {noise:.2f} (the worst turn without readers)",
                met=None if quick else middle(read, "late") <= noise,
            ),
            Figure("CPU a leg, % of a core, no readers", middle(alone, "cpu")),
            Figure(f"CPU a leg, % of a core, {READERS} readers", middle(read, "cpu")),
        ],
        [f"The readers were told {middle(read, 'events'):,.0f} events a trial, all together."],
    )


if __name__ == "__main__":
    main(
        measure,
        {"status": status, "ask": ask, "legs": legs, "readers": readers, "peer": peer},
    )
