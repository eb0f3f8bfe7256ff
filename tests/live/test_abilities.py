"""What the peer can't do is not asked of it, and what it refuses leaves the call."""

import asyncio
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.call.signalling import Signalling, Then
from callboard.actors.messages.exchange import CallStatus
from callboard.actors.xmpp import capabilities
from callboard.actors.xmpp.stanza import CLIENT, STANZAS
from callboard.bots import Bot, Call, CallOver
from callboard.jingle import Finish, Proceed, Propose, Reject, RemoteProtocolError
from callboard.jingle import namespaces as ns
from callboard.jingle.session.reception import HANDLERS
from callboard.jingle.session.state import Action
from callboard.media.rtc.rtp.outgoing import Outgoing
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, Stage, Told, staged
from callboard.tests.live.test_calls import MESSAGE

DEVICE = "carol@localhost/device"
CAROL = "carol@localhost"
CONTENT = f"{{{ns.JINGLE}}}content"
ALL = capabilities.features(True, True)


def offered(jingle: Element) -> list[str]:
    """Return the kinds of the contents of an offer."""
    found = [each.find(f"{{{ns.RTP}}}description") for each in jingle.findall(CONTENT)]
    return ["application" if each is None else each.get("media", "") for each in found]


@MESSAGE
@pytest.mark.parametrize(
    ("lacks", "expected"),
    [
        ({ns.SCTP}, ["audio", "video"]),
        ({ns.RTP_VIDEO}, ["audio", "application"]),
        ({ns.RTP_VIDEO, ns.SCTP}, ["audio"]),
        ({ns.RTP_AUDIO, ns.RTP_VIDEO}, ["audio", "video", "application"]),
        ({ns.RTP}, ["audio", "video", "application"]),
        (set(ALL), ["audio", "video", "application"]),
        (set(), ["audio", "video", "application"]),
    ],
    ids=["no-data", "no-video", "audio-only", "unsaid", "no-rtp", "nothing", "all"],
)
def test_an_offer_has_what_the_device_can_take(
    run: Run, tmp_path: Path, message: bool, lacks: set[str], expected: list[str]
) -> None:
    async def main() -> None:
        features = [each for each in ALL if each not in lacks]
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE, features=features) as device,
        ):
            to = CAROL if message else DEVICE
            call = await stage.puppets[ALICE].call(
                to, audio="tone", video="pattern", data=True, message=message
            )
            if message:
                await device.hears(Propose)
                device.say((await stage.account(ALICE))._session.jid, Proceed(call.id))
            jingle, sender = await device.hears_jingle("session-initiate")
            assert offered(jingle) == expected
            group = jingle.find(f"{{{ns.GROUPING}}}group")
            assert group is not None
            assert len(group) == len(expected)
            kinds = tuple(kind for kind in expected if kind != "application")
            assert (await call.status()).media == kinds
            await device.jingle(sender, device.terminate(call.id, "decline"))
            await call.ended()

    run(main)


@MESSAGE
def test_a_device_that_takes_nothing_of_what_is_to_be_sent_is_not_called(
    run: Run, tmp_path: Path, message: bool
) -> None:
    async def main() -> None:
        features = [each for each in ALL if each != ns.RTP_VIDEO]
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE, features=features) as device,
        ):
            call = await stage.puppets[ALICE].call(
                CAROL if message else DEVICE, audio=None, video="pattern", message=message
            )
            if message:  # what a contact's devices can do is known; a stranger's say it by then
                await device.hears(Propose)
                device.say((await stage.account(ALICE))._session.jid, Proceed(call.id))
                await device.hears(Finish)
            with pytest.raises(CallOver, match="unsupported-applications"):
                await call.connected()
            assert await stage.states(ALICE) == ["failed"]
            assert not [
                each
                for stanza in device.heard
                for each in stanza
                if each.tag.startswith(f"{{{ns.JINGLE}}}")
            ]

    run(main)


@MESSAGE
def test_a_call_of_video_to_who_takes_audio_alone_is_one_of_audio(
    run: Run, tmp_path: Path, message: bool
) -> None:
    async def main() -> None:
        audio_only = {"jid": BOB, "calls": {"video": False}}
        async with staged(tmp_path, [ALICE, audio_only]) as stage:
            to = BOB if message else (await stage.account(BOB))._session.jid
            out = await stage.puppets[ALICE].call(
                to, audio="tone", video="pattern", message=message
            )
            came = await stage.ringing(BOB)
            await came.answer(audio="tone")
            await out.connected()
            await stage.media(ALICE, "audio", packets=20)
            assert (await out.status()).media == ("audio",)
            assert (await came.status()).media == ("audio",)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


