"""What a bot asks of its call before media flow, while it ends, and when it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callboard.actors.messages.exchange import BotFailed
from callboard.bots import Bot, Call, CallOver, Feed, Reason, Room, VideoFeed
from callboard.media import DataChannelError
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL, staged


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
                # A DataChannelError: it was hung up before the channel was open.
                with suppress(CallOver, ValueError, DataChannelError):
                    await request_(came)
                await asyncio.sleep(0)
            for call in (out, came):
                await call.ended()
                with pytest.raises(CallOver, match=r"the call is over \(success"):
                    await request_(call)
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


#: What a bot joins calls with: this one goes on, that one is over. And how a sentence calls it.
JOINS: dict[str, tuple[Callable[[Call, Call], Awaitable[Any]], str]] = {
    "bridge to it": (lambda this, that: this.bridge(that), "the other call"),
    "bridge from it": (lambda this, that: that.bridge(this, on_hangup="one"), "the call"),
    "room": (lambda _, that: Room().add(that), "the call"),
    "mute in a room": (lambda _, that: Room().mute(that), "the call"),
    "answer like it": (lambda this, that: this.answer(like=that), "like: the call"),
}


def test_a_call_that_is_over_joins_no_other_and_the_error_says_why(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL]) as stage:
            this, came = await stage.connected(ALICE, BOB)
            that, away = await stage.connected(ALICE, CAROL)
            await away.hangup(Reason.BUSY)
            await that.ended()
            for join, which in JOINS.values():
                with pytest.raises(CallOver, match=rf"^{which} is over \(busy\b"):
                    await join(this, that)
            like = stage.puppets[ALICE].call(BOB, like=that)
            with pytest.raises(CallOver, match=r"^like: the call is over \(busy\b"):
                await like
            await this.hangup()
            await came.ended()

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


def writer(kind: str, raised: list[Exception], *, waits: bool) -> type[Bot]:
    """A bot that writes into a feed until that raises something."""

    class Writer(Bot):
        async def on_call(self, call: Call) -> None:
            feed, written = (
                (Feed(), bytes(9600))
                if kind == "audio"
                else (VideoFeed(), np.zeros((48, 64, 3), np.uint8))
            )
            if waits:  # its turn never comes
                await call.answer(audio=["tone:400:1h", feed])
            else:
                await call.answer(**{kind: feed})  # type: ignore[arg-type]
            try:
                while True:
                    await feed.write(written)  # type: ignore[arg-type]
            except Exception as error:
                raised.append(error)
                raise

    return Writer


@pytest.mark.parametrize("who", ["peer", "account"])
@pytest.mark.parametrize(("kind", "waits"), [("audio", False), ("audio", True), ("video", False)])
def test_who_writes_into_a_feed_learns_that_the_call_is_over(
    run: Run, tmp_path: Path, kind: str, waits: bool, who: str
) -> None:
    raised: list[Exception] = []

    async def main() -> None:
        accounts: list[Any] = [ALICE, {"jid": BOB, "bot": "writer"}]
        bots = {"writer": writer(kind, raised, waits=waits)}
        async with staged(tmp_path, accounts, bots) as stage:
            await stage.online(ALICE, BOB)
            call = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern")
            await call.connected()
            if who == "peer":
                await call.hangup()
                await stage.record(BOB)
        assert [type(error) for error in raised] == [CallOver]
        assert not stage.all(BotFailed)

    run(main)
