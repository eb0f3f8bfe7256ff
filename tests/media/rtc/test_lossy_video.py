"""Video over a bad line, from aiortc's camera and from ours: what is delivered of it."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from callboard.media import (
    ClockPattern,
    Direction,
    EncodedFrame,
    Kind,
    Recording,
    Tone,
    Writer,
    inspect,
    read_clock,
)
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import lateness
from callboard.tests.media.camera import RATE, camera_call, gaps, is_video, stamp, without
from callboard.tests.media.legs import Leg, luma, pictures
from callboard.tests.media.lossy import call_over, road

KINDS: tuple[Kind, ...] = ("audio", "video")
CLOCK: dict[str, Any] = {
    "audio": Tone(),
    "video": ClockPattern(width=160, height=120, fps=30),
    "back_audio": Tone(),
}
"""What the legs of a call send: one sound and a clock, the other one sound."""


def between(first: int, second: int) -> float:
    """Seconds from one RTP timestamp to another; they do not depend on how fast the machine is."""
    return ((second - first + 2**31) % 2**32 - 2**31) / RATE


def check_clocks(frames: list[EncodedFrame]) -> None:
    """Every picture can be decoded and read. One may go back a second: our answer to a PLI."""
    clocks = [read_clock(picture) for picture in pictures(frames)]
    assert len(clocks) >= len(frames) - 1
    assert None not in clocks
    assert all((later - earlier + 1) % 60 < 6 for earlier, later in pairwise(clocks))  # type: ignore[operator]
    assert all(gap > 0 for gap in gaps(frames))


@pytest.mark.parametrize(
    ("missing", "repaired"),
    [((), True), (("rtx",), True), (("rtx",), False), (("rtx", "nack"), False)],
    ids=["rtx", "no rtx", "never repaired", "no nack"],
)
def test_one_packet_is_lost(run: Run, missing: tuple[str, ...], repaired: bool) -> None:
    async def main() -> list[EncodedFrame]:
        async with road() as link, camera_call(link, without(*missing)) as leg:
            await leg.received("video", 15)
            gone: list[bytes] = []

            def drop(data: bytes) -> bool:
                if is_video(data) and not gone:
                    gone.append(data)
                    return True
                # The same number once more, where the peer sends it again.
                return is_video(data) and data[2:4] == gone[0][2:4] and not repaired

            link.drop = drop
            await leg.received("video", 20)
            assert gone
            assert repaired or leg.statistics("video").freezes >= 1
            return leg.seen("video")

    frames = run(main)
    check_clocks(frames)
    # The aim is half a second: RTP timestamps do not depend on how fast the machine is.
    assert max(gaps(frames)) <= (1.5 / 15 if repaired else 0.5) + lateness()


def test_a_recording_whose_first_key_frame_is_lost_has_pictures(run: Run, tmp_path: Path) -> None:
    first: list[int] = []

    async def main() -> tuple[list[EncodedFrame], int]:
        with Writer() as writer:
            async with road() as link:
                link.closed = True
                async with camera_call(link, without("rtx")) as leg:
                    recording = Recording(
                        writer.place(tmp_path, "late"),
                        video=True,
                        writer=writer,
                        on_keyframe_needed=lambda _: leg.pc.media.request_keyframe(),
                    )
                    leg.pc.media.add_sink(recording.write)
                    await asyncio.sleep(1.5)
                    link.passed = lambda data: first.append(stamp(data)) if is_video(data) else None
                    link.closed = False
                    await leg.received("video", 10)
                    finished = await recording.close()
                    assert recording.failure is None
        assert finished is not None
        (track,) = inspect(finished.path).tracks
        assert (track.kind, track.title) == ("video", "received")
        return leg.seen("video"), leg.pc.media.by_kind["video"].incoming._unwrapper._origin

    frames, origin = run(main)
    assert frames[0].keyframe
    assert between(first[0], origin + frames[0].timestamp) <= 1.0 + lateness()
    check_clocks(frames)


def test_after_an_outage_pictures_and_sound_are_in_step(run: Run) -> None:
    back: list[int] = []
    longest: list[float] = []

    async def main() -> tuple[Leg, Leg, int]:
        async with road() as link, call_over(link, **CLOCK) as (a, b):
            await b.received("video", 30)
            link.closed = True
            await asyncio.sleep(3)
            link.passed = lambda data: back.append(stamp(data)) if is_video(data) else None
            link.closed = False
            await b.received("video", 45)
            await b.received("audio", 50)
            incoming = b.pc.media.by_kind["video"].incoming
            freezes = b.pc.media.freezes()
            assert len(freezes) >= 1
            longest.append(max(each.seconds for each in freezes))
            return a, b, incoming._unwrapper._origin

    a, b, origin = run(main)
    frames = b.seen("video")
    outage = max(range(len(gaps(frames))), key=gaps(frames).__getitem__)
    after = frames[outage + 1]
    assert after.keyframe
    assert longest == [pytest.approx(after.arrival - frames[outage].arrival, abs=0.1)]
    assert between(back[0], origin + after.timestamp) <= 0.5 + lateness()
    check_clocks(frames)

    def later(leg: Leg, kind: Kind, direction: Direction) -> float:
        """How much later than before the outage the most punctual one is, in seconds."""
        seen = leg.seen(kind, direction)
        delays = [(f.arrival, f.arrival - f.timestamp / f.clock_rate) for f in seen]
        before = min(delay for at, delay in delays if at <= frames[outage].arrival)
        return min(delay for at, delay in delays if at >= after.arrival) - before

    for kind in KINDS:  # a busy machine may have it sent later, too
        on_the_way = later(b, kind, Direction.RECEIVED) - later(a, kind, Direction.SENT)
        assert abs(on_the_way) <= 0.1 + lateness()


def test_a_tenth_is_lost_and_some_come_late(run: Run) -> None:
    """From a camera of ours, sound and reports too, each way."""

    async def main() -> tuple[list[EncodedFrame], int]:
        async with road() as link, call_over(link, **CLOCK) as (a, b):
            await b.received("video", 5)
            link.lost, link.late, link.burst = 0.1, 0.05, 2
            await a.until(lambda: len(a.seen("video", Direction.SENT)) > 180)
            link.lost = link.late = 0.0
            sent = len(a.seen("video", Direction.SENT))
            await b.received("video", 20)
            assert b.statistics("video").lost > 0
            return b.seen("video"), sent

    frames, sent = run(main)
    check_clocks(frames)
    assert len(frames) >= 0.9 * sent
    assert max(gaps(frames)) <= 1.5 + lateness()


def test_decoded_pictures_go_on_after_a_loss(run: Run) -> None:
    """Who looks in mid-call gets a key frame, and after a loss the next one."""

    async def main() -> list[float | None]:
        async with (
            road() as link,
            camera_call(link, without("rtx", "nack")) as leg,
        ):
            await leg.received("video", 5)
            shown = leg.pc.media.received.frames("video")
            clocks = [read_clock(luma(await anext(shown))) for _ in range(5)]
            gone = iter([True] * 3)
            link.drop = lambda data: is_video(data) and next(gone, False)
            clocks += [read_clock(luma(await anext(shown))) for _ in range(15)]
            return clocks

    clocks = run(main)
    assert None not in clocks
    assert clocks == sorted(clocks)  # type: ignore[type-var]
