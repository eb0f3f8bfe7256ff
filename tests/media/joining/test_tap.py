"""Somebody at a page who hears and sees one direction of a leg."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any
from weakref import ref

import numpy as np
import pytest
from callboard.media import (
    ClockPattern,
    Connected,
    Direction,
    Drawing,
    EncodedFrame,
    IncompatibleMediaError,
    ReceivePath,
    Source,
    Tap,
    Tone,
    cut_to,
)
from callboard.media.joining.recent_pictures import RecentPictures
from callboard.media.rtc.received_streams import ReceivedStreams
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, pair
from callboard.tests.media.page import Page, page

OURS, THEIRS = 440, 1000
BOTH = list(Direction)


@asynccontextmanager
async def call(
    *codecs: str, shows: Source | None = None, shown: Source | None = None, video: bool = True
) -> AsyncIterator[tuple[Leg, Leg]]:
    """A call: we send 440 Hz and a clock of 160 pixels, the peer 1000 Hz and one of 176."""
    async with pair() as (ours, peer):
        offer = await ours.pc.offer(
            audio=Tone(OURS), video=(shows or ClockPattern(160, 128, 10)) if video else None
        )
        back = (shown or ClockPattern(176, 128, 10)) if video else None
        answer = await peer.pc.answer(offer, audio=Tone(THEIRS), video=back, prefer=codecs)
        await ours.pc.accept(answer)
        await ours.event(Connected)
        await peer.event(Connected)
        yield ours, peer


@asynccontextmanager
async def listening(
    ours: Leg, direction: Direction, one: Page, offer: str
) -> AsyncIterator[tuple[Leg, list[tuple[str, str]]]]:
    """A leg that sends a page one direction of another one, and what it heard of other codecs."""
    side, changes = Leg(ReceivePath.NONE), list[tuple[str, str]]()
    tap = Tap(ours.pc.media, direction, side.pc.media, lambda *change: changes.append(change))
    try:
        codecs = ours.pc.media.flowing(direction)
        answer = await side.pc.answer(
            cut_to(offer, codecs),
            audio=tap.source() if "audio" in codecs else None,
            video=tap.source() if "video" in codecs else None,
        )
        tap.prepare()
        await one.take(answer)
        await side.event(Connected)
        tap.open()
        yield side, changes
    finally:
        tap.close()
        await side.pc.close()


@pytest.mark.parametrize("codecs", [("opus", "VP8"), ("PCMU", "H264")])
@pytest.mark.parametrize("direction", BOTH)
def test_a_page_hears_and_sees_one_direction(
    run: Run, direction: Direction, codecs: tuple[str, ...]
) -> None:
    async def main() -> None:
        async with call(*codecs) as (ours, peer), page() as one:
            await ours.received("video", 2)
            before = len(peer.seen("video"))
            async with listening(ours, direction, one, await one.to_listen()) as (side, _):
                await one.hears(OURS if direction is Direction.SENT else THEIRS)
                await one.sees(160 if direction is Direction.SENT else 176)
                went = [*side.seen("audio", Direction.SENT), *side.seen("video", Direction.SENT)]
                assert {frame.codec for frame in went} == set(codecs)
            after = peer.seen("video")[before:]
            steps = [later.timestamp - earlier.timestamp for earlier, later in pairwise(after)]
            assert min(steps) >= 90_000 // 10, "the peer was sent pictures again"
            assert peer.statistics("audio").lost == 0

    run(main)


def test_nobody_gets_a_picture_twice(run: Run) -> None:
    async def main() -> None:
        async with (
            call() as (ours, _),
            page() as one,
            page() as two,
            page() as three,
            listening(ours, Direction.RECEIVED, one, await one.to_listen()),
            listening(ours, Direction.SENT, three, await three.to_listen()) as (sent, _),
        ):
            await one.sees(176)
            await three.sees(160)
            offer = await two.to_listen()
            async with listening(ours, Direction.RECEIVED, two, offer) as (later, _):
                await two.sees(176)
            for side in (later, sent):
                pictures = side.seen("video", Direction.SENT)
                assert all(a.data != b.data for a, b in pairwise(pictures))
                assert all(a.timestamp < b.timestamp for a, b in pairwise(pictures))

    run(main)


def test_who_looks_in_later_needs_no_key_frame(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawing(lambda at: np.full((128, 160, 3), int(at * 50) % 200, np.uint8), 160, 128)

    async def main() -> None:
        async with (
            call(shown=drawn) as (ours, _),
            page() as one,
            page() as two,
            listening(ours, Direction.RECEIVED, one, await one.to_listen()),
        ):
            await one.until(lambda: bool(one.pictures))
            monkeypatch.setattr(ours.pc.media, "request_keyframe", lambda: None)
            async with listening(ours, Direction.RECEIVED, two, await two.to_listen()):
                await two.until(lambda: bool(two.pictures))

    run(main)


@pytest.mark.parametrize("direction", BOTH)
def test_who_looks_in_after_somebody_has_left_needs_no_key_frame(
    run: Run, monkeypatch: pytest.MonkeyPatch, direction: Direction
) -> None:
    drawn = Drawing(lambda at: np.full((128, 160, 3), int(at * 50) % 200, np.uint8), 160, 128)

    async def main() -> None:
        is_ours = direction is Direction.SENT
        shows, shown = (drawn, None) if is_ours else (None, drawn)
        async with call(shows=shows, shown=shown) as (ours, _):
            async with page() as one, listening(ours, direction, one, await one.to_listen()):
                await one.until(lambda: bool(one.pictures))
            monkeypatch.setattr(ours.pc.media, "request_keyframe", lambda: None)
            monkeypatch.setattr(ours.pc.media, "renew_picture", lambda: None)
            async with page() as two, listening(ours, direction, two, await two.to_listen()):
                await two.until(lambda: bool(two.pictures))

    run(main)


@pytest.mark.parametrize(
    ("direction", "asks"),
    [(Direction.RECEIVED, "request_keyframe"), (Direction.SENT, "renew_picture")],
)
def test_a_key_frame_is_on_its_way_while_the_page_connects(
    run: Run, monkeypatch: pytest.MonkeyPatch, direction: Direction, asks: str
) -> None:
    drawn = Drawing(lambda _: np.full((128, 160, 3), 90, np.uint8), 160, 128)

    async def main() -> None:
        async with call(shows=drawn) as (ours, _), page() as one, page() as two:
            asked: list[str] = []
            monkeypatch.setattr(ours.pc.media, asks, lambda: asked.append(asks))
            for each, kinds in ((one, ("audio",)), (two, ("audio", "video"))):
                side = Leg(ReceivePath.NONE)
                tap = Tap(ours.pc.media, direction, side.pc.media, lambda *_: None)
                offer, source = await each.to_listen(*kinds), tap.source()
                await side.pc.answer(offer, audio=source, video=source)
                tap.prepare()
                tap.prepare()
                tap.close()
                await side.pc.close()
                assert asked == [asks] * ("video" in kinds)

    run(main)


@pytest.mark.parametrize(
    ("sizes", "are_kept"),
    [
        ([10] * 3, True),
        ([10, RecentPictures.MOST, 10], False),
        ([10] * RecentPictures.LONGEST, True),
        ([10] * (RecentPictures.LONGEST + 1), False),
    ],
    ids=["few", "too large", "many", "too many"],
)
def test_recent_pictures_are_bounded(sizes: list[int], are_kept: bool) -> None:
    media: Any = Media()
    recent = RecentPictures.enter(media, Direction.RECEIVED)
    (take,) = media.received.receivers
    take(EncodedFrame("audio", "opus", b"x", 0, 48_000, 0.0, True))
    take(EncodedFrame("video", "VP8", b"x", 0, 90_000, 0.0, False))
    assert recent.since_keyframe() == ()
    for number, size in enumerate(sizes):
        take(EncodedFrame("video", "VP8", bytes(size), 6000 * number, 90_000, 0.0, number == 0))
    last = 6000 * (len(sizes) - 1)
    times = [last - 90 * number for number in reversed(range(len(sizes)))]
    assert [frame.timestamp for frame in recent.since_keyframe()] == (times if are_kept else [])


@pytest.mark.parametrize("direction", BOTH)
def test_recent_pictures_are_forgotten_some_time_after_the_last_viewer_has_left(
    run: Run, monkeypatch: pytest.MonkeyPatch, direction: Direction
) -> None:
    async def main() -> None:
        media: Any = Media()
        recent = RecentPictures.enter(media, direction)
        assert RecentPictures.enter(media, direction) is recent
        media.goes_on()
        recent.leave()
        recent.leave()
        media.goes_on()
        assert RecentPictures.enter(media, direction) is recent
        assert recent.since_keyframe()
        recent.leave()
        monkeypatch.setattr(RecentPictures, "LINGER", 0.0)
        media.goes_on()
        assert (media.received.receivers, media.sinks) == ([], [])
        assert RecentPictures.enter(media, direction) is not recent

    run(main)


def test_recent_pictures_keep_no_leg_alive() -> None:
    media: Any = Media()
    gone = ref(media)
    RecentPictures.enter(media, Direction.RECEIVED)
    del media
    gc.collect()
    assert gone() is None


class Media:
    """As much of a leg's media as is needed here."""

    def __init__(self) -> None:
        self.received = ReceivedStreams(
            largest_picture=1,
            check=lambda _: None,
            on_wanted=lambda: None,
            request_keyframe=lambda: None,
        )
        self.sinks: list[Any] = []

    def remove_sink(self, sink: Any) -> None:
        if sink in self.sinks:
            self.sinks.remove(sink)

    def goes_on(self) -> None:
        frame = EncodedFrame("video", "VP8", b"x", 0, 90_000, 0.0, True)
        for receiver in tuple(self.received.receivers):
            receiver(frame)
        for sink in tuple(self.sinks):
            sink(Direction.SENT, frame)


