"""Several devices of one account, and two that call each other at once."""

import asyncio
import uuid
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.actors.xmpp.stanza import CLIENT
from callboard.bots import CallOver
from callboard.jingle import (
    Accept,
    Action,
    Finish,
    Proceed,
    Propose,
    Reason,
    Reject,
    Retract,
    Ringing,
)
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, staged
from callboard.tests.live.test_calls import MESSAGE

PHONE = "bob@localhost/phone"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Proceed, "answered on another device"),
        (lambda sid: Reject(sid, Reason.DECLINE), "declined on another device"),
    ],
    ids=["answers", "declines"],
)
def test_a_device_stops_ringing_when_another_one(
    run: Run, tmp_path: Path, answer: type[Proceed], words: str
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE, BOB]) as stage,
            Device(stage, PHONE) as phone,
        ):
            out = await stage.puppets[ALICE].call(BOB, message=True)
            came = await stage.ringing(BOB)
            propose, caller = await phone.hears(Propose)
            phone.say(caller, answer(propose.id))
            with pytest.raises(CallOver, match=words):
                await came.connected()
            record = await stage.record(BOB)
            assert words in record.why
            assert record.state == ("missed" if answer is Proceed else "declined")
            if answer is Proceed:
                jingle, _ = await phone.hears_jingle("session-initiate")
                assert jingle.get("sid") == out.id
                await out.hangup()
            assert await stage.states(ALICE) == ["cancelled" if answer is Proceed else "declined"]

    run(main)


def test_the_other_devices_are_told_when_the_bot_answers(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE, BOB]) as stage,
            Device(stage, PHONE) as phone,
        ):
            out = await stage.puppets[ALICE].call(BOB, message=True)
            propose, caller = await phone.hears(Propose)
            assert propose.id == out.id == str(uuid.UUID(out.id))
            phone.say(caller, Ringing(propose.id))
            came = await stage.ringing(BOB)
            await came.answer()
            accept, sender = await phone.hears(Accept)
            assert (accept.id, sender) == (out.id, (await stage.account(BOB))._session.jid)
            # Too late, and so of no consequence:
            phone.say(caller, Proceed(propose.id))
            phone.say(caller, Reject(propose.id, Reason.DECLINE))
            assert (await out.status()).phase == "connected"
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@MESSAGE
def test_of_two_calls_at_once_between_the_same_two_one_stands(
    run: Run, tmp_path: Path, message: bool
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            jids = {jid: (await stage.account(jid))._session.jid for jid in (ALICE, BOB)}
            peers = {ALICE: BOB, BOB: ALICE}
            calls = await asyncio.gather(
                *(
                    stage.puppets[one].call(other if message else jids[other], message=message)
                    for one, other in peers.items()
                )
            )
            first, second = sorted(calls, key=lambda call: call.id)
            winner, loser = (ALICE, BOB) if first is calls[0] else (BOB, ALICE)
            with pytest.raises(CallOver):
                await second.connected()
            came = await stage.ringing(loser)
            assert came.id == first.id
            await came.answer()
            await first.connected()
            assert not [
                status
                for status in stage.all(CallStatus)
                if (status.account, status.direction) == (winner, "in")
            ]
            await first.hangup()
            assert (await stage.record(loser, second.id)).state == "cancelled"
            assert (await stage.record(winner, first.id)).state == "completed"
            assert (await stage.record(loser, first.id)).state == "completed"

    run(main)


STRANGER = "bob@localhost/laptop"


@pytest.mark.parametrize("state", ["called one device", "taken", "rings", "answered"])
def test_another_device_of_the_peer_can_say_nothing_of_a_call(
    run: Run, tmp_path: Path, state: str
) -> None:
    """Every call message and every action of Jingle, from where the call is not."""

    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["bob"]) as stage,
            Device(stage, PHONE) as phone,
            Device(stage, STRANGER) as stranger,
        ):
            alice = (await stage.account(ALICE))._session.jid
            if state in ("rings", "answered"):
                phone.say(ALICE, Propose("sid-1", ("audio",)))
                call = await stage.ringing(ALICE)
                if state == "answered":
                    answering = asyncio.ensure_future(call.answer())
                    await phone.hears(Proceed)
                    assert await phone.jingle(alice, phone.initiate("sid-1")) == ""
                    await phone.hears_jingle("session-accept")
            else:
                to = BOB if state == "taken" else PHONE
                call = await stage.puppets[ALICE].call(to, message=True)
                await phone.hears(Propose)
                if state == "taken":
                    phone.say(alice, Proceed(call.id))
                    await phone.hears_jingle("session-initiate")
            before = await call.status()
            for message in (Ringing, Proceed, Accept, Reject, Retract, Finish):
                stranger.say(alice, message(call.id))
            bounce = Element(f"{{{CLIENT}}}message", {"to": alice, "type": "error", "id": call.id})
            stranger.send(bounce)
            for action in Action:
                jingle = stranger.initiate(call.id)
                jingle.set("action", action)
                unknown = "item-not-found unknown-session"
                assert await stranger.jingle(alice, jingle) == unknown
            after = await call.status()
            assert (after.phase, after.steps, after.peer) == (
                before.phase,
                before.steps,
                before.peer,
            )
            if state == "called one device":
                phone.say(alice, Proceed(call.id))
                await phone.hears_jingle("session-initiate")
            phone.say(alice, (Retract if state == "rings" else Finish)(call.id))
            await call.ended()
            if state == "answered":
                with pytest.raises(CallOver):
                    await answering

    run(main)
