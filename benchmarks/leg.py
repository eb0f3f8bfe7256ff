"""One leg of a call: Opus at 50 packets a second both ways."""

import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRecorder
from callboard.actors.call.recorders import Recorders
from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.partner import Ask, partner, serve
from callboard.benchmarks.result import Figure, Result, middle, percentile
from callboard.benchmarks.trial import TrialError, main, say, trial, turns
from callboard.benchmarks.usage import cpu, keep_to
from callboard.media import (
    Connected,
    Echo,
    FileSource,
    MediaEvent,
    Network,
    PeerConnection,
    ReceivePath,
    Source,
    Writer,
)
from callboard.media.rtc import _aiortc
from callboard.media.rtc.ice import _aioice

LOOPBACK = Network(addresses=("127.0.0.1",))
PACKETS = 50
#: Packets a second that each leg must keep, and how late a packet may leave in 99 of 100 cases.
ENOUGH, LATE = 49.5, 0.020
#: Legs whose pacing is watched: to watch all would cost more than the watching is worth.
WATCHED = 10
#: Above this load, of which a trial makes 2 itself, somebody else is at work.
BUSY = 3.0
TOO_BUSY = (
    "The limits were not looked for: the machine had something else to do, and they would be its. "
    "Run `script/bench leg` when it has not."
)
#: Seconds between the last connection and the first count, for each second that is counted.
SETTLE = 0.3


# -- the leg under test ----------------------------------------------------------------------------


class Ours:
    """A leg of ours that records (or echoes) what comes in, or lets it go.

    Args:
        kind: record, echo or none.
        file: what is played, unless it echoes.
        folder: where recordings go.
        writer: the thread that writes them.
    """

    def __init__(self, kind: str, file: str, folder: str, writer: Writer) -> None:
        self.connected = asyncio.Event()
        path = ReceivePath.NONE if kind == "none" else ReceivePath.PACKETS
        self.pc = PeerConnection(network=LOOPBACK, path=path, on_event=self._event)
        self._source: Source = Echo() if kind == "echo" else FileSource(Path(file), loop=True)
        self._recorders: Recorders | None = None
        if kind == "record":
            context: Any = SimpleNamespace(recordings=Path(folder), writer=writer)
            self._recorders = Recorders(context, "leg")
            self._recorders.start(video=False, wav=False)
            self.pc.media.add_sink(self._recorders.write)

    def _event(self, event: MediaEvent) -> None:
        if isinstance(event, Connected):
            self.connected.set()

    async def offer(self) -> str:
        """Return the offer."""
        return await self.pc.offer(audio=self._source, video=None)

    async def accept(self, answer: str) -> None:
        """Take the answer, and return when connected."""
        await self.pc.accept(answer)
        await self.connected.wait()

    def received(self) -> int:
        """Return how many packets have come in."""
        return self.pc.media.statistics()[0].received

    def transport(self) -> Any:
        """Return what RTP goes out by."""
        return _aiortc.dtls_transports(self.pc._pc)[0].transport  # noqa: SLF001

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
        self._recorder = MediaRecorder(str(Path(folder, f"{id(self)}.ogg")))
        self._connected = asyncio.Event()
        track = self._player.audio
        if track is None:
            raise TrialError(f"{file} has no sound")
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

    def received(self) -> int:
        """Return how many packets have come in."""
        receiver = self.pc.getTransceivers()[0].receiver
        streams = getattr(receiver, "_RTCRtpReceiver__remote_streams")  # noqa: B009
        return sum(one.packets_received for one in streams.values())

    def transport(self) -> Any:
        """Return what RTP goes out by."""
        return _aiortc.dtls_transports(self.pc)[0].transport

    async def close(self) -> None:
        """End it."""
        await self._recorder.stop()
        await self.pc.close()


def watch(transport: Any) -> list[float]:
    """Return the list that gets the time at which each RTP packet leaves this transport."""
    times: list[float] = []
    clock = time.perf_counter  # uvloop's own clock stands still within a turn
    send: Callable[..., Any] = transport._send  # noqa: SLF001

    async def sending(data: bytes) -> None:
        if not 192 <= data[1] <= 223:  # RFC 5761 §4: the rest is RTCP
            times.append(clock())
        await send(data)

    transport._send = sending  # noqa: SLF001
    return times


def pacing(times: list[float]) -> list[float]:
    """Return how much later than the most punctual packet each left, in seconds."""
    against = [time - number / PACKETS for number, time in enumerate(times)]
    return [one - min(against) for one in against]