@MESSAGE
def test_a_data_channel_is_not_offered_to_who_has_none_and_the_call_works(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: bool
) -> None:
    without = {pair: tuple(each for each in capabilities.features(*pair) if each != ns.SCTP)
               for pair in ((True, True), (True, False), (False, True))}  # fmt: skip
    monkeypatch.setattr(capabilities, "features", lambda audio, video: without[audio, video])
    capabilities.verification.cache_clear()

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            to = BOB if message else (await stage.account(BOB))._session.jid
            out = await stage.puppets[ALICE].call(
                to, audio="tone", video="pattern", data=True, message=message
            )
            came = await stage.ringing(BOB)
            await came.answer(audio="tone", video="pattern")
            await out.connected()
            await stage.media(BOB, "video", packets=20)
            await stage.media(ALICE, "audio", packets=20)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)
    capabilities.verification.cache_clear()


def error(iq: Element, condition: str) -> Element:
    """Return the refusal of an IQ."""
    attributes = {"type": "error", "id": iq.get("id", ""), "to": iq.get("from", "")}
    refusal = Element(f"{{{CLIENT}}}iq", attributes)
    found = SubElement(refusal, f"{{{CLIENT}}}error", {"type": "cancel"})
    SubElement(found, f"{{{STANZAS}}}{condition}")
    return refusal


async def hears_iq(device: Device, action: str) -> Element:
    """Return the first IQ that a device gets with an action."""
    return await device.until(
        lambda e: (
            (jingle := e.find(f"{{{ns.JINGLE}}}jingle")) is not None
            and jingle.get("action") == action
        )
    )


@pytest.mark.parametrize("condition", ["feature-not-implemented", "service-unavailable"])
@pytest.mark.parametrize("refused", ["session-initiate", "session-accept"])
def test_a_call_that_fails_once_it_is_taken_is_said_to_be_finished(
    run: Run, tmp_path: Path, refused: str, condition: str
) -> None:
    """Else Dino shows that it is connecting, for ever."""

    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE, acknowledges=False) as device,
        ):
            alice = (await stage.account(ALICE))._session.jid
            if refused == "session-initiate":
                call = await stage.puppets[ALICE].call(CAROL, message=True)
                await device.hears(Propose)
                device.say(alice, Proceed(call.id))
                waiting = asyncio.ensure_future(call.connected())
            else:
                device.say(ALICE, Propose("sid-1", ("audio",)))
                call = await stage.ringing(ALICE)
                waiting = asyncio.ensure_future(call.answer())
                await device.hears(Proceed)
                assert await device.jingle(alice, device.initiate("sid-1")) == ""
            device.send(error(await hears_iq(device, refused), condition))
            finish, _ = await device.hears(Finish)
            assert finish.id == call.id
            await device.hears_jingle("session-terminate")
            with pytest.raises(CallOver, match=condition):
                await waiting
            assert await stage.states(ALICE) == ["failed"]

    run(main)


