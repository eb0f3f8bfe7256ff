"""What an account's ``calls`` say about incoming calls."""

from pathlib import Path
from typing import Any

import pytest
from callboard.actors.xmpp import capabilities
from callboard.bots import Bot, Call, CallOver
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL, Stage, staged
from callboard.tests.live.test_calls import MESSAGE, connect


def bob(**calls: Any) -> list[Any]:
    return [ALICE, {"jid": BOB, "calls": calls}]


@pytest.fixture
def heedless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have callers offer what they like, as clients do that do not look at capabilities."""
    monkeypatch.setattr(capabilities, "refused", lambda _: frozenset())


async def place(stage: Stage, message: bool, **kinds: Any) -> Call:
    peer = BOB if message else (await stage.account(BOB))._session.jid
    return await stage.puppets[ALICE].call(peer, message=message, **kinds)


@MESSAGE
@pytest.mark.usefixtures("heedless")
@pytest.mark.parametrize(
    ("policy", "state", "words"),
    [
        ({"from": "*@elsewhere.test"}, "declined", "calls.from does not list the caller"),
        ({"answer": "never"}, "declined", "calls.answer is never"),
        ({"audio": False}, "failed", "no kind of media that calls allows"),
    ],
    ids=["calls.from", "calls.answer-never", "calls.audio"],
)
def test_a_call_against_the_policy_is_refused_before_it_rings(
    run: Run, tmp_path: Path, policy: dict[str, Any], state: str, words: str, message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, bob(**policy)) as stage:
            out = await place(stage, message)
            with pytest.raises(CallOver):
                await out.connected()
            assert await stage.states(ALICE, BOB) == [state, state]
            assert words in (await stage.record(BOB)).why
            assert (await stage.record(BOB)).ringing is None

    run(main)


@MESSAGE
def test_a_call_beyond_the_limit_is_busy_and_the_first_goes_on(
    run: Run, tmp_path: Path, message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [*bob(limit=1), CAROL]) as stage:
            out, _ = await connect(stage, message=message)
            peer = BOB if message else (await stage.account(BOB))._session.jid
            late = await stage.puppets[CAROL].call(peer, message=message)
            with pytest.raises(CallOver, match="busy"):
                await late.connected()
            assert await stage.states(CAROL) == ["busy"]
            busy = await stage.record(BOB)
            assert (busy.state, busy.peer.partition("/")[0]) == ("busy", CAROL)
            assert (await out.status()).phase == "connected"
            await out.hangup()
            assert (await stage.record(BOB, out.id)).state == "completed"

    run(main)


def test_the_limit_counts_only_calls_that_go_on(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, bob(limit=1)) as stage:
            for _ in range(3):
                stage.events.clear()
                out, came = await connect(stage)
                await out.hangup()
                await came.ended()
                await stage.states(ALICE, BOB)

    run(main)


class Idle(Bot):
    async def on_call(self, call: Call) -> None:
        await call.ended()


@MESSAGE
def test_answer_auto_takes_the_call_after_its_time_when_the_bot_does_not(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: bool
) -> None:
    monkeypatch.setattr("callboard.actors.call.opening.AUTO_GRACE", 0.05)

    async def main() -> None:
        idle = {"jid": BOB, "bot": "idle", "calls": {"answer": "auto", "after": 0.3}}
        async with staged(tmp_path, [ALICE, idle], {"idle": Idle}) as stage:
            out = await place(stage, message)
            await out.connected()
            steps = (await stage.step(BOB, "proceed")).steps
            assert steps["proceed"] - steps["ringing"] > 0.25  # 0.3 by a coarse clock
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_calls_after_holds_back_the_bots_answer(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, bob(after=0.3)) as stage:
            out, _ = await connect(stage)
            steps = (await stage.step(BOB, "proceed")).steps
            assert steps["proceed"] - steps["ringing"] > 0.25  # 0.3 by a coarse clock
            await out.hangup()
            await stage.states(ALICE, BOB)

    run(main)


def test_max_duration_ends_the_call(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, bob(max_duration=0.3)) as stage:
            out, came = await connect(stage)
            record = await came.ended()
            assert record.why == "success: calls.max_duration is over"
            assert (await out.ended()).state == "completed"
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@MESSAGE
@pytest.mark.usefixtures("heedless")
def test_an_audio_only_account_answers_video_as_inactive(
    run: Run, tmp_path: Path, message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, bob(video=False)) as stage:
            out, _ = await connect(stage, video="pattern", message=message)
            await stage.step(ALICE, "first-audio")
            await stage.step(BOB, "first-audio")
            account = await stage.account(BOB)
            conversation = account._conversations[ALICE]._actor_weakref()
            (call,) = conversation._calls
            actor = call.ref._actor_weakref()
            accepted = actor._signalling._session._agreement.local
            # Conversations wants the media of the accept to be those of the initiate.
            senders = {each.kind: each.senders for each in accepted.contents}
            assert {kind: str(each) for kind, each in senders.items()} == {
                "audio": "both",
                "video": "none",
            }
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            media = {one["kind"]: one for one in (await stage.record(BOB)).media}
            assert media["audio"]["received"]
            assert not media.get("video", {}).get("received")

    run(main)