async def run(make: Any, kind: str, file: str, legs: int, seconds: float) -> dict[str, Any]:
    """Run so many legs against a peer in a process of its own.

    Returns:
        ``cpu``: percent of a core for a leg of 50 packets/s; ``sent`` and ``received``: packets
        a second of the slowest leg; ``late``: the 99th percentile of the pacing error in ms.
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
        watched = [watch(leg.transport()) for leg in all_legs[:WATCHED]]
        clock = time.perf_counter
        before, began, used = await ask({"count": True}), clock(), cpu()
        mine = [leg.received() for leg in all_legs]
        await asyncio.sleep(seconds)
        used, lasted = cpu() - used, clock() - began
        mine = [leg.received() - had for leg, had in zip(all_legs, mine, strict=True)]
        after = await ask({"count": True})
        times = [list(one) for one in watched]
        await asyncio.gather(*(leg.close() for leg in all_legs))
    theirs = [
        (now - had) / (after["time"] - before["time"])
        for now, had in zip(after["count"], before["count"], strict=True)
    ]
    # A leg that does not keep up uses less: what counts is what fifty packets each way take.
    kept = (statistics.mean(theirs) + statistics.mean(mine) / lasted) / 2 / PACKETS
    late = [error for one in times if one for error in pacing(one)]
    return {
        "cpu": used / lasted / legs * 100 / kept,
        "sent": min(theirs),
        "received": min(mine) / lasted,
        "late": percentile(late, 0.99) * 1000,
        "peer": after["cpu"] - before["cpu"],
    }


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

    async def handle(message: dict[str, Any]) -> dict[str, Any]:
        if "offer" not in message:
            counts = [leg.media.statistics()[0].received for leg in legs]
            return {"count": counts, "time": time.perf_counter(), "cpu": cpu()}
        leg = PeerConnection(network=LOOPBACK, path=ReceivePath.NONE, on_event=lambda _: None)
        source = FileSource(Path(file), loop=True)
        legs.append(leg)
        return {"answer": await leg.answer(message["offer"], audio=source, video=None)}

    await serve(handle)
    await asyncio.gather(*(leg.close() for leg in legs))
    return {}


# -- the measurement -------------------------------------------------------------------------------


def make_file(path: Path, seconds: int = 10) -> None:
    """Write what is played: a chirp with some noise, Opus in Ogg, 48 kHz mono."""
    random = np.random.default_rng(1)
    moments = np.arange(seconds * 48000) / 48000
    sound = 0.3 * np.sin(2 * np.pi * (200 + 100 * moments) * moments)
    sound += 0.02 * random.standard_normal(len(moments))
    samples = (sound * 32767).astype(np.int16)
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48000, layout="mono")
        for start in range(0, len(samples), 960):
            block = samples[start : start + 960].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


async def capacity(kind: str, file: str, counts: tuple[int, ...], seconds: float) -> int:
    """Return how many legs one core carries, of these numbers; 0 if not even the first."""
    held = 0
    for legs in counts:
        try:
            found = await trial(callboard, kind=kind, file=file, legs=legs, seconds=seconds)
        except TrialError as error:
            say(str(error))
            break
        slowest = min(found["sent"], found["received"])
        if slowest < ENOUGH or found["late"] >= LATE * 1000:
            break
        held = legs
    return held


async def measure(quick: bool) -> Result:
    """Measure in turns, then look for the limit."""
    legs, seconds, times = (1, 0.3, 1) if quick else (10, 6.0, 3)
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
        counts, wide = (150, 200, 250, 300), (250, 300, 350, 400)
        notes, packets, nothing = [], None, None
        if os.getloadavg()[0] > BUSY:
            notes.append(TOO_BUSY)
        elif not quick:
            packets = await capacity("record", file, counts, seconds)
            nothing = await capacity("none", file, wide, seconds)
    aiortc = {"aiortc": middle(plain, "cpu")}
    return Result(
        "One leg",
        f"{legs} legs in one process on one core, their peers in another process on another core; "
        "the same Opus file played by all. A leg of aiortc's plays with MediaPlayer and records "
        "with MediaRecorder, on asyncio's loop. The limit is the largest number tried with "
        f">= {ENOUGH} packets/s each way on every leg and a 99th percentile of the pacing error "
        "(how much later than the most punctual packet one left, seen where it goes to the "
        f"socket) under {LATE * 1000:.0f} ms.",
        [
            _cpu("recorded (packets)", record, aiortc, "<= 1/8"),
            _cpu("echoed (packets)", echo, aiortc, "<= 1/8"),
            _cpu("none", none, aiortc),
            Figure(
                "pacing error, p99 ms, recorded",
                middle(record, "late"),
                {"aiortc": middle(plain, "late")},
            ),
            Figure(
                "legs on one core, recorded",
                packets,
                better="high",
                reach=">= 150",
                met=None if packets is None else packets >= 150,
            ),
            Figure(
                "legs on one core, none",
                nothing,
                better="high",
                reach=">= 250",
                met=None if nothing is None else nothing >= 250,
            ),
        ],
        notes,
    )


def _cpu(
    what: str, trials: list[dict[str, Any]], theirs: dict[str, float], reach: str = ""
) -> Figure:
    found = middle(trials, "cpu")
    met = theirs["aiortc"] / found >= 8 if reach else None
    return Figure(f"CPU a leg, % of a core, {what}", found, theirs, reach=reach, met=met)


if __name__ == "__main__":
    main(measure, {"callboard": callboard, "plain_aiortc": plain_aiortc, "peer": peer})
