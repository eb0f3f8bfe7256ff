"""Actors: what an ask, a tell and an actor cost when there are thousands."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pykka
from callboard.actors.runtime.actor import AsyncioActor, handles
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import cpu, memory

CALLBOARD, QUEUE, PYKKA = "Callboard", "asyncio.Queue pair", "Pykka's ThreadingActor"


@dataclass(frozen=True, slots=True)
class Add:
    """Add a number; answered with the sum."""

    amount: int


class Counter(AsyncioActor):
    """Adds up, on the loop."""

    total = 0

    @handles(Add)
    def add(self, message: Add) -> int:
        """Add a number."""
        self.total += message.amount
        return self.total


class ThreadCounter(pykka.ThreadingActor):
    """Adds up, on a thread."""

    total = 0

    def on_receive(self, message: Any) -> int:
        """Add a number."""
        self.total += message.amount
        return self.total


class QueueCounter:
    """Adds up, in a task between two queues: the least that an ask could be."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Add] = asyncio.Queue()
        self.answered: asyncio.Queue[int] = asyncio.Queue()
        self.total = 0
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            message = await self.asked.get()
            self.total += message.amount
            self.answered.put_nowait(self.total)


async def callboard(actors: int, asks: int) -> dict[str, Any]:
    """Measure ours."""
    before = memory()
    refs = [Counter.start() for _ in range(actors)]
    await refs[-1].ask(Add(0), block=False)
    found: dict[str, Any] = {"actors": actors, "kib": (memory() - before) / actors}

    began, used = time.perf_counter(), cpu()
    for number in range(asks):
        await refs[number % actors].ask(Add(1), block=False)
    found["ask"] = (time.perf_counter() - began) / asks * 1e6
    found["ask_cpu"] = (cpu() - used) / asks * 1e6

    began = time.perf_counter()
    for number in range(asks):
        refs[number % actors].tell(Add(1))
    for ref in refs:
        await ref.ask(Add(0), block=False)
    found["tell"] = (time.perf_counter() - began) / (asks + actors) * 1e6
    for ref in refs:
        ref.kill()
    return found


async def queue(actors: int, asks: int) -> dict[str, Any]:
    """Measure a task between two queues."""
    before = memory()
    counters = [QueueCounter() for _ in range(actors)]
    await asyncio.sleep(0)
    found: dict[str, Any] = {"actors": actors, "kib": (memory() - before) / actors}

    began, used = time.perf_counter(), cpu()
    for number in range(asks):
        counter = counters[number % actors]
        counter.asked.put_nowait(Add(1))
        await counter.answered.get()
    found["ask"] = (time.perf_counter() - began) / asks * 1e6
    found["ask_cpu"] = (cpu() - used) / asks * 1e6

    began = time.perf_counter()
    for number in range(asks):
        counters[number % actors].asked.put_nowait(Add(1))
    for counter in counters:
        while counter.total < 2 * asks // actors:
            await counter.answered.get()
    found["tell"] = (time.perf_counter() - began) / asks * 1e6
    for counter in counters:
        counter.task.cancel()
    return found


async def plain_pykka(actors: int, asks: int) -> dict[str, Any]:
    """Measure Pykka's, with as many threads as the system grants."""
    before = memory()
    refs = []
    try:
        for _ in range(actors):
            refs.append(ThreadCounter.start())  # noqa: PERF401 - those before a failure count
    except RuntimeError:  # can't start new thread
        for ref in refs[-len(refs) // 10 :]:
            ref.stop()
        del refs[-len(refs) // 10 :]
    refs[-1].ask(Add(0))
    found: dict[str, Any] = {"actors": len(refs), "kib": (memory() - before) / len(refs)}

    began, used = time.perf_counter(), cpu()
    for number in range(asks):
        refs[number % len(refs)].ask(Add(1))
    found["ask"] = (time.perf_counter() - began) / asks * 1e6
    found["ask_cpu"] = (cpu() - used) / asks * 1e6

    began = time.perf_counter()
    for number in range(asks):
        refs[number % len(refs)].tell(Add(1))
    for ref in refs:
        ref.ask(Add(0))
    found["tell"] = (time.perf_counter() - began) / (asks + len(refs)) * 1e6
    for ref in refs:
        ref.stop(block=False)
    return found


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    actors, asks, times = (100, 1000, 1) if quick else (10_000, 20_000, 3)
    mine, queues, threads = await turns(
        times,
        lambda: trial(callboard, actors=actors, asks=asks),
        lambda: trial(queue, actors=actors, asks=asks),
        lambda: trial(plain_pykka, actors=actors, asks=asks),
        together=quick,
    )
    there = int(middle(threads, "actors"))

    def figure(
        key: str, what: str, reach: str = "", met: Callable[..., bool] | None = None
    ) -> Figure:
        ours = middle(mine, key)
        theirs = {QUEUE: middle(queues, key), PYKKA: middle(threads, key)}
        judged = None if met is None else met(ours, theirs[PYKKA], theirs[QUEUE])
        return Figure(what, ours, theirs, reach=reach, met=judged)

    result = Result(
        "Actors",
        f"{actors:,} actors on one loop (uvloop), asked one after the other, {asks:,} times in "
        "all; then told as often, and waited for. The bare pair is a task between two queues: no "
        "address, no failure, no end.",
        [
            figure(
                "ask",
                "ask, us",
                ">= 20x Pykka's, <= 2x the bare pair's",
                lambda ours, pykka_, bare: pykka_ / ours >= 20 and ours <= 2 * bare,
            ),
            figure("ask_cpu", "ask, us of CPU"),
            figure("tell", "tell, us"),
            figure("kib", "KiB an actor", "<= 6", lambda ours, *_: ours <= 6),
        ],
    )
    if there < actors:
        result.notes.append(f"The system granted Pykka only about {there:,} threads.")
    return result


if __name__ == "__main__":
    main(measure, {"callboard": callboard, "queue": queue, "plain_pykka": plain_pykka})
