"""Memory of an idle account that is logged in, with roster and capabilities."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from callboard.benchmarks.accounts import Logins, Plain, ours, passwords
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.tsung import MISSING, tsung
from callboard.benchmarks.usage import memory, session
from callboard.server import Prosody

#: Seconds for what a login leaves to be done, for each hundred accounts.
SETTLE = 0.2


async def callboard(port: int, authority: str, first: int, last: int) -> dict[str, Any]:
    """Return the KiB that an account takes: growth from `first` to `last` accounts."""
    with tempfile.TemporaryDirectory() as folder:
        async with ours(port, authority, folder) as accounts:
            await accounts.login(0, first)
            await asyncio.sleep(SETTLE * last / 100)
            before = memory()
            await accounts.login(first, last)
            await asyncio.sleep(SETTLE * last / 100)
            return {"kib": (memory() - before) / (last - first)}


async def plain_slixmpp(port: int, authority: str, first: int, last: int) -> dict[str, Any]:
    """Return the same of slixmpp's clients."""
    accounts = Plain(port, authority)
    await accounts.login(0, first)
    await asyncio.sleep(SETTLE * last / 100)
    before = memory()
    await accounts.login(first, last)
    await asyncio.sleep(SETTLE * last / 100)
    found = {"kib": (memory() - before) / (last - first)}
    await accounts.close()
    return found


async def _tsung(count: int) -> tuple[float, int]:
    """Let so many of tsung's accounts be idle, on a server of their own.

    Returns:
        the KiB of its processes, and how many accounts are there.
    """
    async with Prosody(passwords(count), plain=True) as server:
        with tempfile.TemporaryDirectory() as folder, Logins() as logins:
            async with tsung(server.port, count, 200, Path(folder)) as leader:
                there = await logins.reach(count)
                await asyncio.sleep(SETTLE * count / 100)
                return sum(map(memory, session(leader))), there


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    first, last, few = (5, 15, 10) if quick else (50, 1050, 150)
    notes = []
    tsungs: dict[str, float] = {}
    try:
        if not quick:
            (low, few_of_them), (high, many_of_them) = await _tsung(first), await _tsung(last)
            tsungs["tsung"] = (high - low) / (many_of_them - few_of_them)
    except FileNotFoundError:
        notes.append(MISSING)
    async with Prosody(passwords(last)) as server:
        place = {"port": server.port, "authority": str(server.certificate), "first": first}
        mine, plain = await turns(
            1 if quick else 3,
            lambda: trial(callboard, **place, last=last),
            lambda: trial(plain_slixmpp, **place, last=few),
            together=quick,
        )
    found = middle(mine, "kib")
    theirs = {"slixmpp": middle(plain, "kib"), **tsungs}
    return Result(
        "Memory of an idle account",
        f"Growth of Pss from {first} to {last} accounts of ours ({few} of slixmpp's), each logged "
        "in with roster (an empty one) and capabilities, after a collection of garbage. tsung: the "
        "same growth over two runs.",
        [
            Figure("KiB an account", found, theirs, reach="<= 60", met=found <= 60),
            Figure(
                "KiB an account, against slixmpp's",
                found,
                {"slixmpp": theirs["slixmpp"]},
                reach="<= 1/12",
                met=theirs["slixmpp"] / found >= 12,
            ),
        ],
        notes,
    )


if __name__ == "__main__":
    main(measure, {"callboard": callboard, "plain_slixmpp": plain_slixmpp})
