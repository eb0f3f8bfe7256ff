"""A connection that got ready before its offer came answers as any other, and leaves nothing."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from callboard.media import (
    ClockPattern,
    Closed,
    Connected,
    IncompatibleMediaError,
    MediaClosedError,
    Network,
    NetworkError,
    Tone,
)
from callboard.media.rtc.offer_answer import OfferAnswer
from callboard.media.rtc.session_description import SessionDescription
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports
from callboard.tests.media.legs import LOOPBACK, Leg, call, pair

Change = Callable[[SessionDescription], None]


def as_it_is(_: SessionDescription) -> None:
    """Leave an offer alone."""


def video_first(offer: SessionDescription) -> None:
    offer.sections.reverse()
    offer.bundle = offer.mids()


def video_leads_the_bundle(offer: SessionDescription) -> None:
    offer.bundle = offer.mids()[::-1]


def without_bundle(offer: SessionDescription) -> None:
    offer.bundle = []


def without_audio(offer: SessionDescription) -> None:
    offer.remove({0})


def audio_rejected(offer: SessionDescription) -> None:
    offer.sections[0].refuse()
    offer.bundle = offer.mids()[1:]


def audio_unknown(offer: SessionDescription) -> None:
    section = offer.sections[0]
    section.lines = [re.sub(r"(opus|PCM[UA])/", "AMR/", line) for line in section.lines]


def audio_twice(offer: SessionDescription) -> None:
    first = offer.sections[0]
    lines = [re.sub(r"^a=(mid:|ssrc:).*", "", line) for line in first.lines]
    copy = type(first)([*filter(None, lines), "a=mid:again"])
    offer.sections.append(copy)
    offer.bundle = offer.mids()


CHANGES = [
    as_it_is,
    video_first,
    video_leads_the_bundle,
    without_bundle,
    without_audio,
    audio_rejected,
    audio_unknown,
    audio_twice,
]


def shape(answer: str) -> list[str]:
    """Give a description without what is different each time."""
    numbers = r"(?m)^a=(candidate|ice-ufrag|ice-pwd|fingerprint|ssrc|msid|ssrc-group|rtcp):.*"
    text = re.sub(numbers, lambda line: str(line[1]), answer)
    text = re.sub(r"(?m)^(o=).*", r"\1", text)
    return re.sub(r"(?m)^(m=\w+) (?!0 )\d+", r"\1 port", text).split("\r\n")


def sockets() -> int:
    """Count the process's open sockets."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        try:
            found += str(each.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue
    return found


async def answered(offer: str, change: Change, *, ready: bool) -> tuple[Leg, str, int]:
    """Let a leg answer; give it, its answer, and how many sockets it has."""
    before = sockets()
    leg = Leg()
    if ready:
        await leg.pc.get_ready("audio")
        assert sockets() > before
    description = SessionDescription(offer)
    change(description)
    answer = await leg.pc.answer(str(description), audio=Tone(), video=ClockPattern())
    return leg, answer, sockets() - before


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("video", [False, True], ids=["sound", "pictures"])
def test_the_answer_is_the_same(run: Run, change: Change, video: bool) -> None:
    if not video and change not in (as_it_is, without_bundle, audio_twice):
        return

    async def main() -> None:
        found = []
        for ready in (False, True):
            caller = Leg()
            offer = await caller.pc.offer(audio=Tone(), video=ClockPattern() if video else None)
            leg, answer, opened = await answered(offer, change, ready=ready)
            found.append((shape(answer), opened))
            await leg.pc.close()
            await caller.pc.close()
        assert found[0] == found[1]

    run(main)


@pytest.mark.parametrize("change", [as_it_is, without_bundle, audio_unknown, audio_rejected])
def test_the_call_connects(run: Run, change: Change) -> None:
    async def main() -> None:
        caller = Leg()
        offer = await caller.pc.offer(audio=Tone(), video=ClockPattern())
        leg, answer, _ = await answered(offer, change, ready=True)
        if change is without_bundle:  # as Jingle says it
            told = SessionDescription(answer)
            told.bundle = []
            answer = str(told)
        await caller.pc.accept(answer)
        await caller.event(Connected)
        await leg.event(Connected)
        await leg.received("video", 3)
        await caller.received("video", 3)
        if change in (as_it_is, without_bundle):
            await leg.received("audio", 3)
            await caller.received("audio", 3)
        await caller.pc.close()
        await leg.pc.close()

    run(main)


def test_what_was_opened_is_what_the_peer_is_told(run: Run) -> None:
    async def main() -> None:
        caller, leg = Leg(), Leg()
        await leg.pc.get_ready("audio")
        await leg.pc.get_ready("audio")  # once is enough
        [connection] = leg.pc._connections.open
        [candidate] = connection.local_candidates
        offer = await caller.pc.offer(audio=Tone(), video=None)
        answer = await leg.pc.answer(offer, audio=Tone(), video=None)
        assert re.findall(r"127\.0\.0\.1 (\d+) typ host", answer) == [str(candidate.port)]
        await caller.pc.close()
        await leg.pc.close()

    run(main)


def test_what_is_stale_is_made_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OfferAnswer, "FRESH", 0.0)

    async def main() -> None:
        caller = Leg()
        offer = await caller.pc.offer(audio=Tone(), video=None)
        leg = Leg()
        await leg.pc.get_ready("audio")
        [old] = leg.pc._connections.open
        [candidate] = old.local_candidates
        answer = await leg.pc.answer(offer, audio=Tone(), video=None)
        [told] = re.findall(r"127\.0\.0\.1 (\d+) typ host", answer)
        assert told != str(candidate.port)
        await caller.pc.accept(answer)
        await leg.event(Connected)
        await caller.pc.close()
        await leg.pc.close()

    run(main)


