"""What goes wrong in the middle of a call, and what it does not take along."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.account import SetPresence
from callboard.actors.messages.call import Mute
from callboard.actors.messages.exchange import BotFailed, Shutdown
from callboard.actors.xmpp import _slixmpp
from callboard.bots import Bot, Call, CallOver, Offline, caller
from callboard.bots.caller import CallerBot
from callboard.jingle import Propose, Reason, Reject
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device, reason_of
from callboard.tests.live.stage import ALICE, BOB, CAROL, Stage, staged
from callboard.tests.live.test_calls import connect

DEVICE = "carol@localhost/device"


async def received(call: Call) -> int:
    return sum(one.received for one in (await call.status()).statistics)


@pytest.mark.parametrize("ours", [True, False], ids=["by us", "by the peer"])
def test_hanging_up_while_ice_is_checking_ends_the_call(
    run: Run, tmp_path: Path, ours: bool
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            jid = (await stage.account(ALICE))._session.jid
            initiate = device.initiate("sid-1")
            assert await device.jingle(jid, initiate) == ""
            came = await stage.ringing(ALICE)
            answering = asyncio.ensure_future(came.answer())
            await device.hears_jingle("session-accept")
            assert (await came.status()).phase == "connecting"
            if ours:
                await came.hangup()
                terminate, _ = await device.hears_jingle("session-terminate")
                assert reason_of(terminate) == "cancel"
            else:
                assert await device.jingle(jid, device.terminate("sid-1", "cancel")) == ""
            with pytest.raises(CallOver, match="cancel"):
                await answering
            steps = (await stage.phase(ALICE, "ended")).steps
            assert list(steps) == ["initiate", "ringing", "proceed", "accept", "ended"]
            assert await stage.states(ALICE) == ["cancelled"]

    run(main)


@pytest.mark.parametrize("loser", [ALICE, BOB], ids=["the caller", "the called"])
@pytest.mark.parametrize("early", [True, False], ids=["hung-up-meanwhile", "hung-up-later"])
def test_a_call_goes_on_while_its_account_resumes_its_stream(
    run: Run, tmp_path: Path, loser: str, early: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            calls = dict(zip((ALICE, BOB), await connect(stage), strict=True))
            other = calls[BOB if loser == ALICE else ALICE]
            stage.events.clear()
            (await stage.account(loser))._session.stream.lose()
            await stage.state(loser, "waiting")
            before = await received(other)
            if early:
                await calls[loser].hangup()
            back = await stage.state(loser, "online")
            assert back.detail == "resumed"
            if not early:
                assert await received(other) > before
                assert (await other.status()).phase == "connected"
                await calls[loser].hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@pytest.mark.parametrize("loser", [ALICE, BOB], ids=["the caller", "the called"])
def test_a_call_that_rings_connects_after_a_lost_stream_is_resumed(
    run: Run, tmp_path: Path, loser: str
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, message=True, audio="tone")
            came = await stage.ringing(BOB)
            await stage.step(ALICE, "ringing")
            stage.events.clear()
            (await stage.account(loser))._session.stream.lose()
            await stage.state(loser, "waiting")
            await came.answer()
            await out.connected()
            await stage.state(loser, "online")
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_stream_that_can_not_be_resumed_is_opened_anew_and_the_call_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acknowledged: bool
) -> None:
    if not acknowledged:  # what she has answered last is lost with her stream
        monkeypatch.setattr(_slixmpp, "LEISURE", 60.0)

    async def main() -> None:
        async with staged(tmp_path, [f"{ALICE}/fixed", BOB]) as stage:
            out, came = await connect(stage)
            account = await stage.account(ALICE)
            account._session.stream.resumption.id = ""
            stage.events.clear()
            account._session.stream.lose()
            back = await stage.state(ALICE, "online")
            assert back.detail == ""
            assert (await came.status()).phase == "connected"
            await came.hangup()
            assert (await out.ended()).reason == "success"
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_drain_lets_a_call_go_on_until_the_deadline_and_takes_no_new_one(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE, BOB], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            out, came = await connect(stage)
            account = await stage.account(BOB)
            stage.exchange.tell(Shutdown(5.0))
            while not account._calls.is_draining:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)
            device.say(BOB, Propose("late", ("audio",)))
            refusal, _ = await device.hears(Reject)
            assert isinstance(refusal, Reject)
            assert refusal.reason is Reason.GONE
            with pytest.raises(Exception, match="not online"):
                await stage.puppets[ALICE].call(BOB)
            assert (await out.status()).phase == "connected"
            await asyncio.gather(out.ended(), came.ended())
            for jid in (ALICE, BOB):
                await stage.state(jid, "closed")
                assert (await stage.record(jid, out.id)).state == "completed"
            assert (
                "logging out"
                in (await stage.record(ALICE, out.id)).why + (await stage.record(BOB, out.id)).why
            )

    run(main)


def test_a_call_that_crashes_says_so_and_takes_nothing_along(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL]) as stage:
            out, came = await connect(stage)
            other = await stage.puppets[CAROL].call(ALICE)
            await (await stage.ringing(ALICE)).answer()
            out._ref.tell(Mute("video", True))  # a bug: nobody asked whether there is video
            assert (await came.ended()).why.startswith("general-error")
            assert (await stage.record(ALICE, out.id)).state == "failed"
            assert (await stage.record(BOB, out.id)).state == "failed"
            assert (await other.status()).phase == "connected"
            await other.hangup()
            assert (await stage.record(ALICE, other.id)).state == "completed"
            again, _ = await connect_again(stage)
            await again.hangup()
            assert (await stage.record(BOB, again.id)).state == "completed"

    run(main)
    assert "ValueError" in caplog.text


@pytest.mark.parametrize("crashes", [ALICE, BOB])
def test_an_account_that_crashes_says_goodbye_and_comes_back(
    run: Run, tmp_path: Path, crashes: str
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage)
            account = await stage.account(crashes)
            stage.events.clear()
            account.actor_ref.tell(SetPresence(show="nonsense"))  # a bug: nobody waits for it
            other = came if crashes == ALICE else out
            assert (await other.ended()).why == "gone"  # the reason says all that a peer is told
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            assert (await stage.record(crashes)).id == out.id
            await stage.online(crashes)
            again, _ = await connect_again(stage)
            await again.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


async def connect_again(stage: Stage) -> tuple[Call, Call]:
    stage.events.clear()
    return await connect(stage)


class Clumsy(Bot):
    async def on_call(self, call: Call) -> None:
        if self.options["answer"]:
            await call.answer(audio="tone")
        raise RuntimeError("I tripped")


@pytest.mark.parametrize("answer", [True, False], ids=["connected", "ringing"])
def test_a_bots_exception_ends_its_call_only(run: Run, tmp_path: Path, answer: bool) -> None:
    async def main() -> None:
        clumsy = {"jid": CAROL, "bot": "clumsy", "options": {"answer": answer}}
        async with staged(tmp_path, [ALICE, BOB, clumsy], {"clumsy": Clumsy}) as stage:
            out, _ = await connect(stage)
            doomed = await stage.puppets[ALICE].call(CAROL)
            assert (await doomed.ended()).state == "failed"
            assert (await stage.failure(CAROL)).error == "RuntimeError: I tripped"
            record = await stage.record(CAROL)
            assert (record.state, record.why) == ("failed", "general-error: bot Clumsy failed")
            assert (await out.status()).phase == "connected"
            await out.hangup()
            assert (await stage.record(BOB)).state == "completed"

    run(main)


@pytest.mark.parametrize("message", [True, False], ids=["proposed", "direct"])
def test_calling_somebody_who_is_not_there_leaves_a_record(
    run: Run, tmp_path: Path, message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            peer = "nobody@localhost" if message else "nobody@localhost/nowhere"
            call = await stage.puppets[ALICE].call(peer, message=message)
            record = await call.ended()
            assert record.state == "failed"
            assert await stage.states(ALICE) == ["failed"]

    run(main)


class Cut(CallerBot):
    """A caller whose account is offline when it first calls."""

    tried = 0

    async def call(self, *args: Any, **named: Any) -> Call:
        self.tried += 1
        if self.tried == 1:
            raise Offline("the account is not online")
        return await super().call(*args, **named)


def test_the_caller_waits_for_its_account_to_come_back(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "AGAIN", 0.01)

    async def main() -> None:
        cut = {"jid": CAROL, "bot": "cut", "options": {"to": ALICE, "seconds": 0.1}}
        async with staged(tmp_path, [ALICE, cut], {"cut": Cut}) as stage:
            await (await stage.ringing(ALICE)).answer()
            assert await stage.states(CAROL) == ["completed"]
            assert not stage.all(BotFailed)

    run(main)
