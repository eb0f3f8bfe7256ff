"""A call whose own address goes away. Run alone, in a network namespace where one can.

``lo`` has 127.0.0.1 to 127.0.0.3 there, each for itself and not as part of a network, so that one
that is taken away is gone.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from callboard.actors.messages.exchange import CallStatus
from callboard.bots import Call
from callboard.media import inspect
from callboard.tests.live.stage import ALICE, BOB, Stage, staged
from callboard.tests.live.test_calls import connect

ADDRESSES = ["127.0.0.2", "127.0.0.3"]


def used(call: Call) -> set[str]:
    """Return the own addresses that a call goes through."""
    actor: Any = call._ref._actor_weakref()
    addresses: set[str] = actor._leg.connection._renewals.own_addresses()
    return addresses


def packets(stage: Stage, jid: str) -> int:
    """Return how many packets of sound an account has received."""

    statuses = [each for each in stage.all(CallStatus) if each.account == jid]
    return max((one.received for each in statuses for one in each.statistics), default=0)


async def main(folder: Path) -> None:
    """Take the address away that is used, and see that the call goes on over the other."""
    async with staged(folder, [ALICE, BOB], media={"addresses": ADDRESSES}) as stage:
        out, came = await connect(stage, record=True)
        for account in (ALICE, BOB):
            await stage.media(account, packets=50)
        [gone] = used(out)
        command = ("ip", "address", "del", f"{gone}/32", "dev", "lo")
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
        for account in (ALICE, BOB):
            await stage.step(account, "ice-restart")
        for account in (ALICE, BOB):
            await stage.media(account, packets=packets(stage, account) + 100)
        assert gone not in used(out) | used(came)
        assert (await out.status()).phase == "connected"
        await out.hangup()
        assert await stage.states(ALICE, BOB) == ["completed", "completed"]
        [recording] = (await came.ended()).recordings
        assert recording.failure is None
        assert inspect(Path(recording.path or "")).seconds > 2


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(Path(place)))
        sys.stdout.write("the call went on")