@pytest.mark.parametrize("lasts", [False, True])
def test_no_socket_can_be_had(run: Run, lasts: bool) -> None:
    """What fails before the offer fails once more with it, unless it is better by then."""

    async def main() -> None:
        first, last = free_ports(1)
        network = Network(addresses=("127.0.0.1",), ports=(first, last))
        taker, caller, leg = Leg(network=network), Leg(), Leg(network=network)
        await taker.pc.offer(audio=Tone(), video=None)
        offer = await caller.pc.offer(audio=Tone(), video=None)
        with pytest.raises(NetworkError, match="are taken"):
            await leg.pc.get_ready("audio")
        if lasts:
            with pytest.raises(NetworkError, match="are taken"):
                await leg.pc.answer(offer, audio=Tone(), video=None)
        else:
            await taker.pc.close()
            await caller.pc.accept(await leg.pc.answer(offer, audio=Tone(), video=None))
            await leg.event(Connected)
        for each in (taker, caller, leg):
            await each.pc.close()

    run(main)


@pytest.mark.parametrize("steps", range(12))
def test_close_at_any_moment_leaves_nothing(run: Run, steps: int) -> None:
    async def main() -> None:
        before = sockets()
        leg = Leg()
        task = asyncio.create_task(leg.pc.get_ready("audio"))
        for _ in range(steps):
            await asyncio.sleep(0)
        await leg.pc.close()
        [failure] = await asyncio.gather(task, return_exceptions=True)
        assert failure is None or isinstance(failure, MediaClosedError)
        assert sockets() == before
        assert len(asyncio.all_tasks()) == 1

    run(main)


@pytest.mark.parametrize("steps", range(12))
def test_who_gives_up_at_any_moment_can_answer_nevertheless(run: Run, steps: int) -> None:
    async def main() -> None:
        caller, leg = Leg(network=LOOPBACK), Leg(network=LOOPBACK)
        offer = await caller.pc.offer(audio=Tone(), video=None)
        task = asyncio.create_task(leg.pc.get_ready("audio"))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await caller.pc.accept(await leg.pc.answer(offer, audio=Tone(), video=None))
        await leg.event(Connected)
        await caller.event(Connected)
        await caller.pc.close()
        await leg.pc.close()

    run(main)


