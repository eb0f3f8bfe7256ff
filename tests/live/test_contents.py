"""Contents that come and go in mid-call (XEP-0166 §7.2.1 to §7.2.5)."""

import asyncio
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.bots import Call, CallOver
from callboard.jingle import namespaces as ns
from callboard.media import Direction, Kind, inspect
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, Stage, staged

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
                (recording,) = (await stage.record(account)).recordings
                assert recording.path is not None
                found = await asyncio.to_thread(inspect, Path(recording.path))
                for direction in Direction:
                    assert found.has("audio", direction)
                assert any(track.kind == "video" for track in found.tracks)

    run(main)


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize("removes", [ALICE, BOB])
def test_either_kind_goes_and_comes_again_while_the_other_one_changes(
    run: Run, tmp_path: Path, kind: Kind, removes: str
) -> None:
    """Whichever stands first in the bundle, and so brought the transport of both."""

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern", data=True)
            came = await stage.ringing(BOB)
            await came.answer(audio="tone", video="pattern")
            await out.connected()
            other: Kind = "video" if kind == "audio" else "audio"
            call, seen, watcher = (out, came, BOB) if removes == ALICE else (came, out, ALICE)
            await stage.media(watcher, other, packets=20)
            await call.remove(kind)
            await stage.told(watcher, CallStatus, lambda e: e.media == (other,))
            await call.pause(other)
            await call.pause(other, on=False)
            await seen.restart_ice()
            await stage.media(watcher, other, packets=await counted(seen, other) + 20)
            before = await counted(seen, kind)
            await call.add(kind, "tone" if kind == "audio" else "pattern")
            await stage.media(watcher, kind, packets=before + 20)
            await stage.media(watcher, other, packets=await counted(seen, other) + 20)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_video_that_the_policy_does_not_take_is_refused_and_the_call_goes_on(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        audio_only = {**PUPPETS[1], "calls": {"video": False}}
        async with staged(tmp_path, [PUPPETS[0], audio_only]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
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
            alice = (await stage.account(ALICE))._session.jid
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


@pytest.mark.parametrize("pauses", [ALICE, BOB])
def test_a_bot_stops_sending_video_by_content_modify_and_goes_on(
    run: Run, tmp_path: Path, pauses: str
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern")
            came = await stage.ringing(BOB)
            await came.answer(audio="tone", video="pattern", record=True)
            await out.connected()
            call, seen, watcher = (out, came, BOB) if pauses == ALICE else (came, out, ALICE)
            await stage.media(watcher, "video", packets=20)
            await call.pause("video")
            await stage.told(watcher, CallStatus, lambda e: e.muted == ("video",))
            sent = await shown(call, seen, stage, watcher)
            assert await shown(call, seen, stage, watcher) == sent
            await call.pause("video", on=False)
            await stage.told(watcher, CallStatus, lambda e: e.muted == ())
            await stage.media(watcher, "video", packets=await counted(seen, "video") + 20)
            assert await shown(call, seen, stage, watcher) > sent
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


async def counted(call: Call, kind: str) -> int:
    """Return how many packets of a kind a call has received."""
    return next(one.received for one in (await call.status()).statistics if one.kind == kind)


async def shown(call: Call, seen: Call, stage: Stage, watcher: str) -> int:
    """Return how many packets of video a call has sent, a second of audio from now."""
    await stage.media(watcher, "audio", packets=await counted(seen, "audio") + 50)
    return next(one.sent for one in (await call.status()).statistics if one.kind == "video")


def test_both_stop_sending_at_once_and_each_goes_on_when_it_likes(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB, audio="tone", video="pattern")
            await stage.media(BOB, "video", packets=20)
            await asyncio.gather(out.pause("video"), came.pause("video"))
            assert (await out.status()).muted == (await came.status()).muted == ("video",)
            await out.pause("video", on=False)
            await stage.media(BOB, "video", packets=await counted(came, "video") + 20)
            assert (await out.status()).muted == ("video",)
            await came.pause("video", on=False)
            await stage.media(ALICE, "video", packets=await counted(out, "video") + 20)
            await came.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_what_is_not_sent_cannot_be_paused(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern")
            came = await stage.ringing(BOB)
            with pytest.raises(CallOver, match="connected"):
                await came.pause("audio")
            await came.answer(audio="tone")
            with pytest.raises(ValueError, match="sends no video"):
                await came.pause("video")
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@pytest.mark.parametrize("ends", [False, True])
def test_a_bot_takes_a_picture_of_what_its_peer_shows(run: Run, tmp_path: Path, ends: bool) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            await stage.online(ALICE, BOB)
            media = {"audio": "tone", "video": None if ends else "pattern"}
            out, came = await stage.connected(ALICE, BOB, **media)
            if not ends:
                assert (await came.snapshot()).startswith(b"\xff\xd8\xff")
                assert (await came.snapshot("png")).startswith(b"\x89PNG")
                with pytest.raises(ValueError, match="'jpeg' or 'png'"):
                    await came.snapshot("gif")  # type: ignore[arg-type]
            else:
                with pytest.raises(ValueError, match="no video"):
                    await came.snapshot()
            await out.hangup()
            await came.ended()
            with pytest.raises(CallOver):
                await came.snapshot()

    run(main)
