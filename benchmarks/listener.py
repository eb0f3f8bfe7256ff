"""Those who listen at a page: what one costs, and how soon it hears and sees."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.bridge import HEIGHT, WIDTH, call, camera
from callboard.benchmarks.leg import LOOPBACK, Ours, peer, run
from callboard.benchmarks.played import make_file
from callboard.benchmarks.result import Figure, Result, middle, percentile
from callboard.benchmarks.trial import main, trial, turns
from callboard.media import (
    ClockPattern,
    Connected,
    Direction,
    EncodedFrame,
    MediaEvent,
    PeerConnection,
    ReceivePath,
    Silence,
    Tap,
    Tone,
    Writer,
    cut_to,
)
from callboard.media.joining.recent_pictures import RecentPictures


class AtAPage(Ours):
    """A page that hears what the first leg receives; the first one echoes."""

    first: ClassVar["AtAPage | None"] = None

    def __init__(self, kind: str, file: str, folder: str, writer: Writer) -> None:
        is_first = AtAPage.first is None
        super().__init__("echo" if is_first else "none", file, folder, writer)
        self._tap: Tap | None = None
        if AtAPage.first is None:
            AtAPage.first = self
            return
        self._tap = Tap(AtAPage.first.pc.media, Direction.RECEIVED, self.pc.media, lambda *_: None)
        self._audio, self._video = self._tap.source(), None

    async def offer(self) -> str:
        """Return the offer; a listener says nothing."""
        offer = await super().offer()
        return offer if self._tap is None else offer.replace("a=sendrecv", "a=sendonly")

    async def accept(self, answer: str) -> None:
        """Take the answer, and listen when connected."""
        await super().accept(answer)
        if self._tap is not None:
            self._tap.open()

    async def close(self) -> None:
        """Leave."""
        if self._tap is not None:
            self._tap.close()
        await super().close()


async def legs(kind: str, file: str, count: int, seconds: float) -> dict[str, Any]:
    """Run legs of one kind: echo, or one that echoes and others that listen to it."""
    tune_garbage_collection()
    if kind == "echo":
        return await run(Ours, kind, file, count, seconds)
    found = await run(AtAPage, kind, file, count, seconds)
    # It is said of fifty packets each way, and a listener has only one.
    return {**found, "cpu": found["cpu"] / 2}


async def soon(times: int) -> dict[str, Any]:
    """Say how long after its offer is made a page has the first sound and picture, in ms.

    Args:
        times: pages that come when nobody else listens, each with one that comes after it.
    """
    tune_garbage_collection()
    found: dict[str, list[float]] = {}
    async with call(audio=Tone(440), video=ClockPattern(), shown=camera()) as (one, _):
        for number in range(times):
            # Nothing is kept of those before, and the peer may be asked for a key frame.
            await asyncio.sleep(RecentPictures.LINGER + 0.2)
            direction = list(Direction)[number % 2]
            for when in ("first", "after"):
                for kind, at in (await _join(one, direction)).items():
                    found.setdefault(f"{kind}, {when}", []).append(1000 * at)
    return {kind: float(percentile(values, 0.95)) for kind, values in found.items()}


async def _join(one: PeerConnection, direction: Direction) -> dict[str, float]:
    first: dict[str, float] = {}
    both, connected = asyncio.Event(), asyncio.Event()

    def comes(frame: EncodedFrame) -> None:
        first.setdefault(frame.kind, time.perf_counter() - began)
        if len(first) == 2:
            both.set()

    def hear(event: MediaEvent) -> None:
        if isinstance(event, Connected):
            connected.set()

    page = PeerConnection(network=LOOPBACK, path=ReceivePath.PACKETS, on_event=lambda _: None)
    ours = PeerConnection(network=LOOPBACK, path=ReceivePath.NONE, on_event=hear)
    tap = Tap(one.media, direction, ours.media, lambda *_: None)
    try:
        began = time.perf_counter()
        page.media.received.receivers.append(comes)
        offer = await page.offer(audio=Silence(), video=Silence())
        codecs = one.media.flowing(direction)
        answer = await ours.answer(cut_to(offer, codecs), audio=tap.source(), video=tap.source())
        tap.prepare()
        await page.accept(answer)
        await connected.wait()
        tap.open()
        async with asyncio.timeout(10):
            await both.wait()
    finally:
        tap.close()
        await page.close()
        await ours.close()
    return first


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    seconds, times, count = (0.4, 1, 3) if quick else (6.0, 3, 40)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "played.ogg"))
        await asyncio.to_thread(make_file, Path(file), 2 if quick else 10)
        common = {"file": file, "seconds": seconds, "count": count}
        echo, listen, joined = await turns(
            times,
            lambda: trial(legs, kind="echo", **common),
            lambda: trial(legs, kind="listen", **common),
            lambda: trial(soon, times=2 if quick else 10),
            together=quick,
        )
    # One of the legs echoes all the same.
    listener = (middle(listen, "cpu") * count - middle(echo, "cpu")) / (count - 1)
    share = listener / middle(echo, "cpu")
    sound = max(middle(joined, f"audio, {when}") for when in ("first", "after"))
    first, after = (middle(joined, f"video, {when}") for when in ("first", "after"))
    return Result(
        "Listeners",
        f"CPU: {count} legs in one process on one core, their peers in another on another core, "
        "Opus: all echo, or one does and the others are pages that hear what it receives. Sound "
        "and picture: from a page's offer to the first frame of each that it gets, Opus and VP8, "
        "of either direction in turns, all in one process; the peer shows a camera of "
        f"{WIDTH}x{HEIGHT} that is encoded while it is sent, and we show a clock.",
        [
            Figure("a listener / an echo leg, CPU", share, reach="<= 0.6", met=share <= 0.6),
            Figure("first sound, p95 ms", sound, reach="<= 300", met=sound <= 300),
            Figure("first picture, p95 ms", first, reach="<= 500", met=first <= 500),
            Figure(
                "the same, right after somebody else, p95 ms",
                after,
                reach="<= 500",
                met=after <= 500,
            ),
        ],
    )


if __name__ == "__main__":
    main(measure, {"legs": legs, "peer": peer, "soon": soon})
