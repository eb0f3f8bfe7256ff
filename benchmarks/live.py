"""Live sound: how late it is, and what feeds, rooms and listeners cost beside their codecs."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.leg import LOOPBACK, Ours, make_file, peer, run
from callboard.benchmarks.result import Figure, Result, middle, percentile
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import cpu, keep_to
from callboard.media import (
    Connected,
    Direction,
    Echo,
    EncodedFrame,
    Feed,
    Kind,
    MediaEvent,
    PeerConnection,
    ReceivePath,
    Silence,
    Source,
    Writer,
)
from callboard.media.codecs.sound import SoundDecoder, SoundEncoder
from callboard.media.joining.mix import chime
from callboard.media.joining.room import RoomMedia
from callboard.media.sources.encoder import encode_audio
from callboard.media.sources.unit import Unit

SPEAKERS = 20
#: Frames a second of each stream.
FRAMES = 50


# -- what it costs ---------------------------------------------------------------------------------


class InRoom(Ours):
    """A leg in a room with all others; of the kind ``listen``, all but the first only listen."""

    room: ClassVar[RoomMedia | None] = None

    def __init__(self, kind: str, file: str, folder: str, writer: Writer) -> None:
        super().__init__("silent", file, folder, writer)
        self._speaks = kind == "speak"
        self._source = Silence()

    async def accept(self, answer: str) -> None:
        """Take the answer, and join the room when connected."""
        await super().accept(answer)
        room = InRoom.room = InRoom.room or RoomMedia(tones=False)
        speaks = self._speaks or len(room.members) < SPEAKERS
        room.add(self.pc.media, speaks=speaks)

    async def close(self) -> None:
        """Close the room, and end it."""
        if InRoom.room is not None:
            InRoom.room.close()
        await super().close()


class Fed(Ours):
    """A leg that hears, and writes what it hears into a feed."""

    def __init__(self, kind: str, file: str, folder: str, writer: Writer) -> None:
        super().__init__("silent", file, folder, writer)
        del kind
        self._source = self._feed = Feed(48_000)
        self._task: asyncio.Task[None] | None = None

    async def accept(self, answer: str) -> None:
        """Take the answer, and begin to hear when connected."""
        await super().accept(answer)
        self._task = asyncio.ensure_future(echo_by_hand(self.pc, self._feed))

    async def close(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
        await super().close()


async def echo_by_hand(connection: PeerConnection, feed: Feed) -> None:
    """Write each frame that is heard."""
    async for frame in connection.media.frames("audio", rate=48_000, layout="mono"):
        if isinstance(frame, av.AudioFrame):
            await feed.write(frame)


async def legs(kind: str, file: str, count: int, seconds: float) -> dict[str, Any]:
    """Run legs of one kind: echo, feed, speak or listen."""
    tune_garbage_collection()
    make = {"echo": Ours, "feed": Fed}.get(kind, InRoom)
    return await run(make, kind, file, count, seconds)


async def codecs(frames: int) -> dict[str, Any]:
    """Say what a stream takes that is decoded, and one that is encoded, in percent of a core."""
    keep_to(0)
    noise = np.random.default_rng(1)
    moments = np.arange(48_000) / 48_000
    wave = np.sin(2 * np.pi * 440 * moments) * 8_000 + noise.normal(0, 500, len(moments))
    sound = wave.astype(np.int16)[:, None]
    encoder, decoder = SoundEncoder("opus"), SoundDecoder("opus")
    began = cpu()
    packets = [encoder.encode(sound[at % 50 * 960 :][:960]) for at in range(frames)]
    between = cpu()
    for packet in packets:
        decoder.decode(packet)
    each = 100 * FRAMES / frames
    return {"encode": (between - began) * each, "decode": (cpu() - between) * each}


# -- how late it is --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Beeps(Source):
    """A short tone every 0.7 s."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode one beep and the silence after it."""
        del kind
        sound = np.zeros((33_600, 1), np.int16)
        beep = chime(440, seconds=0.1, volume=0.5)
        sound[9_600 : 9_600 + len(beep)] = beep
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48_000
        return encode_audio([frame], codec)


def onsets(frames: list[EncodedFrame]) -> list[float]:
    """Say when each beep began, by when the frame went out or came in that has its beginning."""
    decoder = SoundDecoder("opus")
    found: list[float] = []
    quiet = 10
    for frame in frames:
        sound = np.abs(decoder.decode(frame.data)[:, 0].astype(np.int32))
        loud = np.flatnonzero(sound > 3_000)
        if len(loud) and quiet >= 10:
            found.append(frame.arrival + float(loud[0]) / 48_000)
        quiet = 0 if len(loud) else quiet + 1
    return found


