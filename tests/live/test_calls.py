"""Calls between two accounts, from the proposal to the two detail records."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.call.state import STAGES, CallState
from callboard.actors.messages.call import Hangup
from callboard.actors.messages.exchange import BotFailed, CallStatus
from callboard.actors.records.call_record import FAILURES
from callboard.bots import Bot, Call, CallOver
from callboard.jingle import Proceed, Propose, Reason
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device, reason_of
from callboard.tests.live.stage import ALICE, BOB, CAROL, Stage, staged
from msgspec import structs

MEDIA = pytest.mark.parametrize(
    ("audio", "video"),
    [("tone:440", None), ("tone:440", "pattern")],
    ids=["audio", "audio+video"],
)
MESSAGE = pytest.mark.parametrize("message", [True, False], ids=["proposed", "direct"])


def sooner(monkeypatch: pytest.MonkeyPatch, state: CallState) -> None:
    """Let a call be in a state for half a second at the most."""
    monkeypatch.setitem(STAGES, state, structs.replace(STAGES[state], deadline=0.5))


async def connect(
    stage: Stage, *, video: str | None = None, message: bool = True, **answer: Any
) -> tuple[Call, Call]:
    """Let alice call bob; return both sides' calls when media flows."""
    peer = BOB if message else (await stage.account(BOB))._session.jid
    out = await stage.puppets[ALICE].call(peer, audio="tone:440", video=video, message=message)
    came = await stage.ringing(BOB)
    await came.answer(**{"audio": "tone:880", "video": video, **answer})
    await out.connected()
    return out, came


@MESSAGE
@MEDIA
def test_a_call_connects_media_flows_and_both_sides_hang_up(
    run: Run, tmp_path: Path, audio: str, video: str | None, message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage, video=video, message=message)
            kinds = ["audio", "video"] if video else ["audio"]
            assert came.media == out.media == tuple(kinds)
            assert came.id == out.id
            for account in (ALICE, BOB):
                for kind in kinds:
                    await stage.step(account, f"first-{kind}")
            await out.hangup()
            records = [await out.ended(), await came.ended()]
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            assert [record.direction for record in records] == ["out", "in"]
            for record in records:
                assert record.reason == "success"
                assert [one["kind"] for one in record.media] == kinds
                assert [one["codec"] for one in record.media] == ["opus", "VP8"][: len(kinds)]
                assert all(one["sent"] and one["received"] for one in record.media)
                assert None not in (record.connected, record.setup_ms)
            steps = list((await stage.step(ALICE, "ended")).steps)
            wanted = ["propose", "ringing", "proceed", "initiate", "accept", "ice", "dtls"]
            direct = ["ringing", "initiate", "accept", "ice", "dtls"]
            first = [step for step in steps if step in wanted]
            assert first == wanted if message else set(first) == set(direct)

    run(main)


@pytest.mark.parametrize("who", [ALICE, BOB], ids=["the caller", "the called"])
def test_either_side_hangs_up(run: Run, tmp_path: Path, who: str) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage)
            await (out if who == ALICE else came).hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            assert {(await call.ended()).reason for call in (out, came)} == {"success"}

    run(main)


