"""Two calls of a bot whose peers hear each other."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.bots import CallOver, Room
from callboard.tests.conftest import Run
from callboard.tests.live import heard
from callboard.tests.live.stage import ALICE, BOB, CAROL, staged
from callboard.tests.live.test_rooms import gathered, until_heard


@pytest.mark.parametrize("on_hangup", ["both", "one"])
def test_peers_of_a_bridge_hear_each_other(run: Run, tmp_path: Path, on_hangup: str) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (_, [(alice, one), (bob, two)]):
            bridge = await one.bridge(two, on_hangup=on_hangup)  # type: ignore[arg-type]
            assert bridge.is_open
            assert (await until_heard(alice, 700))[400] < 300
            assert (await until_heard(bob, 400))[700] < 300
            await bob.hangup()
            await bridge.ended()
            assert not bridge.is_open
            if on_hangup == "both":
                assert (await alice.ended()).reason == "success"
            else:
                await until_heard(alice, 700, on=False)
                await one.play("tone:700", wait=False)
                await until_heard(alice, 700)

    run(main)


def test_a_bridge_is_refused_where_it_can_not_be(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (_, [(_, one), (bob, two)]):
            with pytest.raises(ValueError, match="itself"):
                await one.bridge(one)
            with pytest.raises(TypeError, match="give a Call"):
                await one.bridge("bob")  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="'both' or 'one'"):
                await one.bridge(two, on_hangup="all")  # type: ignore[arg-type]
            bridge = await one.bridge(two)
            for first, second in ((one, two), (two, one)):
                with pytest.raises(ValueError, match="room or a bridge"):
                    await first.bridge(second)
            room = Room()
            with pytest.raises(ValueError, match="room or a bridge"):
                await room.add(one)
            await bridge.stop()
            await bridge.stop()
            await room.add(one)
            with pytest.raises(ValueError, match="room or a bridge"):
                await two.bridge(one)
            await room.close()
            await (await two.bridge(one)).stop()
            await bob.hangup()
            met = (await two.ended()).bridges
            assert [(each.account, each.peer) for each in met] == [(CAROL, one.peer)] * 2
            with pytest.raises(CallOver):
                await one.bridge(two)

    run(main)


def test_both_recordings_have_what_was_heard(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (_, [(alice, one), (bob, two)]):
            await one.bridge(two)
            await until_heard(bob, 400)
            await until_heard(alice, 700)
            for call in (one, two):
                await call.record(wav=True)
            await until_heard(alice, 700)
            await until_heard(alice, 700)
            await alice.hangup()
            for call, tones in ((one, [700, 400]), (two, [400, 700])):
                (recording,) = (await call.ended()).recordings
                assert recording.path is not None
                (found,) = heard.tones(Path(recording.path))
                assert found == pytest.approx(tones, abs=15), (
                    "we on the left, the peer on the right"
                )

    run(main)


def test_what_a_peer_tells_of_itself_is_passed_on(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (stage, [(alice, one), (bob, two)]):
            await one.bridge(two)
            await until_heard(bob, 400)

            async def told(*, held: bool, muted: tuple[str, ...]) -> None:
                stage.events.clear()
                await stage.until(
                    CallStatus, lambda e: e.account == BOB and (e.held, e.muted) == (held, muted)
                )

            await alice.mute()
            await told(held=False, muted=("audio",))
            await until_heard(bob, 400, on=False)
            await alice.mute(on=False)
            await told(held=False, muted=())
            await alice.hold()
            await told(held=True, muted=())
            await alice.hold(on=False)
            await told(held=False, muted=())
            await until_heard(bob, 400)

    run(main)


def test_a_peer_that_mutes_or_holds_already_is_known_from_the_beginning_to_the_end(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (stage, [(alice, one), (_, two)]):

            async def told(account: str, *, held: bool, muted: tuple[str, ...] = ()) -> None:
                await stage.until(
                    CallStatus,
                    lambda e: e.account == account and (e.held, e.muted) == (held, muted),
                )

            await alice.mute()
            await stage.until(CallStatus, lambda e: e.account == CAROL and e.muted == ("audio",))
            await two.hold()
            await told(BOB, held=True)
            bridge = await one.bridge(two)
            await told(BOB, held=True, muted=("audio",))
            await told(ALICE, held=True)
            stage.events.clear()
            await bridge.stop()
            await told(ALICE, held=False)
            await told(BOB, held=True)
            await two.hold(on=False)
            await told(BOB, held=False)

    run(main)


def test_a_call_like_another_one_has_its_codecs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL]) as stage:
            show: dict[str, Any] = {"audio": "tone:400", "video": "pattern"}
            with monkeypatch.context() as only:
                few = {"audio": ("PCMU",), "video": ("H264",)}
                only.setattr("callboard.media.rtc.offer_answer.CODECS", few)
                alice, one = await stage.connected(ALICE, CAROL, **show)
            carol = stage.puppets[CAROL]
            calls = []
            two = await carol.call(BOB, **show, like=one)
            bob = await stage.ringing(BOB, two.id)
            await bob.answer(**show)
            calls.append(two)
            call = await stage.puppets[BOB].call(CAROL, **show)
            three = await stage.ringing(CAROL, call.id)
            await three.answer(**show, like=one)
            calls.append(three)
            for each in calls:
                await each.connected()
                status = await each.status()
                assert [medium.codec for medium in status.statistics] == ["PCMU", "H264"]
            await one.bridge(two)
            await until_heard(bob, 400)
            await alice.hangup()
            await one.ended()
            with pytest.raises(CallOver):
                await carol.call(BOB, like=one)

    run(main)


def test_a_caller_hears_something_until_the_other_one_answers(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL]) as stage:
            carol = stage.puppets[CAROL]
            alice, one = await stage.connected(ALICE, CAROL, audio="tone:400")
            refused = await carol.call(BOB, like=one)
            bridging = asyncio.ensure_future(one.bridge(refused, meanwhile="tone:700"))
            await until_heard(alice, 700)
            await (await stage.ringing(BOB, refused.id)).decline()
            with pytest.raises(CallOver, match=rf"^{CAROL} → {BOB}: the call is over [(]decline"):
                await bridging
            await until_heard(alice, 700, on=False)

            two = await carol.call(BOB, like=one)
            bridging = asyncio.ensure_future(one.bridge(two, meanwhile="tone:700", timeout="30s"))
            await until_heard(alice, 700)
            bob = await stage.ringing(BOB, two.id)
            await bob.answer(audio="tone:300")
            bridge = await bridging
            assert (await until_heard(bob, 400))[700] < 300
            await until_heard(alice, 700, on=False)
            await bridge.stop()

            third = await carol.call(BOB)
            bridging = asyncio.ensure_future(one.bridge(third))
            rings = await stage.ringing(BOB, third.id)
            await alice.hangup()
            with pytest.raises(CallOver, match=rf"^{CAROL} ← {ALICE}: the call is over [(]success"):
                await bridging
            assert (await rings.ended()).state == "missed"

    run(main)


def test_calls_of_different_accounts_are_bridged(run: Run, tmp_path: Path) -> None:
    dave = "dave@localhost"

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB, CAROL, dave]) as stage:
            alice, one = await stage.connected(ALICE, CAROL, audio="tone:400")
            bob, two = await stage.connected(BOB, dave, audio="tone:700")
            bridge = await one.bridge(two)
            assert (await until_heard(alice, 700))[400] < 300
            assert (await until_heard(bob, 400))[700] < 300
            digits = bob.digits()
            await alice.press("5")
            assert await anext(digits) == "5"
            await digits.aclose()
            await alice.mute()
            await stage.until(CallStatus, lambda e: e.account == BOB and e.muted == ("audio",))
            await bob.hangup()
            await bridge.ended()
            first, second = await one.ended(), await two.ended()
            assert (first.account, second.account) == (CAROL, dave)
            assert first.bridges[0].uuid == second.uuid
            assert second.bridges[0].account == CAROL

    run(main)