def test_an_offer_that_can_not_be_answered(run: Run) -> None:
    async def main() -> None:
        before = sockets()
        caller, leg = Leg(), Leg()
        await leg.pc.get_ready("audio")
        offer = SessionDescription(await caller.pc.offer(audio=Tone(), video=None))
        audio_unknown(offer)
        with pytest.raises(IncompatibleMediaError):
            await leg.pc.answer(str(offer), audio=Tone(), video=None)
        await leg.pc.close()
        await caller.pc.close()
        assert sockets() == before

    run(main)


def test_a_call_that_goes_on_has_no_use_for_it(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            before = sockets()
            for leg in (a, b):
                await leg.pc.get_ready("audio")
            assert sockets() == before
            offer = await a.pc.offer_more(video=ClockPattern())
            await a.pc.accept(await b.pc.answer(offer, audio=None, video=None))
            await b.received("video", 3)

    run(main)


def test_who_got_ready_may_offer(run: Run) -> None:
    async def main() -> None:
        async with pair() as (caller, leg):
            await caller.pc.get_ready("audio")
            offer = await caller.pc.offer(audio=None, video=ClockPattern())
            assert "m=audio" not in offer
            await caller.pc.accept(await leg.pc.answer(offer, audio=None, video=None))
            await leg.received("video", 3)

    run(main)


def test_who_gives_way_can_be_told_what_to_play_and_who_hears(run: Run) -> None:
    """A bot may do both as soon as it has placed a call."""

    async def main() -> None:
        begins, gate = asyncio.Event(), asyncio.Event()

        async def give_way() -> None:
            begins.set()
            await gate.wait()

        async with pair() as (leg, peer):
            offering = asyncio.create_task(
                leg.pc.offer(audio=Tone(400), video=None, give_way=give_way)
            )
            await begins.wait()
            frames = leg.pc.media.received.frames("audio")
            leg.pc.media.play("audio", Tone(500))
            gate.set()
            answer = await peer.pc.answer(await offering, audio=Tone(600), video=None)
            await leg.pc.accept(answer)
            async for frame in frames:
                assert frame.format.name
                break

    run(main)


def test_who_waits_checks_nothing_before_it_is_to_connect(run: Run) -> None:
    """The caller needs the answer before it can connect: until then the answer goes first."""

    async def main() -> None:
        async with pair() as (caller, leg):
            await leg.pc.get_ready("audio")  # so that checks could begin with the offer
            offer = await caller.pc.offer(audio=Tone(400), video=None)
            answer = await leg.pc.answer(offer, audio=Tone(600), video=None, waits=True)
            for _ in range(50):
                await asyncio.sleep(0)
            assert not leg.events
            await caller.pc.accept(answer)
            leg.pc.connect()
            for each in (caller, leg):
                await each.event(Connected)
                await each.received("audio", 3)
            events = list(leg.events)
            leg.pc.connect()  # once is enough
            assert leg.events == events

    run(main)


@pytest.mark.parametrize("connects", [False, True], ids=["never", "too late"])
def test_who_waits_can_be_closed(run: Run, connects: bool) -> None:
    async def main() -> None:
        before = sockets()
        caller, leg = Leg(), Leg()
        offer = await caller.pc.offer(audio=Tone(400), video=None)
        await leg.pc.answer(offer, audio=Tone(600), video=None, waits=True)
        for _ in range(5):
            await asyncio.sleep(0)
        waiting = tuple(leg.pc._connecting)
        assert waiting
        closing = asyncio.create_task(leg.pc.close())
        await asyncio.sleep(0)
        if connects:
            leg.pc.connect()
        await closing
        assert all(task.done() and not task.cancelled() for task in waiting)  # it waited for none
        await caller.pc.close()
        assert [type(event) for event in leg.events] == [Closed]
        assert sockets() == before

    run(main)
