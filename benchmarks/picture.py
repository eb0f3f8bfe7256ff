"""Received video over a bad line: how long a picture stands still, from aiortc's own camera."""

import asyncio
from functools import partial
from itertools import pairwise
from typing import Any

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns
from callboard.tests.media.camera import (
    RATE,
    Camera,
    camera_call,
    describe,
    gaps,
    is_video,
    stamp,
    without,
)
from callboard.tests.media.lossy import Road, road

SHARES = (0.01, 0.03, 0.1)


def lose_one(link: Road) -> None:
    """Let the next packet of video be lost, however often it is sent, and no other."""
    gone: list[bytes] = []

    def drop(data: bytes) -> bool:
        if is_video(data) and not gone:
            gone.append(data[2:4])
        return is_video(data) and data[2:4] == gone[0]

    link.drop = drop


async def one_lost(seconds: float, before: float) -> dict[str, Any]:
    """Lose one packet that the peer does not send again, and say how long nothing new came.

    Args:
        seconds: for how long to look.
        before: of camera before that, in seconds.
    """
    async with road() as link, camera_call(link, without("rtx")) as leg:
        await asyncio.sleep(before)
        lose_one(link)
        await asyncio.sleep(seconds)
        return {"still": max(gaps(leg.seen("video")))}


async def plain_one_lost(seconds: float, before: float) -> dict[str, Any]:
    """Do the same to aiortc's receiver."""
    camera, viewer = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    clock = asyncio.get_running_loop().time
    shown: list[float] = []
    begun = asyncio.Event()
    tasks: list[asyncio.Task[None]] = []

    async def watch(track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                shown.append(clock())
                begun.set()
        except MediaStreamError:
            pass

    viewer.on("track", lambda track: tasks.append(asyncio.ensure_future(watch(track))))
    camera.addTrack(Camera())
    async with road() as link:
        offer = without("rtx")(await describe(camera, await camera.createOffer()))
        await viewer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        answer = await describe(viewer, await viewer.createAnswer())
        _, answer = await link.lead(offer, answer)
        await camera.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await begun.wait()
        await asyncio.sleep(before)
        lose_one(link)
        await asyncio.sleep(seconds)
        shown.append(clock())
        await camera.close()
        await viewer.close()
        await asyncio.gather(*tasks)
    return {"still": max(later - earlier for earlier, later in pairwise(shown))}


async def outage(seconds: float, before: float) -> dict[str, Any]:
    """Close the line, and say how long after it is open again the next picture was taken."""
    back: list[int] = []
    async with road() as link, camera_call(link) as leg:
        await asyncio.sleep(before)
        link.closed = True
        await asyncio.sleep(seconds)
        link.passed = lambda data: back.append(stamp(data)) if is_video(data) else None
        link.closed = False
        first = (await leg.received("video", 1))[0]
        origin = leg.pc.media.by_kind["video"].incoming._unwrapper._origin  # noqa: SLF001
    waited = (origin + first.timestamp - back[0] + 2**31) % 2**32 - 2**31
    return {"until": max(0.0, waited / RATE)}  # it may all have been sent again


async def first_lost(seconds: float) -> dict[str, Any]:
    """Lose all from the first packet on, and say how long after the next one a picture came."""
    first: list[float] = []
    clock = asyncio.get_running_loop().time
    async with road() as link:
        link.closed = True
        async with camera_call(link, without("rtx", "nack")) as leg:
            await asyncio.sleep(seconds)
            link.passed = lambda data: first.append(clock()) if is_video(data) else None
            link.closed = False
            frame = (await leg.received("video", 1))[0]
    return {"until": frame.arrival - first[0]}


async def at_random(seconds: float, share: float, before: float) -> dict[str, Any]:
    """Lose a share of the packets each way; say for which share of the time the picture stood."""
    async with road() as link, camera_call(link) as leg:
        await asyncio.sleep(before)
        link.lost = share
        await asyncio.sleep(seconds)
        found = leg.statistics("video")
    return {"still": found.frozen_ms / 10 / seconds, "lost": found.lost}


async def measure(quick: bool) -> Result:
    """Measure each line one after the other."""
    times = 1 if quick else 3
    some, long, ages = (0.3, 0.5, 0.5) if quick else (3.0, 60.0, 45.0)
    before = {"before": 0.5 if quick else 2.0}  # seconds of camera before anything is lost
    one, late, again = await turns(
        times,
        lambda: trial(one_lost, seconds=some, **before),
        lambda: trial(first_lost, seconds=some / 2),
        lambda: trial(outage, seconds=some, **before),
        together=quick,
    )
    [plain], *shares = await turns(
        1,
        lambda: trial(plain_one_lost, seconds=ages, **before),
        *(partial(trial, at_random, seconds=long, share=share, **before) for share in SHARES),
        together=quick,
    )
    return Result(
        "Received video over a bad line",
        "aiortc's camera (160x120, 15 pictures a second, VP8) through a relay on loopback that "
        "drops RTP and RTCP both ways; the camera answers PLI. Times are the camera's own, by the "
        "timestamps of what is delivered. Frozen is what webrtc-stats calls a freeze.",
        [
            _figure(
                "one packet lost that is not sent again: picture stands, s",
                middle(one, "still"),
                0.5,
                {"aiortc": plain["still"]},
            ),
            _figure("after an outage of 3 s: until a picture, s", middle(again, "until"), 0.5),
            _figure("first 1.5 s lost: until a picture, s", middle(late, "until"), 1.0),
            *(
                _figure(f"frozen at {share:.0%} random loss, %", found["still"], share * 100)
                for share, [found] in zip(SHARES, shares, strict=True)
            ),
        ],
    )


def _figure(what: str, found: float, most: float, theirs: dict[str, float] | None = None) -> Figure:
    return Figure(what, found, theirs or {}, reach=f"<= {most:g}", met=found <= most)


if __name__ == "__main__":
    main(
        measure,
        {
            "at_random": at_random,
            "first_lost": first_lost,
            "one_lost": one_lost,
            "outage": outage,
            "plain_one_lost": plain_one_lost,
        },
    )
