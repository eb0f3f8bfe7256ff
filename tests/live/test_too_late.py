"""What a bot asks of its call before media flow, while it ends, and when it is over."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callboard.actors.messages.exchange import BotFailed
from callboard.bots import Bot, Call, CallOver, Feed, Reason, Room, Synthesizer, VideoFeed
from callboard.media import DataChannelError
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL, staged


async def first(found: AsyncGenerator[Any, None]) -> None:
    """Read one of what comes, if anything does."""
    async with aclosing(found):
        async for _ in found:
            break


#: Says nothing, without a program.
SILENT = Synthesizer(lambda _: bytes(3200))

#: Everything that a bot can ask of a call that goes on.
REQUESTS: dict[str, Callable[[Call], Awaitable[Any]]] = {
    "connected": lambda call: call.connected(),
    "status": lambda call: call.status(),
    "play": lambda call: call.play("tone"),
    "say": lambda call: call.say("words", synthesizer=SILENT),
    "record": lambda call: call.record(),
    "recordings": lambda call: call.recordings(),
    "mute": lambda call: call.mute(),
    "hold": lambda call: call.hold(),
    "pause": lambda call: call.pause("audio"),
    "press": lambda call: call.press("1"),
    "digits": lambda call: first(call.digits()),
    "read_digits": lambda call: call.read_digits(1, timeout="40ms"),
    "add": lambda call: call.add("video", "pattern"),
    "remove": lambda call: call.remove("audio"),
    "send": lambda call: call.send("text"),
    "restart_ice": lambda call: call.restart_ice(),
    "frames": lambda call: first(call.frames("audio")),
    "speech": lambda call: first(call.speech()),
    "snapshot": lambda call: call.snapshot(),
}


def test_each_method_that_raises_call_over_is_asked_too_late() -> None:
    raising = {
        name
        for name, method in vars(Call).items()
        if not name.startswith("_") and "CallOver:" in (method.__doc__ or "")
    }
    made = {"of", "answer", "bridge"}  # a handle, and what `JOINS` has
    assert raising - made == set(REQUESTS)


@pytest.mark.parametrize("name", REQUESTS)
def test_what_comes_too_late_raises_call_over(run: Run, tmp_path: Path, name: str) -> None:
    request_ = REQUESTS[name]

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern", data=True)
            came = await stage.ringing(BOB)
            await came.answer(audio="tone", video="pattern")
            await out.connected()
            await out.hangup()
            if name != "status":  # which can be had until it is closed
                with pytest.raises(CallOver):
                    await request_(out)
            ended = asyncio.create_task(_until(came.ended()))
            while not ended.done():  # as the peer closes the media, says goodbye, and is gone
                # A ValueError: there is nothing more to remove, or no decoded frame to be had.
                # A DataChannelError: it was hung up before the channel was open.
                with suppress(CallOver, ValueError, DataChannelError):
                    await request_(came)
                await asyncio.sleep(0)
            for call, title in ((out, f"{ALICE} → {BOB}"), (came, f"{BOB} ← {ALICE}")):
                record = await call.ended()
                with pytest.raises(CallOver) as over:
                    await request_(call)
                assert str(over.value) == f"{title}: the call is over ({record.why})"
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


#: What a bot joins calls with: this one goes on, that one is over.
JOINS: dict[str, Callable[[Call, Call], Awaitable[Any]]] = {
    "bridge to it": lambda this, that: this.bridge(that),
    "bridge from it": lambda this, that: that.bridge(this, on_hangup="one"),
    "room": lambda _, that: Room().add(that),
    "mute in a room": lambda _, that: Room().mute(that),
    "like: ": lambda this, that: this.answer(like=that),
}


def test_a_call_that_is_over_joins_no_other_and_the_error_says_which_and_why(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL]) as stage:
            this, came = await stage.connected(ALICE, BOB)
            that, away = await stage.connected(ALICE, CAROL)
            await away.hangup(Reason.BUSY)
            words = f"{ALICE} → {CAROL}: the call is over ({(await that.ended()).why})"
            for name, join in JOINS.items():
                with pytest.raises(CallOver) as over:
                    await join(this, that)
                assert str(over.value) == ("like: " if name == "like: " else "") + words
            like = stage.puppets[ALICE].call(BOB, like=that)
            with pytest.raises(CallOver, match=f"^like: {re.escape(words)}$"):
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
                with pytest.raises(CallOver, match=rf"^{ALICE} → {BOB}: |^{BOB} ← {ALICE}: "):
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
def test_who_writes_into_a_feed_learns_whose_call_is_over_and_why(
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
        why = (await stage.record(BOB)).why
        assert [type(error) for error in raised] == [CallOver]
        assert str(raised[0]) == f"{BOB} ← {ALICE}: the call is over ({why})"
        assert not stage.all(BotFailed)

    run(main)
