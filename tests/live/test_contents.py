"""Contents that come and go in mid-call (XEP-0166 §7.2.1 to §7.2.5)."""

import asyncio
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.bots import CallOver
from callboard.jingle import namespaces as ns
from callboard.media import Direction, inspect
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, staged

PUPPETS = [{"jid": ALICE, "bot": "puppet"}, {"jid": BOB, "bot": "puppet"}]


@pytest.mark.parametrize("adds", [ALICE, BOB])
def test_video_is_added_in_mid_call_by_either_side_recorded_and_taken_away(
    run: Run, tmp_path: Path, adds: str
) -> None:
    async def main() -> None:
        async with staged(tmp_path, PUPPETS) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone:440", record=True)
            came = await stage.ringing(BOB)
            await came.answer(audio="tone:880", video="pattern", record=True)
            await out.connected()
            await stage.media(ALICE, "audio", packets=30)
            call, watcher = (out, BOB) if adds == ALICE else (came, ALICE)
            await call.add("video", "pattern")
            await stage.media(watcher, "video", packets=20)
            assert (await out.status()).media == ("audio", "video")
            assert (await came.status()).media == ("audio", "video")
            before = {one.kind: one.received for one in (await out.status()).statistics}
            await call.remove("video")
            await stage.media(ALICE, "audio", packets=before["audio"] + 20)
            assert (await out.status()).media == ("audio",)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            for account in (ALICE, BOB):
                recording = (await stage.record(account)).recording
                assert recording is not None
                found = await asyncio.to_thread(inspect, Path(recording["path"]))
                for direction in Direction:
                    assert found.has("audio", direction)
                assert any(track.kind == "video" for track in found.tracks)

    run(main)


def test_video_that_the_policy_does_not_take_is_refused_and_the_call_goes_on(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        audio_only = {**PUPPETS[1], "calls": {"video": False}}
        async with staged(tmp_path, [PUPPETS[0], audio_only]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            came = await stage.ringing(BOB)
            await came.answer(audio="tone")
            await out.connected()
            with pytest.raises(CallOver, match="did not take it"):
                await out.add("video", "pattern")
            received = {one.kind: one.received for one in (await out.status()).statistics}
            await stage.media(ALICE, "audio", packets=received["audio"] + 20)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_peer_that_stops_sending_by_content_modify_is_shown_as_muted(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, "carol@localhost/phone") as phone,
        ):
            alice = (await stage.account(ALICE))._jid
            initiate = phone.initiate("sid-1")
            assert await phone.jingle(alice, initiate) == ""
            came = await stage.ringing(ALICE)
            content = initiate.find(f"{{{ns.JINGLE}}}content")
            assert content is not None
            for senders, muted in (("none", ("audio",)), ("initiator", ()), ("both", ())):
                modify = Element(
                    f"{{{ns.JINGLE}}}jingle", {"action": "content-modify", "sid": "sid-1"}
                )
                attributes = {"creator": "initiator", "name": content.get("name", "")}
                SubElement(modify, content.tag, {**attributes, "senders": senders})
                assert await phone.jingle(alice, modify) == ""
                assert (await came.status()).muted == muted
            assert await phone.jingle(alice, phone.terminate("sid-1", "cancel")) == ""
            assert await stage.states(ALICE) == ["missed"]

    run(main)