def test_every_reason_to_end_a_call_reaches_the_peer(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            for reason in Reason:
                stage.events.clear()
                out, came = await connect(stage)
                await came.hangup(reason)
                assert (await out.ended()).reason == reason
                ours, theirs = await stage.states(ALICE, BOB)
                assert ours == theirs
                assert ours == ("failed" if reason in FAILURES else "completed")

    run(main)


@MESSAGE
@pytest.mark.parametrize(
    ("reason", "states"),
    [
        (Reason.DECLINE, ["declined", "declined"]),
        (Reason.BUSY, ["busy", "busy"]),
        (Reason.UNSUPPORTED_APPLICATIONS, ["failed", "failed"]),
    ],
    ids=["decline", "busy", "unsupported"],
)
def test_a_bot_declines_a_call_that_rings(
    run: Run, tmp_path: Path, reason: Reason, states: list[str], message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            peer = BOB if message else (await stage.account(BOB))._session.jid
            out = await stage.puppets[ALICE].call(peer, message=message)
            came = await stage.ringing(BOB)
            await came.decline(reason)
            with pytest.raises(CallOver, match=str(reason)):
                await out.connected()
            assert await stage.states(ALICE, BOB) == states
            assert (await out.ended()).connected is None

    run(main)


def test_a_call_that_does_not_ring_here_cannot_be_declined(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB)
            came = await stage.ringing(BOB)
            with pytest.raises(ValueError, match=r"only its peer can decline it: use hangup\(\)"):
                await out.decline()
            await came.answer()
            with pytest.raises(ValueError, match=r"answered already: end it with hangup\(\)"):
                await came.decline()
            await out.connected()
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            await came.decline()

    run(main)


@MESSAGE
def test_the_caller_retracts_while_it_rings(run: Run, tmp_path: Path, message: bool) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            peer = BOB if message else (await stage.account(BOB))._session.jid
            out = await stage.puppets[ALICE].call(peer, message=message)
            came = await stage.ringing(BOB)
            await stage.step(ALICE, "ringing")
            await out.hangup()
            assert (await came.ended()).answered is None
            with pytest.raises(CallOver):
                await came.answer()
            assert await stage.states(ALICE, BOB) == ["cancelled", "missed"]

    run(main)


@MESSAGE
@pytest.mark.parametrize("impatient", [ALICE, BOB], ids=["the caller", "the called"])
def test_a_call_that_rings_too_long_is_given_up(
    run: Run, tmp_path: Path, impatient: str, message: bool
) -> None:
    async def main() -> None:
        accounts = [
            {"jid": jid, "calls": {"ring_timeout": 0.4 if jid == impatient else 60}}
            for jid in (ALICE, BOB)
        ]
        async with staged(tmp_path, accounts) as stage:
            peer = BOB if message else (await stage.account(BOB))._session.jid
            out = await stage.puppets[ALICE].call(peer, message=message)
            await out.ended()
            assert await stage.states(ALICE, BOB) == ["missed", "missed"]
            assert (await stage.record(impatient)).why == "timeout: nobody answered"

    run(main)


def test_a_peer_that_proceeds_and_never_initiates_leaves_a_record(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sooner(monkeypatch, CallState.AWAITING)

    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, "carol@localhost/device") as device,
        ):
            device.say(ALICE, Propose("sid-1", ("audio",)))
            came = await stage.ringing(ALICE)
            with pytest.raises(CallOver, match="session-initiate did not come"):
                await came.answer()
            assert (await came.ended()).why == "timeout: the session-initiate did not come"
            assert await stage.states(ALICE) == ["missed"]

    run(main)


@pytest.mark.parametrize("accepts", [False, True], ids=["never accepts", "accepts and stops"])
def test_a_peer_that_proceeds_and_stops_leaves_a_record(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accepts: bool
) -> None:
    sooner(monkeypatch, CallState.CONNECTING if accepts else CallState.OFFERED)

    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, "carol@localhost/device") as device,
        ):
            out = await stage.puppets[ALICE].call(CAROL, audio="tone", message=True)
            jid = (await stage.account(ALICE))._session.jid
            await device.hears(Propose)
            device.say(jid, Proceed(out.id))
            initiate, _ = await device.hears_jingle("session-initiate")
            if accepts:
                assert await device.jingle(jid, device.accept(initiate)) == ""
            record = await out.ended()
            terminate, _ = await device.hears_jingle("session-terminate")
            assert reason_of(terminate) == record.reason
            assert (record.state, record.why) == (
                ("failed", "connectivity-error: media did not connect in time")
                if accepts
                else ("missed", "timeout: the session-accept did not come")
            )
            assert await stage.states(ALICE) == [record.state]

    run(main)


