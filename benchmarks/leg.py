"""One leg of a call: Opus at 50 packets a second both ways, and pictures if wanted."""

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRecorder
from callboard.actors.call.recorders import Recorders
from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.partner import Ask, partner, serve
from callboard.benchmarks.played import PACKETS, make_file, sources
from callboard.benchmarks.result import Figure, Result, middle, percentile
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import cpu, keep_to
from callboard.media import (
    Connected,
    ConnectionMedia,
    Direction,
    EncodedFrame,
    MediaEvent,
    Network,
    PeerConnection,
    ReceivePath,
    SoundBatch,
    Writer,
)
from callboard.media.rtc import _aiortc
from callboard.media.rtc.ice import _aioice

LOOPBACK = Network(addresses=("127.0.0.1",))
#: Legs whose pacing is watched: to watch all would cost more than the watching is worth.
WATCHED = 10
#: Seconds of rest behind the last connection, the first count and the beginning of watching, for
#: each second that is counted.
SETTLE = 0.3


Packets = tuple[int, int, int]
"""Those of sound and of pictures that came in, and those that did not."""


Counts = Sequence[tuple[float, Packets]]
"""Of each leg, when it was asked, in seconds of a clock that only goes on, and what it said."""


async def ask_in_turns(legs: Sequence[Callable[[], Packets]]) -> Counts:
    """Ask legs for their counts.

    To ask all at once would hold up for a moment what is measured.
    """
    found = []
    for count in legs:
        found.append((time.perf_counter(), count()))
        await asyncio.sleep(0)
    return found


def counted(pc: PeerConnection) -> Packets:
    """Return what a leg of ours has counted of what came in."""
    found = {one.kind: one for one in pc.media.statistics()}
    video = found["video"].received if "video" in found else 0
    return found["audio"].received, video, sum(one.lost for one in found.values())


# -- the leg under test ----------------------------------------------------------------------------


class Ours:
    """A leg of ours that records (or echoes) what comes in, or lets it go.

    Args:
        kind: record, echo or none.
        file: what is played, unless it echoes; a file with pictures is for an HD leg.
        folder: where recordings go.
        writer: the thread that writes them.
    """

    def __init__(self, kind: str, file: str, folder: str, writer: Writer) -> None:
        self.connected = asyncio.Event()
        path = ReceivePath.NONE if kind == "none" else ReceivePath.PACKETS
        self.pc = PeerConnection(network=LOOPBACK, path=path, on_event=self._event)
        self._audio, self._video = sources(kind, file)
        self._recorders: Recorders | None = None
        if kind == "record":
            context: Any = SimpleNamespace(recordings=Path(folder), writer=writer)
            self._recorders = Recorders(context, "leg")
            self._recorders.start(video=self._video is not None, wav=False)
            self._recorders.listen(self.pc.media)

    def _event(self, event: MediaEvent) -> None:
        if isinstance(event, Connected):
            self.connected.set()

    async def offer(self) -> str:
        """Return the offer."""
        return await self.pc.offer(audio=self._audio, video=self._video)

    async def accept(self, answer: str) -> None:
        """Take the answer, and return when connected."""
        await self.pc.accept(answer)
        await self.connected.wait()

    def received(self) -> Packets:
        """Return how many packets have come in."""
        return counted(self.pc)

    def watch(self) -> "Departures":
        """Watch when each packet of its sound leaves."""
        return Departures(self.pc._pc, self.pc.media)  # noqa: SLF001

    async def close(self) -> None:
        """End it."""
        await self.pc.close()
        if self._recorders is not None:
            await self._recorders.finish()