def test_only_the_codec_of_the_call_is_answered(run: Run) -> None:
    async def main() -> None:
        async with call("opus", "H264") as (ours, _), page() as one:
            offer = await one.to_listen()
            async with listening(ours, Direction.RECEIVED, one, offer) as (side, _):
                agreed = side.pc.media
                assert agreed.codec("audio") == "opus"
                assert agreed.codec("video") == "H264"
                assert one.pc.remoteDescription is not None
                sdp = one.pc.remoteDescription.sdp
                assert "VP8" not in sdp
                assert "PCM" not in sdp
                assert "telephone-event" not in sdp

    run(main)


@pytest.mark.parametrize(
    ("kinds", "codec"), [(("video",), ""), (("audio",), "PCMA")], ids=["kind", "codec"]
)
def test_what_a_call_does_not_have_is_refused(run: Run, kinds: tuple[str, ...], codec: str) -> None:
    async def main() -> None:
        async with call("opus", video=False) as (ours, _), page() as one:
            offer = await one.to_listen(*kinds, codecs=codec)
            with pytest.raises(IncompatibleMediaError):
                async with listening(ours, Direction.RECEIVED, one, offer):
                    pass

    run(main)


def test_a_page_that_offers_more_than_the_call_has_gets_what_there_is(run: Run) -> None:
    async def main() -> None:
        async with call("opus", video=False) as (ours, _), page() as one:
            offer = await one.to_listen()
            async with listening(ours, Direction.SENT, one, offer) as (side, _):
                await one.hears(OURS)
                assert side.pc.media.codec("video") is None

    run(main)


def test_a_live_picture_is_seen_at_once(run: Run) -> None:
    async def main() -> None:
        drawing = Drawing(lambda _: np.full((128, 160, 3), 90, np.uint8), width=160, height=128)
        async with call(shows=drawing) as (ours, peer), page() as one:
            await peer.received("video", 2)
            async with listening(ours, Direction.SENT, one, await one.to_listen()):
                await one.until(lambda: bool(one.pictures))

    run(main)


def test_another_codec_is_told_once_and_not_sent(run: Run) -> None:
    async def main() -> None:
        async with call() as (ours, _), page() as one:
            offer = await one.to_listen("audio")
            async with listening(ours, Direction.RECEIVED, one, offer) as (side, changes):
                await one.hears(THEIRS)
                (frame, *_) = ours.seen("audio")
                for _ in range(3):
                    ours.pc.media._received(frame._replace(codec="PCMU"))
                assert changes == [("audio", "PCMU")]
                assert {each.codec for each in side.seen("audio", Direction.SENT)} == {"opus"}

    run(main)
