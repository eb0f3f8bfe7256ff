"""What a bot asks of its call before media flow, while it ends, and when it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Call, CallOver
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, staged


async def listen(call: Call) -> None:
    """Read a frame."""
    async for _ in call.frames("audio"):
        break


#: Everything that a bot can ask of a call that goes on.
REQUESTS: dict[str, Callable[[Call], Awaitable[Any]]] = {
    "play": lambda call: call.play("tone"),
    "record": lambda call: call.record(),
    "recordings": lambda call: call.recordings(),
    "mute": lambda call: call.mute(),
    "hold": lambda call: call.hold(),
    "pause": lambda call: call.pause("audio"),
    "add": lambda call: call.add("video", "pattern"),
    "remove": lambda call: call.remove("audio"),
    "send": lambda call: call.send("text"),
    "restart_ice": lambda call: call.restart_ice(),
    "frames": listen,
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_what_comes_too_late_raises_call_over(
    run: Run, tmp_path: Path, request_: Callable[[Call], Awaitable[Any]]
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern", data=True)
            came = await stage.ringing(BOB)
            await came.answer(audio="tone", video="pattern")
            await out.connected()
            await out.hangup()
            with pytest.raises(CallOver):  # it is being closed
                await request_(out)
            ended = asyncio.create_task(_until(came.ended()))
            while not ended.done():  # as the peer closes the media, says goodbye, and is gone
                # A ValueError: there is nothing more to remove, or no decoded frame to be had.
                with suppress(CallOver, ValueError):
                    await request_(came)
                await asyncio.sleep(0)
            for call in (out, came):
                await call.ended()
                with pytest.raises(CallOver, match=r"the call is over \(success"):
                    await request_(call)
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


async def _until(ended: Awaitable[Any]) -> None:
    await ended


@pytest.mark.parametrize("name", ["add", "pause", "remove", "restart_ice"])
def test_what_comes_too_early_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern")
            came = await stage.ringing(BOB)
            for call in (out, came):
                with pytest.raises(CallOver, match="connected"):
                    await REQUESTS[name](call)
            await came.answer(audio="tone", video="pattern")
            await out.connected()
            assert (await out.status()).media == ("audio", "video")
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)