class Plain:
    """A leg of aiortc's as it comes: its player plays the file, its recorder records."""

    def __init__(self, kind: str, file: str, folder: str, writer: Writer) -> None:
        del kind, writer
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._player = MediaPlayer(file, loop=True)
        tracks = [each for each in (self._player.audio, self._player.video) if each is not None]
        suffix = "ogg" if len(tracks) == 1 else "mkv"
        self._recorder = MediaRecorder(str(Path(folder, f"{id(self)}.{suffix}")))
        self._connected = asyncio.Event()
        for track in tracks:
            self.pc.addTrack(track)
        self.pc.on("track", self._recorder.addTrack)
        self.pc.on("connectionstatechange", self._changed)

    def _changed(self) -> None:
        if self.pc.connectionState == "connected":
            self._connected.set()

    async def offer(self) -> str:
        """Return the offer. aioice leaves loopback out, so it is told to take it."""
        offer = await self.pc.createOffer()
        for connection in _aiortc.ice_connections(self.pc):
            _aioice.bind_to(connection, LOOPBACK, Counter())
        await self.pc.setLocalDescription(offer)
        return str(self.pc.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        """Take the answer, and return when connected."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await self._connected.wait()
        await self._recorder.start()

    def received(self) -> Packets:
        """Return how many packets have come in."""
        found = []
        for transceiver in self.pc.getTransceivers():
            streams = getattr(transceiver.receiver, "_RTCRtpReceiver__remote_streams")  # noqa: B009
            found.append(sum(one.packets_received for one in streams.values()))
        return found[0], sum(found[1:]), 0

    def watch(self) -> "Departures":
        """Watch when each packet of its sound leaves."""
        return Departures(self.pc, None)

    async def close(self) -> None:
        """End it."""
        await self._recorder.stop()
        await self.pc.close()


class Departures:
    """When each packet of a leg's sound leaves.

    Args:
        connection: aiortc's; packets that go Python's way are seen where it encrypts them.
        media: ours, if the leg is; what the compiled part sends is told by it, and later.
    """

    def __init__(self, connection: RTCPeerConnection, media: ConnectionMedia | None) -> None:
        self._media = media
        self._times: list[float] = []
        transceiver, *_ = connection.getTransceivers()
        stream = transceiver.sender._ssrc.to_bytes(4)  # noqa: SLF001
        session: Any = transceiver.sender.transport._tx_srtp  # noqa: SLF001
        protect: Callable[[bytes], bytes] = session.protect

        def protecting(packet: bytes) -> bytes:
            if packet[8:12] == stream:
                self._times.append(time.perf_counter())  # uvloop's own stands still within a turn
            return protect(packet)

        session.protect = protecting
        if media is not None:
            media.add_patient_sink(self._left)

    def _left(self, direction: Direction, frames: Sequence[EncodedFrame]) -> None:
        # What went Python's way was seen there.
        if direction is Direction.SENT and isinstance(frames, SoundBatch):
            self._times += frames.arrivals

    def times(self) -> list[float]:
        """Return them up to now, in order."""
        if self._media is not None:
            self._media.settle()
        return sorted(self._times)

    def clear(self) -> None:
        """Forget them."""
        self.times()
        self._times.clear()


def pacing(times: list[float]) -> list[float]:
    """Return how much later than the most punctual packet each left, in seconds."""
    against = [time - number / PACKETS for number, time in enumerate(times)]
    earliest = min(against, default=0.0)
    return [one - earliest for one in against]


async def run(make: Any, kind: str, file: str, legs: int, seconds: float) -> dict[str, Any]:
    """Run so many legs against a peer in a process of its own.

    Returns:
        ``cpu``: percent of a core for a leg of 50 packets/s of sound each way; ``sent`` and
        ``received``: those of the slowest leg, a second; ``pictures``: packets of pictures a
        second that came in on a leg; ``lost``: packets that did not, at either end; ``late``: the
        99th percentile of the pacing error in ms.
    """
    keep_to(0)
    async with partner(peer, file=file) as ask:
        return await _against(ask, make, kind, file, legs, seconds)


async def _against(
    ask: Ask, make: Any, kind: str, file: str, legs: int, seconds: float
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, Writer() as writer:
        all_legs = []
        for _ in range(legs):
            leg = make(kind, file, folder, writer)
            answer = await ask({"offer": await leg.offer()})
            async with asyncio.timeout(30):
                await leg.accept(answer["answer"])
            all_legs.append(leg)
        await asyncio.sleep(SETTLE * seconds)
        counts = [leg.received for leg in all_legs]
        before, had = await ask({"count": True}), await ask_in_turns(counts)
        await asyncio.sleep(SETTLE * seconds)
        # What is asked and watched costs something too, and is not the legs'.
        began, used = time.perf_counter(), cpu()
        await asyncio.sleep(seconds)
        used, lasted = cpu() - used, time.perf_counter() - began
        watched = [leg.watch() for leg in all_legs[:WATCHED]]
        await asyncio.sleep(SETTLE * seconds)  # who begins to watch has key frames sent
        for one in watched:
            one.clear()
        await asyncio.sleep(seconds)
        times = [one.times() for one in watched]
        mine = rates(await ask_in_turns(counts), had)
        after = await ask({"count": True})
        await asyncio.gather(*(leg.close() for leg in all_legs))
    theirs = rates(after["count"], before["count"])
    # A leg that does not keep up uses less: what counts is what fifty packets each way take.
    kept = statistics.mean(one.sound for one in (*mine, *theirs)) / PACKETS
    late = [error for one in times if one for error in pacing(one)]
    return {
        "cpu": used / lasted / legs * 100 / kept,
        "sent": min(one.sound for one in theirs),
        "received": min(one.sound for one in mine),
        "pictures": statistics.mean(one.pictures for one in mine),
        "lost": sum(one.lost for one in (*mine, *theirs)),
        "late": percentile(late, 0.99) * 1000,
        "peer": after["cpu"] - before["cpu"],
    }


class Rate(NamedTuple):
    """What came in on a leg: packets a second, and how many did not in all."""

    sound: float
    pictures: float
    lost: int


def rates(now: Counts, before: Counts) -> list[Rate]:
    """Return what came in on each leg between two counts."""
    found = []
    for (at, counts), (then, had) in zip(now, before, strict=True):
        sound, pictures, lost = (one - other for one, other in zip(counts, had, strict=True))
        found.append(Rate(sound / (at - then), pictures / (at - then), lost))
    return found


async def callboard(kind: str, file: str, legs: int, seconds: float) -> dict[str, Any]:
    """Run legs of ours."""
    tune_garbage_collection()  # as `callboard run` and the shards of `callboard load` do
    return await run(Ours, kind, file, legs, seconds)


async def plain_aiortc(kind: str, file: str, legs: int, seconds: float) -> dict[str, Any]:
    """Run legs of aiortc's."""
    return await run(Plain, kind, file, legs, seconds)


async def peer(file: str) -> dict[str, Any]:
    """Be the other end of every leg: play the file, count what comes."""
    keep_to(1)
    tune_garbage_collection()
    legs: list[PeerConnection] = []
    audio, video = sources("", file)

    async def handle(message: dict[str, Any]) -> dict[str, Any]:
        if "offer" not in message:
            return {
                "count": await ask_in_turns([partial(counted, leg) for leg in legs]),
                "cpu": cpu(),
            }
        leg = PeerConnection(network=LOOPBACK, path=ReceivePath.NONE, on_event=lambda _: None)
        legs.append(leg)
        return {"answer": await leg.answer(message["offer"], audio=audio, video=video)}

    await serve(handle)
    await asyncio.gather(*(leg.close() for leg in legs))
    return {}


# -- the measurement -------------------------------------------------------------------------------


async def measure(quick: bool) -> Result:
    """Measure in turns, then look for the limit."""
    legs, seconds, times = (1, 0.3, 1) if quick else (10, 5.0, 3)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "played.ogg"))
        await asyncio.to_thread(make_file, Path(file), 2 if quick else 10)
        common = {"file": file, "legs": legs, "seconds": seconds}
        record, echo, none, plain = await turns(
            times,
            lambda: trial(callboard, kind="record", **common),
            lambda: trial(callboard, kind="echo", **common),
            lambda: trial(callboard, kind="none", **common),
            lambda: trial(plain_aiortc, kind="record", **common),
            together=quick,
        )
    aiortc = {"aiortc": middle(plain, "cpu")}
    return Result(
        "One leg",
        f"{legs} legs in one process on one core, their peers in another process on another core; "
        "the same Opus file played by all. A leg of aiortc's plays with MediaPlayer and records "
        "with MediaRecorder, on asyncio's loop. The pacing error is how much later than the most "
        "punctual packet one left, seen where it is encrypted.",
        [
            _cpu("recorded (packets)", record, aiortc, "<= 1/8"),
            _cpu("echoed (packets)", echo, aiortc, "<= 1/8"),
            _cpu("none", none, aiortc),
            Figure(
                "pacing error, p99 ms, recorded",
                middle(record, "late"),
                {"aiortc": middle(plain, "late")},
            ),
        ],
    )


def _cpu(
    what: str, trials: list[dict[str, Any]], theirs: dict[str, float], reach: str = ""
) -> Figure:
    found = middle(trials, "cpu")
    met = theirs["aiortc"] / found >= 8 if reach else None
    return Figure(f"CPU a leg, % of a core, {what}", found, theirs, reach=reach, met=met)


if __name__ == "__main__":
    main(measure, {"callboard": callboard, "plain_aiortc": plain_aiortc, "peer": peer})
