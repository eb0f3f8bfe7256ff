"""Memory of an idle account that is logged in, with roster and capabilities."""

import asyncio
import tempfile
from typing import Any

from callboard.benchmarks.accounts import Plain, ours, passwords
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import memory
from callboard.server import Prosody

#: Seconds for what a login leaves to be done.
SETTLE = 1.0


async def callboard(port: int, authority: str, first: int, last: int) -> dict[str, Any]:
    """Return the KiB that an account takes: growth from `first` to `last` accounts."""
    with tempfile.TemporaryDirectory() as folder:
        async with ours(port, authority, folder) as accounts:
            await accounts.login(0, first)
            await asyncio.sleep(SETTLE)
            before = memory()
            await accounts.login(first, last)
            await asyncio.sleep(SETTLE)
            return {"kib": (memory() - before) / (last - first)}


async def plain_slixmpp(port: int, authority: str, first: int, last: int) -> dict[str, Any]:
    """Return the same of slixmpp's clients."""
    accounts = Plain(port, authority)
    await accounts.login(0, first)
    await asyncio.sleep(SETTLE)
    before = memory()
    await accounts.login(first, last)
    await asyncio.sleep(SETTLE)
    found = {"kib": (memory() - before) / (last - first)}
    await accounts.close()
    return found


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    first, last, few = (5, 15, 10) if quick else (50, 550, 150)
    async with Prosody(passwords(last)) as server:
        place = {"port": server.port, "authority": str(server.certificate), "first": first}
        mine, plain = await turns(
            1 if quick else 3,
            lambda: trial(callboard, **place, last=last),
            lambda: trial(plain_slixmpp, **place, last=few),
        )
    found = middle(mine, "kib")
    theirs = {"slixmpp": middle(plain, "kib")}
    return Result(
        "Memory of an idle account",
        f"Growth of Pss from {first} to {last} accounts of ours ({few} of slixmpp's), each logged "
        "in with roster and capabilities, after a collection of garbage.",
        [
            Figure("KiB an account", found, theirs, reach="<= 110, then 95", met=found <= 110),
        ],
    )


if __name__ == "__main__":
    main(measure, {"callboard": callboard, "plain_slixmpp": plain_slixmpp})