def test_a_bot_that_answers_too_late_has_not_failed(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        late = {"jid": BOB, "bot": "recorder", "calls": {"after": 60}}
        async with staged(tmp_path, [ALICE, late]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            await stage.phase(BOB, "ringing")
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["cancelled", "missed"]
        assert not stage.all(BotFailed)

    run(main)
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_nobody_calls_itself(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            for own in (ALICE, "Alice@LOCALHOST", f"{ALICE}/phone"):
                for message in (None, True, False):
                    with pytest.raises(ValueError, match=r"^alice@localhost can't call itself: "):
                        await stage.puppets[ALICE].call(own, message=message)
            assert stage.records() == []

    run(main)


def test_two_calls_at_once_do_not_mix(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL]) as stage:
            calls = await asyncio.gather(
                *(stage.puppets[who].call(BOB, audio="tone") for who in (ALICE, CAROL))
            )
            for call in calls:
                came = await stage.ringing(BOB, call.id)
                await came.answer(audio="tone")
            await asyncio.gather(*(call.connected() for call in calls))
            assert {(await call.status()).phase for call in calls} == {"connected"}
            await calls[0].hangup()
            await stage.record(BOB, calls[0].id)
            assert (await calls[1].status()).phase == "connected"
            await calls[1].hangup()
            await stage.record(BOB, calls[1].id)
            assert len(stage.records()) == 4
            assert {record["state"] for record in stage.records()} == {"completed"}

    run(main)


def test_mute_and_hold_are_told_to_the_peer(run: Run, tmp_path: Path) -> None:
    def seen(**wanted: Any) -> Any:
        return lambda e: e.account == BOB and all(getattr(e, k) == v for k, v in wanted.items())

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await connect(stage, video="pattern")
            await out.mute("video")
            await stage.until(CallStatus, seen(muted=("video",)))
            await out.mute("video", False)
            await out.hold()
            await stage.until(CallStatus, seen(held=True))
            stage.events.clear()
            await out.hold(False)
            await stage.until(CallStatus, seen(held=False, muted=()))
            with pytest.raises(ValueError, match="goes out, so the peer answers it"):
                await out.answer()
            await out.hangup()
            await stage.states(ALICE, BOB)

    run(main)


STEPS = ("propose", "ringing", "proceed", "initiate", "accept", "ice", "dtls", "first-audio")


class Prompt(Bot):
    """Answers at once."""

    async def on_call(self, call: Call) -> None:
        with suppress(CallOver):
            await call.answer(audio="tone")


@MESSAGE
@pytest.mark.parametrize("who", [ALICE, BOB], ids=["the caller", "the called"])
def test_hanging_up_at_any_step_leaves_one_record_each(
    run: Run, tmp_path: Path, who: str, message: bool
) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, str]] = [ALICE, {"jid": BOB, "bot": "prompt"}]
        async with staged(tmp_path, accounts, {"prompt": Prompt}) as stage:
            peer = BOB if message else (await stage.account(BOB))._session.jid
            # Who is called directly is not asked before, and its proceeding is its accepting.
            untaken = set() if message else {"propose", "proceed"} if who == ALICE else {"propose"}
            steps = [step for step in STEPS if step not in untaken]
            for step in steps:
                stage.events.clear()
                call = await stage.puppets[ALICE].call(peer, message=message, audio="tone")
                await stage.step(who, step)
                calls = (await stage.account(who))._conversations[
                    peer.partition("/")[0] if who == ALICE else ALICE
                ]
                ref = calls._actor_weakref()._calls.find(call.id).ref
                ref.tell(Hangup())
                records = [await stage.record(account, call.id) for account in (ALICE, BOB)]
                assert {record.state for record in records} <= {
                    *("completed", "cancelled", "declined", "missed")
                }, (step, records)
            assert len(stage.records()) == 2 * len(steps)

    run(main)


@pytest.mark.parametrize("first", ["retract", "proceed"])
def test_a_retraction_that_crosses_the_answer_ends_both_sides(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr("callboard.actors.call.progress.QUIET", 0.0)  # it looks amid the setup

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, message=True)
            came = await stage.ringing(BOB)
            if first == "retract":
                await out.hangup()
            answering = asyncio.ensure_future(came.answer())
            if first == "proceed":
                await stage.step(BOB, "proceed")
                await out.hangup()
            with pytest.raises(CallOver):
                await answering
            ours, theirs = await stage.states(ALICE, BOB)
            assert ours == "cancelled"
            assert theirs in ("cancelled", "missed")  # whether it had answered when it heard

    run(main)