async def delay(kind: str, seconds: float) -> dict[str, Any]:
    """Say how long after it went out a beep comes back, by an echo or by a feed, in ms."""
    frames: dict[Direction, list[EncodedFrame]] = {way: [] for way in Direction}
    connected = asyncio.Event()

    def hear(event: MediaEvent) -> None:
        if isinstance(event, Connected):
            connected.set()

    caller, bot = (
        PeerConnection(network=LOOPBACK, path=ReceivePath.PACKETS, on_event=each)
        for each in (lambda _: None, hear)
    )
    caller.media.add_sink(lambda way, frame: frames[way].append(frame))
    feed = Feed(48_000)
    offer = await caller.offer(audio=Beeps(), video=None)
    answer = await bot.answer(offer, audio=Echo() if kind == "echo" else feed, video=None)
    await caller.accept(answer)
    await connected.wait()
    task = asyncio.ensure_future(echo_by_hand(bot, feed)) if kind != "echo" else None
    await asyncio.sleep(seconds)
    if task is not None:
        task.cancel()
    await caller.close()
    await bot.close()
    sent, received = onsets(frames[Direction.SENT]), onsets(frames[Direction.RECEIVED])
    late = [min(at - left for left in sent if left <= at) * 1000 for at in received if at > sent[0]]
    return {"p50": percentile(late, 0.5), "p95": percentile(late, 0.95), "beeps": len(late)}


# -- the measurement -------------------------------------------------------------------------------


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    seconds, times, count = (0.4, 1, 2) if quick else (6.0, 3, SPEAKERS)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "played.ogg"))
        await asyncio.to_thread(make_file, Path(file), 2 if quick else 10)
        common = {"file": file, "seconds": seconds}
        parts, echo, feed, speak, listen = await turns(
            times,
            lambda: trial(codecs, frames=50 if quick else 3000),
            lambda: trial(legs, kind="echo", count=count, **common),
            lambda: trial(legs, kind="feed", count=count, **common),
            lambda: trial(legs, kind="speak", count=count, **common),
            lambda: trial(legs, kind="listen", count=2 * count, **common),
            together=quick,
        )
    lasts = 1.5 if quick else 30.0
    echoed, fed = await turns(
        1,
        lambda: trial(delay, kind="echo", seconds=lasts),
        lambda: trial(delay, kind="feed", seconds=lasts),
        together=quick,
    )
    coded = middle(parts, "decode") + middle(parts, "encode")
    beside = middle(echo, "cpu")
    room = middle(speak, "cpu")
    listener = 2 * middle(listen, "cpu") - room
    return Result(
        "Live sound",
        f"{count} legs in one process on one core, their peers in another on another core, Opus. "
        "The yardstick of a leg that hears and speaks is an echoed leg, one decoder and one "
        "encoder. In the room all speak; a listener's cost is what as many listeners as speakers "
        "add. Delay: a beep every 0.7 s, from the frame that goes out to the one that comes back, "
        "both ends in one process.",
        [
            _ratio("a room's leg / (echo leg + decode + encode)", room / (beside + coded), 1.3),
            _ratio("a listener's leg / echo leg", listener / beside, 1.3),
            _ratio(
                "a leg that hears and feeds / (echo leg + decode + encode)",
                middle(feed, "cpu") / (beside + coded),
                1.3,
            ),
            _ratio("pacing error in the room, p99 ms", middle(speak, "late"), 20),
            Figure(
                "ear to ear through a feed, p50 ms",
                fed[0]["p50"],
                {"echo": echoed[0]["p50"]},
                reach="<= 80",
                met=fed[0]["p50"] <= 80,
            ),
            Figure(
                "ear to ear through a feed, p95 ms",
                fed[0]["p95"],
                {"echo": echoed[0]["p95"]},
                reach="<= 120",
                met=fed[0]["p95"] <= 120,
            ),
        ],
    )


def _ratio(what: str, found: float, most: float) -> Figure:
    return Figure(what, found, reach=f"<= {most:g}", met=found <= most)


if __name__ == "__main__":
    main(measure, {"codecs": codecs, "delay": delay, "legs": legs, "peer": peer})
