"""Growth: whether the next account and the next call cost as much as the first."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from typing import Any

from callboard.benchmarks.accounts import HOST, ours, passwords, user
from callboard.benchmarks.calls import BETWEEN, PATIENCE, Seat, seated
from callboard.benchmarks.partner import partner, serve
from callboard.benchmarks.result import Figure, Result
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import cpu, keep_to, memory
from callboard.bots import Call
from callboard.server import Prosody

#: The accounts of the one who calls and the one who is called, without and with video.
PARTIES = {False: (0, 1), True: (2, 3)}
#: How far a figure may be from the first one.
FLAT = 0.15
#: Percent of a core that calls may take together: beyond it they wait for each other.
FULL = 75.0
#: Seconds for what logins leave to be done, for each thousand accounts at the end.
SETTLE = 0.5


def jid(number: int) -> str:
    """Return the bare JID of an account."""
    return f"{user(number)}@{HOST}"


async def accounts(port: int, authority: str, counts: list[int]) -> dict[str, Any]:
    """Log in more and more accounts.

    Returns:
        for each count, CPU milliseconds of a login of those added, KiB of each of those added,
        and KiB of each of all.
    """
    found: dict[str, Any] = {"cpu": [], "added": [], "kib": []}
    with tempfile.TemporaryDirectory() as folder:
        async with ours(port, authority, folder) as all_of_ours:
            await all_of_ours.login(0, counts[0] // 5)
            first = done = counts[0] // 5
            await asyncio.sleep(SETTLE * counts[-1] / 1000)
            empty = before = memory()
            for count in counts:
                used = cpu()
                await all_of_ours.login(done, count, 50)
                found["cpu"].append((cpu() - used) / (count - done) * 1000)
                await asyncio.sleep(SETTLE * counts[-1] / 1000)
                now = memory()
                found["added"].append((now - before) / (count - done))
                found["kib"].append((now - empty) / (count - first))
                before, done = now, count
    return found


async def called(
    port: int, authority: str, counts: list[int], seconds: float, video: bool
) -> dict[str, Any]:
    """Take more and more calls, whose sound is echoed, and whose pictures if they have some.

    Returns:
        for each count that one core carries, CPU in percent of a core a call, KiB a call, and
        packets a second that the slowest call received.
    """
    keep_to(0)
    _, seat = PARTIES[video]
    found: dict[str, Any] = {"cpu": [], "kib": [], "packets": []}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            seated([seat], port, authority, folder, audio="echo", video="echo" if video else None),
            partner(caller, port=port, authority=authority, video=video) as ask,
        ):
            await ask({"calls": 1})
            await asyncio.sleep(seconds / 2)
            empty = memory()
            for count in counts:
                if found["cpu"] and found["cpu"][-1] * count > FULL:
                    break
                await ask({"calls": count})
                await asyncio.sleep(seconds / 2)
                before, began, used = await _received(seat), time.perf_counter(), cpu()
                await asyncio.sleep(seconds)
                used, lasted = cpu() - used, time.perf_counter() - began
                after = await _received(seat)
                found["cpu"].append(used / lasted / count * 100)
                found["kib"].append((memory() - empty) / (count - 1))
                found["packets"].append(min(after[c] - before[c] for c in before) / lasted)
    return found


async def _received(seat: int) -> dict[str, int]:
    """Return how many packets each call of an account has received."""
    found = [await call.status() for call in Seat.taken[jid(seat)].calls]
    return {one.id: sum(each.received for each in one.statistics) for one in found}


async def caller(port: int, authority: str, video: bool) -> dict[str, Any]:
    """Be the one who calls: as many calls as told."""
    keep_to(1)
    own, to = PARTIES[video]
    with tempfile.TemporaryDirectory() as folder:
        async with seated([own], port, authority, folder) as _:
            calls: list[Call] = []

            async def handle(message: dict[str, Any]) -> int:
                while len(calls) < message["calls"]:
                    call = await Seat.taken[jid(own)].call(
                        jid(to),
                        audio="tone:440",
                        video="pattern" if video else None,
                        message=True,
                    )
                    async with asyncio.timeout(PATIENCE):
                        await call.connected()
                    calls.append(call)
                    await asyncio.sleep(BETWEEN)
                return len(calls)

            await serve(handle)
            for call in calls:
                await call.hangup()
    return {}


async def measure(quick: bool) -> Result:
    """Measure one after the other."""
    people = [10, 20] if quick else [250, 500, 1000, 2000, 4000]
    lines = [2, 4] if quick else [10, 25, 50, 100, 200]
    films = [2, 3] if quick else [5, 10, 20, 40]
    seconds = 0.3 if quick else 8.0
    async with Prosody(passwords(people[-1])) as server:
        place = {"port": server.port, "authority": str(server.certificate)}
        [grown], [talking], [showing] = await turns(
            1,
            lambda: trial(accounts, **place, counts=people),
            lambda: trial(called, **place, counts=lines, seconds=seconds, video=False),
            lambda: trial(called, **place, counts=films, seconds=seconds, video=True),
        )
    result = Result(
        "Growth",
        "Accounts: one process that logs in more and more; the CPU is that of a login among "
        "those added, the memory Pss, without what the first fifth of the first number took. "
        "Calls: one process (one core) whose account takes them and echoes their sound, and their "
        "pictures if they have some (the test pattern), its caller in another process; CPU with "
        "signalling done and media flowing.",
    )
    for key, what in (("cpu", "CPU of a login, ms"), ("kib", "memory, KiB an account")):
        result.figures += _flat(f"{what}, at N accounts", people, grown[key])
    _add_calls(result, "calls", lines, talking)
    _add_calls(result, "calls with video", films, showing)
    return result


def _add_calls(result: Result, what: str, counts: list[int], found: dict[str, Any]) -> None:
    """Add what was measured of more and more calls, as far as one core carries them."""
    if left_out := counts[len(found["cpu"]) :]:
        counts = counts[: len(found["cpu"])]
        result.notes.append(
            f"{left_out[0]} {what} would take {found['cpu'][-1] * left_out[0]:.0f} % of the core, "
            f"more than the {FULL:.0f} % up to which calls do not wait for each other: not tried."
        )
    for key, unit in (("cpu", "CPU, % of a core a call"), ("kib", "memory, KiB a call")):
        result.figures += _flat(f"{unit}, at N {what}", counts, found[key])
    for count, packets in zip(counts, found["packets"], strict=True):
        result.notes.append(
            f"At {count} {what} the slowest one received {packets:.1f} packets a second."
        )


def _flat(what: str, counts: list[int], values: list[float]) -> list[Figure]:
    """Return a line for each count: within `FLAT` of the first, or better."""
    judge: Callable[[float], bool] = lambda value: value <= values[0] * (1 + FLAT)  # noqa: E731
    return [
        Figure(
            what.replace("N", f"{count:,}"),
            value,
            {f"at {counts[0]:,}": values[0]} if number else {},
            reach=f"flat within {FLAT:.0%}" if number else "",
            met=judge(value) if number else None,
        )
        for number, (count, value) in enumerate(zip(counts, values, strict=True))
    ]


if __name__ == "__main__":
    main(measure, {"accounts": accounts, "called": called, "caller": caller})
