"""A data channel beside the media of a call (XEP-0343)."""

from pathlib import Path

import pytest
from callboard.bots import Bot, Call, CallOver
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, staged


class Shouter(Bot):
    """Answers, and sends back in capitals what it gets."""

    async def on_call(self, call: Call) -> None:
        await call.answer(audio="tone")
        await call.ended()

    async def on_data(self, call: Call, data: str | bytes) -> None:
        await call.send(data.upper())


class Listener(Bot):
    """Calls with a data channel, says two things, and hangs up when it has heard two."""

    async def on_start(self) -> None:
        self.heard: list[str | bytes] = []
        call = await self.call(BOB, audio="tone", data=True)
        await call.connected()
        await call.send("text")
        await call.send(b"octets")

    async def on_data(self, call: Call, data: str | bytes) -> None:
        self.heard.append(data)
        if len(self.heard) == 2:
            assert self.heard == ["TEXT", b"OCTETS"]
            await call.hangup()


def test_text_and_octets_go_both_ways_beside_the_media(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        accounts = [{"jid": BOB, "bot": "shouter"}, {"jid": ALICE, "bot": "listener"}]
        bots = {"shouter": Shouter, "listener": Listener}
        async with staged(tmp_path, accounts, bots) as stage:
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_data_without_a_data_channel_is_refused_where_it_is_said(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB)
            with pytest.raises(ValueError, match="no data channel"):
                await out.send("before it is answered")
            came = await stage.ringing(BOB)
            await came.answer()
            await out.connected()
            for call in (out, came):
                with pytest.raises(ValueError, match="no data channel"):
                    await call.send("text")
            await out.hangup()
            await came.ended()
            with pytest.raises(CallOver):
                await came.send("too late")

    run(main)
