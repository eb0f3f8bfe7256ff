"""Somebody who talks beside what a leg plays, or in its place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import numpy as np
import pytest
from callboard.media import ClockPattern, Connected, Direction, JoinIn, TakeOver, Tone
from callboard.tests.conftest import Run
from callboard.tests.media import legs
from callboard.tests.media.joining.test_bridge import hears, quiet, sees
from callboard.tests.media.legs import Leg, pair, samples

OURS, PERSON = 400, 700


@asynccontextmanager
async def call(codecs: tuple[str, ...] = ("opus", "VP8")) -> AsyncIterator[tuple[Leg, Leg, Leg]]:
    """Our leg and its peer's, which gets 400 Hz and a clock of 160 pixels; and a person's leg.

    The person sends 700 Hz and a clock of 176 pixels, in Opus and VP8.
    """
    shown = ClockPattern(176, 128, 10)
    async with pair() as (ours, peer), legs.call(audio=Tone(PERSON), video=shown) as (_, page):
        offer = await ours.pc.offer(audio=Tone(OURS), video=ClockPattern(160, 128, 10))
        answer = await peer.pc.answer(offer, audio=Tone(1000), video=ClockPattern(), prefer=codecs)
        await ours.pc.accept(answer)
        await ours.event(Connected)
        await peer.event(Connected)
        yield ours, peer, page


def strength(leg: Leg, hertz: int, frames: int = 30) -> float:
    """How strong a tone is in the last sound that came."""
    wave, rate = samples(leg.seen("audio")[-frames:])
    time = np.arange(len(wave)) / rate
    return float(2 * abs(wave @ np.exp(-2j * np.pi * hertz * time)) / len(wave))


CODECS = [
    (("opus", "VP8"), frozenset[str]()),
    (("PCMU", "H264"), frozenset({"audio", "video"})),
]


@pytest.mark.parametrize(("codecs", "transcoded"), CODECS)
def test_who_takes_over_is_heard_and_seen_in_the_place_of_what_is_played(
    run: Run, codecs: tuple[str, ...], transcoded: frozenset[str]
) -> None:
    async def main() -> None:
        async with call(codecs) as (ours, peer, page):
            playing = ours.pc.media.playing("audio")
            assert playing is not None
            await hears(peer, OURS)
            talk = TakeOver(page.pc.media, ours.pc.media)
            talk.open()
            await hears(peer, PERSON)
            await sees(peer, 176)
            assert talk.transcoded == transcoded
            assert ours.pc.media.playing("audio") is playing
            assert not playing.is_over
            talk.close()
            await hears(peer, OURS)
            await sees(peer, 160)
            for kind in ("audio", "video"):
                frames = peer.seen(kind)
                assert all(b.timestamp > a.timestamp for a, b in pairwise(frames))

    run(main)


def test_what_is_played_meanwhile_is_not_heard_and_what_is_sent_is_recorded(run: Run) -> None:
    async def main() -> None:
        async with call() as (ours, peer, page):
            talk = TakeOver(page.pc.media, ours.pc.media)
            talk.open()
            await hears(peer, PERSON)
            ours.pc.media.play("audio", Tone(1000))
            await peer.received("audio", 40)
            assert strength(peer, PERSON) > 3000
            assert strength(peer, 1000) < 300
            sent = ours.seen("audio", Direction.SENT)[-20:]
            assert {frame.data for frame in sent} <= {f.data for f in page.seen("audio")}
            talk.close()
            await hears(peer, 1000)

    run(main)


@pytest.mark.parametrize("how", ["mute", "hold"])
@pytest.mark.parametrize("kind", [TakeOver, JoinIn])
def test_mute_and_hold_stand_above_who_talks(
    run: Run, how: str, kind: type[TakeOver] | type[JoinIn]
) -> None:
    async def main() -> None:
        async with call() as (ours, peer, page):
            talk = kind(page.pc.media, ours.pc.media)
            talk.open()
            await hears(peer, PERSON) if kind is TakeOver else await peer.received("audio", 40)
            change = getattr(ours.pc.media, how)
            change("audio", True)
            while not quiet((await peer.received("audio", 40))[20:]):
                pass
            change("audio", False)
            while strength(peer, PERSON) < 3000:
                await peer.received("audio", 20)
            talk.close()

    run(main)


def test_the_peer_gets_a_key_frame_of_who_has_taken_over(run: Run) -> None:
    async def main() -> None:
        async with call() as (ours, peer, page):
            talk = TakeOver(page.pc.media, ours.pc.media)
            talk.open()
            await sees(peer, 176)
            before = len(page.seen("video"))
            peer.pc.media.request_keyframe()
            await page.until(lambda: any(f.keyframe for f in page.seen("video")[before:]))
            await sees(peer, 176)
            talk.close()

    run(main)


@pytest.mark.parametrize("codecs", [("opus", "VP8"), ("PCMU", "VP8")])
def test_who_joins_is_heard_beside_what_is_played(run: Run, codecs: tuple[str, ...]) -> None:
    async def main() -> None:
        async with call(codecs) as (ours, peer, page):
            talk = JoinIn(page.pc.media, ours.pc.media)
            talk.open()
            await peer.received("audio", 30)
            while min(strength(peer, OURS), strength(peer, PERSON)) < 3000:
                await peer.received("audio", 20)
            await sees(peer, 160)
            ours.pc.media.play("audio", Tone(1000))
            while min(strength(peer, 1000), strength(peer, PERSON)) < 3000 or (
                strength(peer, OURS) > 300
            ):
                await peer.received("audio", 20)
            talk.close()
            while strength(peer, PERSON) > 300 or strength(peer, 1000) < 3000:
                await peer.received("audio", 20)
            frames = peer.seen("audio")
            assert all(b.timestamp > a.timestamp for a, b in pairwise(frames))

    run(main)
