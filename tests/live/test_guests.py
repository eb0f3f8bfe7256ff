"""Pages that listen to a call, and talk in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.call.call import Call as CallActor
from callboard.actors.messages.account import FindCall
from callboard.actors.messages.call import (
    AdmitGuest,
    GuestAdmitted,
    GuestKind,
    GuestRefused,
    OfferError,
)
from callboard.actors.messages.exchange import CallStatus
from callboard.bots import Call
from callboard.media import EncodedFrame, IncompatibleMediaError
from callboard.tests.conftest import Run
from callboard.tests.live import heard
from callboard.tests.live.stage import ALICE, BOB, Puppet, Stage, Told, staged
from callboard.tests.live.test_rooms import until_heard
from callboard.tests.media.legs import LOOPBACK
from callboard.tests.media.page import Page, fresh_offer, page

OURS, THEIRS, PERSON = 400, 1000, 700
"""What Bob's bot plays, what Alice's does, and what somebody at a page says, in Hz."""


class Desk(Puppet):
    """Notes who takes over."""

    async def on_takeover(self, call: Call, person: str) -> None:
        self.stage.see(Told(self.account, f"{person} took over"))

    async def on_giveback(self, call: Call, person: str) -> None:
        self.stage.see(Told(self.account, f"{person} gave back"))


@asynccontextmanager
async def desk(folder: Path, **media: Any) -> AsyncIterator[tuple[Stage, Call, Call]]:
    """A call of Alice's to Bob's desk, as either has it."""
    accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": "desk"}]
    async with staged(folder, accounts, {"desk": Desk}) as stage:
        back = {"audio": f"tone:{OURS}", **media}
        out, came = await stage.connected(ALICE, BOB, back, audio=f"tone:{THEIRS}", **media)
        await came.connected()
        yield stage, out, came


async def admit(call: Call, kind: GuestKind, offer: str, name: str = "anna") -> GuestAdmitted:
    """Let a page into a call."""
    return await call.ref.request(AdmitGuest(kind, offer, name, "role", LOOPBACK), timeout=10)


async def listens(call: Call, kind: GuestKind, one: Page, *kinds: str) -> GuestAdmitted:
    """Let a page listen; returns when it is connected."""
    begun = await admit(call, kind, await one.to_listen(*kinds))
    await one.take(await begun.answer)
    return begun


async def talks(call: Call, kind: GuestKind, one: Page, **offer: Any) -> GuestAdmitted:
    """Let a page talk; returns when it is connected."""
    begun = await admit(call, kind, await one.to_talk(PERSON, **offer))
    await one.take(await begun.answer)
    return begun


def test_pages_hear_and_see_each_direction_until_they_leave_or_the_call_ends(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with desk(tmp_path, video="pattern") as (_, out, came), page() as one, page() as two:
            first, second = [
                await listens(came, kind, each)
                for kind, each in ((GuestKind.RECEIVED, one), (GuestKind.SENT, two))
            ]
            await one.hears(THEIRS)
            await two.hears(OURS)
            await one.sees()
            await two.sees()
            first.guest.stop(block=False)
            assert await first.over == "it was ended"
            await one.gone()
            await two.hears(OURS)
            await out.hangup()
            record = await came.ended()
            assert await second.over == "the call is over"
            await two.gone()
            heard_by = [(each.name, each.role, each.part) for each in record.listeners]
            assert heard_by == [("anna", "role", "received"), ("anna", "role", "sent")]
            assert all(each.seconds is not None for each in record.listeners)
            assert (await out.ended()).listeners == ()

    run(main)


def test_a_page_listens_over_an_ice_restart_and_a_content_add(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (stage, out, came), page() as one, page() as two:
            await listens(came, GuestKind.RECEIVED, one)
            await one.hears(THEIRS)
            await out.restart_ice()
            await stage.step(BOB, "ice-restart")
            await one.hears(THEIRS)
            await out.add("video", "pattern")
            await one.hears(THEIRS)
            await listens(came, GuestKind.RECEIVED, two)
            await two.sees()
            await one.hears(THEIRS)
            await out.remove("video")
            await one.hears(THEIRS)
            await two.hears(THEIRS)

    run(main)


def test_a_person_takes_over_and_gives_back(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (stage, out, came), page() as one, page() as two:
            recording = await came.record("sent")
            begun = await talks(came, GuestKind.TAKE_OVER, one)
            await stage.told(BOB, str, lambda what: what == "anna took over")
            assert (await until_heard(out, PERSON))[OURS] < 300
            for kind in (GuestKind.TAKE_OVER, GuestKind.JOIN):
                with pytest.raises(GuestRefused, match="somebody talks") as refused:
                    await admit(came, kind, await page_offer())
                assert refused.value.why == "talking"
            await came.play(f"tone:{OURS}", wait=False)
            assert (await until_heard(out, PERSON))[OURS] < 300
            for _ in range(3):
                await until_heard(out, PERSON)
            outcome = await recording.stop()
            begun.guest.stop(block=False)
            await stage.told(BOB, str, lambda what: what == "anna gave back")
            assert (await until_heard(out, OURS))[PERSON] < 300
            ((tone,),) = heard.tones(Path(outcome.files[0].path or ""))
            assert tone == pytest.approx(PERSON, abs=15), "it has what the peer got"
            again = await talks(came, GuestKind.JOIN, two)
            found = await until_heard(out, PERSON)
            assert found[OURS] > 3000
            again.guest.stop(block=False)
            assert (await until_heard(out, PERSON, on=False))[OURS] > 3000

    run(main)


async def page_offer() -> str:
    """What a page offers that is to be refused."""
    async with page() as one:
        return await one.to_talk(PERSON)


def test_a_person_with_another_codec_is_heard_too(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (_, out, came), page() as one:
            await talks(came, GuestKind.TAKE_OVER, one, codecs="PCMU")
            assert (await until_heard(out, PERSON))[OURS] < 300

    run(main)


def test_a_person_that_is_lost_gives_the_call_back(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (stage, out, came), page() as one:
            begun = await talks(came, GuestKind.TAKE_OVER, one)
            await until_heard(out, PERSON)
            assert one.microphone is not None
            one.microphone.stop()
            assert "nothing has come" in await begun.over
            await stage.told(BOB, str, lambda what: what == "anna gave back")
            await until_heard(out, OURS)

    run(main)


def test_what_a_person_shows_is_added_if_the_peer_accepts(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (stage, out, came), page() as one, page() as other:
            begun = await talks(came, GuestKind.TAKE_OVER, one, video=True)
            await until_heard(out, PERSON)
            await stage.media(ALICE, "video", packets=20)
            await listens(out, GuestKind.RECEIVED, other, "video")
            await other.sees(160)
            stage.events.clear()
            begun.guest.stop(block=False)
            await stage.until(CallStatus, lambda e: e.account == ALICE and "video" not in e.media)
            await until_heard(out, OURS)

    run(main)


def test_a_page_leaves_when_the_codec_changes(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (_, out, came), page() as one:
            begun = await listens(came, GuestKind.RECEIVED, one)
            await one.hears(THEIRS)
            call = came.ref._actor_weakref()
            assert isinstance(call, CallActor)
            media = call._leg.connection.media
            media._received(EncodedFrame("audio", "PCMU", bytes(160), 0, 8000, 0.0, True))
            assert await begun.over == "the call's audio goes on in PCMU: listen again"
            await one.gone()
            again = await admit(came, GuestKind.RECEIVED, await fresh_offer())
            assert (await again.answer).startswith("v=0")
            await out.hangup()

    run(main)


def test_the_peer_is_asked_for_a_key_frame_while_the_page_still_connects(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with desk(tmp_path, video="pattern") as (_, out, came), page() as one, page() as two:
            call = came.ref._actor_weakref()
            assert isinstance(call, CallActor)
            asked: list[bool] = []
            media = call._leg.connection.media
            monkeypatch.setattr(media, "request_keyframe", lambda: asked.append(True))
            begun = await admit(came, GuestKind.RECEIVED, await one.to_listen("audio"))
            await begun.answer
            assert asked == []
            begun = await admit(came, GuestKind.RECEIVED, await two.to_listen())
            await begun.answer
            assert asked == [True]
            await out.hangup()

    run(main)


def test_a_page_leaves_a_call_that_fails(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (_, out, came), page() as one:
            begun = await talks(came, GuestKind.TAKE_OVER, one)
            await until_heard(out, PERSON)
            came.ref.kill()
            assert await begun.over == "the call is over"
            await one.gone()
            assert (await came.ended()).listeners[0].seconds is not None

    run(main)


def test_a_call_takes_only_so_many_and_only_when_it_is_connected(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            came = await stage.ringing(BOB)
            async with page() as one:
                offer = await one.to_listen()
                with pytest.raises(GuestRefused, match="not connected") as refused:
                    await admit(came, GuestKind.SENT, offer)
                assert refused.value.why == "early"
                await came.answer(audio="tone")
                await out.connected()
                with pytest.raises(OfferError, match="a=sendonly"):
                    await admit(came, GuestKind.JOIN, offer)
                begun = [await admit(came, GuestKind.SENT, offer) for _ in range(16)]
                with pytest.raises(GuestRefused, match="16 guests") as refused:
                    await admit(came, GuestKind.SENT, offer)
                assert refused.value.why == "full"
                only_video = await admit(out, GuestKind.SENT, await fresh_offer("video"))
                with pytest.raises(IncompatibleMediaError, match="the call has opus"):
                    await only_video.answer
            for each in begun:
                assert (await each.answer).startswith("v=0")
            await out.hangup()
            for each in begun:
                assert await each.over
            assert len((await came.ended()).listeners) == 16

    run(main)


def test_many_listeners_come_and_go_and_leave_nothing(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with desk(tmp_path) as (_, out, came):
            for _ in range(10):
                async with page() as one:
                    await listens(came, GuestKind.RECEIVED, one, "audio")
                    await one.hears(THEIRS)
                offer = await fresh_offer()
                begun = [await admit(came, GuestKind.SENT, offer) for _ in range(9)]
                for each in begun:
                    await each.answer
                    each.guest.stop(block=False)
                for each in begun:
                    await each.over
            await out.hangup()
            assert len((await came.ended()).listeners) == 100

    run(main)


@pytest.mark.parametrize("media", [{}, {"video": "pattern"}], ids=["sound", "video"])
def test_who_takes_over_a_call_that_rings_answers_it(
    run: Run, tmp_path: Path, media: dict[str, Any]
) -> None:
    async def main() -> None:
        accounts: list[str | dict[str, Any]] = [ALICE, {"jid": BOB, "bot": "operator"}]
        async with staged(tmp_path, accounts) as stage, page() as one, page() as two:
            out = await stage.puppets[ALICE].call(BOB, audio=f"tone:{THEIRS}", **media)
            await stage.phase(BOB, "ringing")
            rings = await (await stage.account(BOB)).actor_ref.request(
                FindCall(ALICE, out.id), timeout=10
            )
            came = await Call.of(rings, tmp_path)
            with pytest.raises(OfferError):
                await admit(came, GuestKind.TAKE_OVER, "v=0")
            await talks(came, GuestKind.TAKE_OVER, one, video=bool(media))
            await out.connected()
            await until_heard(out, PERSON)
            if media:
                await stage.media(ALICE, "video", packets=20)
            await listens(came, GuestKind.RECEIVED, two)
            await two.hears(THEIRS)
            await out.hangup()
            assert [each.part for each in (await came.ended()).listeners] == [
                "take-over",
                "received",
            ]

    run(main)