def test_a_call_that_is_given_up_between_proceed_and_session_is_said_to_be_finished(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            device.say(ALICE, Propose("sid-1", ("audio",)))
            call = await stage.ringing(ALICE)
            waiting = asyncio.ensure_future(call.answer())
            await device.hears(Proceed)
            await call.hangup()
            await device.hears(Reject)
            await device.hears(Finish)
            with pytest.raises(CallOver):
                await waiting

    run(main)


@pytest.mark.parametrize(
    "how", ["left out of the accept", "removed before the accept", "accepted without a word"]
)
def test_what_the_peer_does_not_take_of_an_offer_leaves_the_call(
    run: Run, tmp_path: Path, how: str
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            alice = (await stage.account(ALICE))._session.jid
            call = await stage.puppets[ALICE].call(
                DEVICE, audio="tone", video="pattern", message=False
            )
            initiate, _ = await device.hears_jingle("session-initiate")
            assert (await call.status()).media == ("audio", "video")
            if how.startswith("removed"):
                remove = Element(initiate.tag, {"action": "content-remove", "sid": call.id})
                name = initiate.findall(CONTENT)[1].get("name", "")
                SubElement(remove, CONTENT, {"creator": "initiator", "name": name})
                assert await device.jingle(alice, remove) == ""
                assert (await call.status()).media == ("audio",)
            accept = device.accept(initiate)
            if how.startswith("accepted"):
                SubElement(accept, CONTENT, initiate.findall(CONTENT)[1].attrib)
            assert await device.jingle(alice, accept) == ""
            if how.startswith("accepted"):
                await device.hears_jingle("content-remove")
            await stage.told(ALICE, CallStatus, lambda e: e.media == ("audio",))
            assert (await call.status()).phase != "ended"
            await device.jingle(alice, device.terminate(call.id, "success"))
            await call.ended()

    run(main)


# Removal


class Watcher(Bot):
    """Takes a call and notes what it sees: bright or dark pictures, and other media."""

    path = "frames"
    stage: Stage

    async def on_call(self, call: Call) -> None:
        await call.answer(audio="tone")
        last = ""
        async for frame in call.frames("video"):
            luma = memoryview(frame.planes[0])
            picture = "dark" if max(luma) < 40 else "bright"
            if picture != last:
                self.stage.see(Told(self.account, picture))
                last = picture

    async def on_media(self, call: Call) -> None:
        self.stage.see(Told(self.account, "changed"))


WATCHED: list[str | dict[str, str]] = [ALICE, {"jid": BOB, "bot": "watcher"}]


async def watched(stage: Stage) -> Call:
    """Return a call of alice's of which bob has seen a picture."""
    Watcher.stage = stage
    call = await stage.puppets[ALICE].call(BOB, audio="tone", video="pattern")
    await call.connected()
    await stage.told(BOB, str, lambda e: e == "bright")
    return call


def seen(stage: Stage) -> list[Any]:
    """Return what bob has seen so far."""
    return [event.what for event in stage.all(Told) if event.account == BOB]


def test_video_goes_black_before_it_is_removed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blacks: list[int] = []
    unpatched = Outgoing._send, Signalling.remove

    def send(outgoing: Outgoing, unit: Unit, timestamp: int) -> None:
        if outgoing.kind == "video" and outgoing.muted:
            blacks.append(timestamp)
        unpatched[0](outgoing, unit, timestamp)

    def remove(signalling: Signalling, kind: str, then: Then) -> bool:
        assert len(blacks) >= 2
        return unpatched[1](signalling, kind, then)

    monkeypatch.setattr(Outgoing, "_send", send)
    monkeypatch.setattr(Signalling, "remove", remove)

    async def main() -> None:
        async with staged(tmp_path, WATCHED, {"watcher": Watcher}) as stage:
            call = await watched(stage)
            await call.remove("video")
            await stage.told(BOB, str, lambda e: e == "changed")
            assert (await call.status()).media == ("audio",)
            await call.hangup()

    run(main)


def test_a_removal_that_the_peer_refuses_is_told_and_black_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Any:
        raise RemoteProtocolError("feature-not-implemented", "content-remove is not implemented")

    monkeypatch.setitem(HANDLERS, Action.CONTENT_REMOVE, refuse)

    async def main() -> None:
        async with staged(tmp_path, WATCHED, {"watcher": Watcher}) as stage:
            call = await watched(stage)
            for _ in range(2):
                with pytest.raises(CallOver, match="did not take it: feature-not-implemented"):
                    await call.remove("video")
                assert (await call.status()).media == ("audio", "video")
            await stage.told(BOB, str, lambda e: e == "dark")
            assert seen(stage) == ["bright", "dark"]
            await call.mute("video", on=False)
            await stage.until(Told, lambda _: seen(stage) == ["bright", "dark", "bright"])
            await call.hangup()
            assert await stage.states(ALICE) == ["completed"]

    run(main)


def test_an_addition_that_the_peer_refuses_with_an_error_is_told_at_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And either side may add the same later."""
    handler, refusing = HANDLERS[Action.CONTENT_ADD], [True]

    def refuse(*args: Any) -> Any:
        if refusing:
            raise RemoteProtocolError("feature-not-implemented")
        return handler(*args)

    monkeypatch.setitem(HANDLERS, Action.CONTENT_ADD, refuse)

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB)
            with pytest.raises(CallOver, match="did not take it: feature-not-implemented"):
                await out.add("video", "pattern")
            refusing.clear()
            await came.add("video", "pattern")
            await stage.media(ALICE, "video", packets=20)
            assert (await out.status()).media == ("audio", "video")
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)
