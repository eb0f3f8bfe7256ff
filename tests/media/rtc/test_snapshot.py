"""One picture of what a peer shows."""

import asyncio
import io

import av
import pytest
from callboard.media import (
    ClockPattern,
    MediaClosedError,
    ReceivePath,
    Silence,
    SnapshotError,
    Tone,
    read_clock,
)
from callboard.media.hearing import still_picture
from callboard.media.hearing.still_picture import ImageFormat
from callboard.tests.conftest import Run
from callboard.tests.media.joining.test_bridge import two_calls
from callboard.tests.media.legs import Leg, call, luma


def picture(image: bytes) -> av.VideoFrame:
    with av.open(io.BytesIO(image), "r") as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize(("format_", "magic"), [("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG")])
def test_it_is_what_the_peer_shows(
    run: Run, codec: str, format_: ImageFormat, magic: bytes
) -> None:
    async def main() -> None:
        async with two_calls(("opus", codec), ("opus", codec)) as ((ours, peer), _):
            await ours.received("video", 1)
            image = await ours.pc.media.received.snapshot(format_)
            assert image.startswith(magic)
            shown = picture(image)
            assert (shown.width, shown.height) == (160, 128)
            grey = shown.reformat(format="yuv420p")
            first = read_clock(luma(grey))
            assert first is not None
            assert not ours.pc.media.received.receivers
            await ours.received("video", 10)
            several = await asyncio.gather(*(ours.pc.media.received.snapshot() for _ in range(5)))
            for later in several:
                clock = read_clock(luma(picture(later).reformat(format="yuv420p")))
                assert clock is not None
                assert clock > first, "it shows what is there now"
            assert peer is not None

    run(main)


def test_a_picture_that_builds_on_others_is_passed_over(run: Run) -> None:
    async def main() -> None:
        async with two_calls() as ((ours, _), _):
            missed = next(f for f in await ours.received("video", 12) if not f.keyframe)
            taking = asyncio.ensure_future(ours.pc.media.received.snapshot())
            await asyncio.sleep(0)
            [take] = ours.pc.media.received.receivers
            take(missed)
            assert picture(await taking).width == 160

    run(main)


def test_who_shows_nothing_gives_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(still_picture, "PATIENCE", 0.3)

    async def main() -> None:
        async with call(audio=Tone(), video=ClockPattern(), back_audio=Silence()) as (ours, peer):
            with pytest.raises(SnapshotError, match="no key frame within"):
                await ours.pc.media.received.snapshot()
            peer.pc.media.path = ReceivePath.NONE
            with pytest.raises(ValueError, match="path"):
                await peer.pc.media.received.snapshot()
            assert not ours.pc.media.received.receivers

    run(main)


def test_without_video_there_is_none(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Silence()) as (ours, _):
            with pytest.raises(ValueError, match="no video"):
                await ours.pc.media.received.snapshot()
        closed = Leg()
        await closed.pc.close()
        with pytest.raises(MediaClosedError):
            await closed.pc.media.received.snapshot()

    run(main)
