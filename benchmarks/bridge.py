"""Bridges: how much later sound comes, what one costs, and how soon there is a picture."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.leg import LOOPBACK, Ours, peer, run
from callboard.benchmarks.played import make_file
from callboard.benchmarks.result import Figure, Result, middle, percentile
from callboard.benchmarks.trial import main, trial, turns
from callboard.media import (
    BridgeMedia,
    Connected,
    Direction,
    Drawing,
    EncodedFrame,
    FileSource,
    MediaEvent,
    PeerConnection,
    ReceivePath,
    Silence,
    Source,
    Writer,
)
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 1280, 720, 30


# -- what it costs ---------------------------------------------------------------------------------


class InBridge(Ours):
    """A leg that is bridged with the one before, or with the next."""

    waiting: ClassVar["InBridge | None"] = None

    def __init__(self, kind: str, file: str, folder: str, writer: Writer) -> None:
        super().__init__(kind, file, folder, writer)
        self._audio = Silence()
        self._bridge: BridgeMedia | None = None

    async def accept(self, answer: str) -> None:
        """Take the answer, and join when connected."""
        await super().accept(answer)
        other, InBridge.waiting = InBridge.waiting, self
        if other is not None:
            InBridge.waiting = None
            self._bridge = BridgeMedia(self.pc.media, other.pc.media)

    async def close(self) -> None:
        """Part, and end it."""
        if self._bridge is not None:
            self._bridge.close()
        await super().close()


async def legs(kind: str, file: str, count: int, seconds: float) -> dict[str, Any]:
    """Run legs of one kind: echo or bridge."""
    tune_garbage_collection()
    return await run(Ours if kind == "echo" else InBridge, kind, file, count, seconds)


# -- how late it is --------------------------------------------------------------------------------


@asynccontextmanager
async def call(
    *,
    audio: Source,
    video: Source | None = None,
    back: Source | None = None,
    shown: Source | None = None,
) -> AsyncIterator[tuple[PeerConnection, PeerConnection]]:
    """Connect two legs: one that sends, and one that sends silence and black, or what is given."""
    connected = [asyncio.Event(), asyncio.Event()]

    def hear(is_connected: asyncio.Event, event: MediaEvent) -> None:
        if isinstance(event, Connected):
            is_connected.set()

    one, other = (
        PeerConnection(network=LOOPBACK, path=ReceivePath.PACKETS, on_event=partial(hear, each))
        for each in connected
    )
    try:
        offer = await one.offer(audio=audio, video=video)
        answer = await other.answer(
            offer, audio=back or Silence(), video=None if video is None else shown or Silence()
        )
        await one.accept(answer)
        for event in connected:
            await event.wait()
        yield one, other
    finally:
        await one.close()
        await other.close()


async def delay(kind: str, file: str, seconds: float) -> dict[str, Any]:
    """Say how long after it went out a frame comes in at the other end, in ms.

    Args:
        kind: ``direct``, from one leg to another; or ``bridge``, through the two of a bridge.
        file: what is played.
        seconds: for how long to look.
    """
    tune_garbage_collection()
    clock = time.perf_counter  # uvloop's own clock stands still within a turn
    sent: dict[bytes, float] = {}
    late: list[float] = []

    def leaves(way: Direction, frame: EncodedFrame) -> None:
        if way is Direction.SENT:
            sent[frame.data] = clock()

    def comes(frame: EncodedFrame) -> None:
        if frame.data in sent:
            late.append((clock() - sent.pop(frame.data)) * 1000)

    async with (
        call(audio=FileSource(Path(file), loop=True)) as (caller, one),
        call(audio=Silence()) as (called, other),
    ):
        caller.media.add_sink(leaves)
        bridge = BridgeMedia(one.media, other.media) if kind == "bridge" else None
        (called if bridge is not None else one).media.received.receivers.append(comes)
        await asyncio.sleep(seconds)
        if bridge is not None:
            bridge.close()
    return {"p50": percentile(late, 0.5), "p95": percentile(late, 0.95), "frames": len(late)}


def camera() -> Drawing:
    """Make a picture that moves, and is encoded while it is sent."""
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)

    def draw(seconds: float) -> NDArray[np.uint8]:
        return np.roll(noise // 8, round(seconds * 60), axis=1)

    return Drawing(draw, WIDTH, HEIGHT, FPS)


async def first_picture(times: int) -> dict[str, Any]:
    """Say how long after joining the first picture of a camera of 720p comes, in ms."""
    clock = time.perf_counter
    waits: list[float] = []
    ours: list[float] = []
    async with (
        call(audio=Silence(), video=camera()) as (_, one),
        call(audio=Silence(), video=Silence()) as (called, other),
    ):
        for _ in range(times):
            await asyncio.sleep(1.1)  # the last request is a second ago
            came = asyncio.Event()
            shown: dict[bytes, float] = {}

            def arrives(frame: EncodedFrame, shown: dict[bytes, float] = shown) -> None:
                if frame.kind == "video":
                    shown[frame.data] = clock()

            def comes(
                frame: EncodedFrame,
                shown: dict[bytes, float] = shown,
                came: asyncio.Event = came,
            ) -> None:
                if frame.keyframe and frame.data in shown and not came.is_set():
                    ours.append((clock() - shown[frame.data]) * 1000)
                    came.set()

            one.media.received.receivers.append(arrives)
            called.media.received.receivers.append(comes)
            began = clock()
            bridge = BridgeMedia(one.media, other.media)
            await came.wait()
            waits.append((clock() - began) * 1000)
            bridge.close()
            one.media.received.remove_receiver(arrives)
            called.media.received.remove_receiver(comes)
    return {
        "p50": percentile(waits, 0.5),
        "p95": percentile(waits, 0.95),
        "ours": percentile(ours, 0.95),
        "times": times,
    }


# -- the measurement -------------------------------------------------------------------------------


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    seconds, times, count = (0.4, 1, 2) if quick else (6.0, 3, 20)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "played.ogg"))
        await asyncio.to_thread(make_file, Path(file), 2 if quick else 10)
        common = {"file": file, "seconds": seconds}
        echo, bridged, direct, through, picture = await turns(
            times,
            lambda: trial(legs, kind="echo", count=count, **common),
            lambda: trial(legs, kind="bridge", count=count, **common),
            lambda: trial(delay, kind="direct", **common),
            lambda: trial(delay, kind="bridge", **common),
            lambda: trial(first_picture, times=1 if quick else 10),
            together=quick,
        )
    share = middle(bridged, "cpu") / middle(echo, "cpu")
    added = middle(through, "p95") - middle(direct, "p95")
    first = middle(picture, "p95")
    return Result(
        "Bridges",
        f"CPU: {count} legs in one process on one core, their peers in another on another core, "
        "Opus, in pairs or echoed. Delay: from a frame that goes out to the same one that comes "
        "in, through a bridge and straight from leg to leg, all in one process. Picture: VP8 of "
        f"{WIDTH}x{HEIGHT}, encoded while it is sent by a peer that answers PLI, from joining to "
        "the first picture at the other end; the last request was a second ago.",
        [
            Figure("a bridge / two echo legs, CPU", share, reach="<= 1.3", met=share <= 1.3),
            Figure(
                "delay that a bridge adds to sound, p95 ms", added, reach="<= 5", met=added <= 5
            ),
            Figure("first picture after joining, p95 ms", first, reach="<= 300", met=first <= 300),
            Figure("of which after it had come to the bridge, p95 ms", middle(picture, "ours")),
        ],
    )


if __name__ == "__main__":
    main(
        measure,
        {"delay": delay, "first_picture": first_picture, "legs": legs, "peer": peer},
    )
