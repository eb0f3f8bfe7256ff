"""Live sound: what rooms, listeners, feeds and agents cost beside their codecs alone."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.leg import LOOPBACK, Departures, pacing, peer, rates
from callboard.benchmarks.partner import Ask, partner
from callboard.benchmarks.played import PACKETS, make_file
from callboard.benchmarks.result import Figure, Result, percentile
from callboard.benchmarks.trial import main, trial
from callboard.benchmarks.usage import cpu, keep_to
from callboard.media import (
    CallOver,
    Connected,
    Echo,
    Feed,
    MediaEvent,
    PeerConnection,
    ReceivePath,
    Silence,
    SourceError,
    SpeechOptions,
)
from callboard.media.codecs.sound import Samples, SoundDecoder, SoundEncoder
from callboard.media.hearing.resampler import SoundResampler
from callboard.media.hearing.voice_detector import VoiceDetector
from callboard.media.joining.mix import RATE, Limiter, limit
from callboard.media.joining.room import RoomMedia

#: Seconds for which a role is played before it is counted.
SETTLE = 0.5
#: Frames of sound that the codecs go round.
ROUND = 200
#: What is played in turns, and by how many legs: echoed legs; the same and, every 20 ms, the codecs
#: that a role needs; and the role. Agents are fewer: a core that is full has work left over for
#: whatever is measured next.
ROOM = (20, ("echo", "codecs of a room", "room"))
LISTENERS = (20, ("echo", "room, half echo", "room, half listen"))
BOTS = (10, ("echo", "codecs of a feed", "feed", "codecs of an agent", "agent"))
#: How often each role is taken. A listener is a small difference between two large figures.
TURNS = {ROOM: 9, LISTENERS: 30, BOTS: 9}


class Leg:
    """A leg that takes one role after the other."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.pc = PeerConnection(network=LOOPBACK, path=ReceivePath.PACKETS, on_event=self._event)
        self.media = self.pc.media

    def _event(self, event: MediaEvent) -> None:
        if isinstance(event, Connected):
            self.connected.set()

    async def connect(self, ask: Ask) -> None:
        """Connect to the other process."""
        answer = await ask({"offer": await self.pc.offer(audio=Silence(), video=None)})
        async with asyncio.timeout(30):
            await self.pc.accept(answer["answer"])
            await self.connected.wait()

    def received(self) -> int:
        """Return how many packets have come in."""
        return self.media.statistics()[0].received


# -- what legs do ----------------------------------------------------------------------------------


@contextmanager
def echoing(legs: list[Leg]) -> Iterator[None]:
    """Echo."""
    for leg in legs:
        leg.media.play("audio", Echo())
    yield


@contextmanager
def in_room(legs: list[Leg], *, speakers: int, others: str = "listen") -> Iterator[None]:
    """Be in one room, of which so many speak; the others listen, or echo outside of it."""
    room = RoomMedia(tones=False)
    for number, leg in enumerate(legs):
        if number < speakers or others == "listen":
            room.add(leg.media, speaks=number < speakers)
        else:
            leg.media.play("audio", Echo())
    yield
    room.close()


@contextmanager
def feeding(legs: list[Leg]) -> Iterator[None]:
    """Hear, and write what is heard."""
    feeds = [Feed(RATE) for _ in legs]
    for leg, feed in zip(legs, feeds, strict=True):
        leg.media.play("audio", feed)
    writing = [pass_on(leg.pc, feed) for leg, feed in zip(legs, feeds, strict=True)]
    tasks = [asyncio.ensure_future(each) for each in writing]
    yield
    for task in tasks:
        task.cancel()


async def pass_on(connection: PeerConnection, feed: Feed) -> None:
    """Write each frame that is heard."""
    async for frame in connection.media.received.frames("audio", rate=RATE, layout="mono"):
        if isinstance(frame, av.AudioFrame):
            await feed.write(frame)


@contextmanager
def answering(legs: list[Leg], *, sound: Samples) -> Iterator[None]:
    """Look for speech in what is heard, and speak all the time."""
    feeds = [Feed(RATE) for _ in legs]
    hearings = []
    for leg, feed in zip(legs, feeds, strict=True):
        leg.media.play("audio", feed)
        hearings.append(leg.media.received.hear_speech(SpeechOptions(), lambda _: None))
    tasks = [asyncio.ensure_future(speak(feed, sound)) for feed in feeds]
    yield
    for task, hearing in zip(tasks, hearings, strict=True):
        task.cancel()
        hearing.close()


async def speak(feed: Feed, sound: Samples) -> None:
    """Write sound over and over, 100 ms at a time, as a synthesizer gives it."""
    size = RATE // 10
    try:
        while True:
            for at in range(0, len(sound) - size, size):
                await feed.write(sound[at : at + size])
    except (CallOver, SourceError):
        return


class Beside:
    """Echo, and do the work of codecs for all legs every 20 ms, at once and on the loop.

    What can't be done in time is left out: what counts is what each time takes.

    Attributes:
        each: CPU seconds of each time that it was done.
    """

    def __init__(self, work: Callable[[int], None]) -> None:
        self.each: list[float] = []
        self._work = work

    @contextmanager
    def __call__(self, legs: list[Leg]) -> Iterator[None]:
        """Do so meanwhile."""

        async def work() -> None:
            while True:
                began = time.thread_time()
                self._work(len(self.each))
                self.each.append(time.thread_time() - began)
                await asyncio.sleep(1 / PACKETS)

        with echoing(legs):
            task = asyncio.ensure_future(work())
            yield
            task.cancel()


# -- the codecs alone ------------------------------------------------------------------------------


class Codecs:
    """What a role can't do without, for each leg a decoder and an encoder of its own.

    They decode what the peer sends, and encode what the legs encode.
    """

    def __init__(self, file: str, legs: int) -> None:
        self.packets = packets_of(file)[: ROUND + 1]
        decoder = SoundDecoder("opus")
        self.alone = [decoder.decode(packet) for packet in self.packets][1:]
        self.sound = np.concatenate(self.alone)
        steps = [number * ROUND // legs for number in range(legs)]
        self._from = steps
        self._mixed = mixes(self.alone, steps)
        self._decoders = [SoundDecoder("opus") for _ in steps]
        self._encoders = [SoundEncoder("opus") for _ in steps]
        self._resamplers = [SoundResampler(RATE, VoiceDetector.RATE, 1) for _ in steps]
        self._detectors = [VoiceDetector() for _ in steps]
        self._rest = [np.zeros(0, np.int16) for _ in steps]

    def room(self, number: int) -> None:
        """Decode a frame of each leg, and encode what the others say."""
        for leg, begins in enumerate(self._from):
            at = (begins + number) % ROUND
            self._decoders[leg].decode(self.packets[1 + at])
            self._encoders[leg].encode(self._mixed[leg][number % ROUND])

    def feed(self, number: int) -> None:
        """Decode a frame of each leg, and encode as much."""
        for leg, begins in enumerate(self._from):
            at = (begins + number) % ROUND
            self._decoders[leg].decode(self.packets[1 + at])
            self._encoders[leg].encode(self.alone[at])

    def agent(self, number: int) -> None:
        """Decode a frame of each leg, look for speech at 16 kHz, and encode as much."""
        for leg, begins in enumerate(self._from):
            at = (begins + number) % ROUND
            sound = self._decoders[leg].decode(self.packets[1 + at])
            heard = self._resamplers[leg].resample(sound)[:, 0]
            waiting = np.concatenate((self._rest[leg], heard))
            if len(waiting) >= VoiceDetector.SAMPLES:
                self._detectors[leg].probability(waiting[: VoiceDetector.SAMPLES])
                waiting = waiting[VoiceDetector.SAMPLES :]
            self._rest[leg] = waiting
            self._encoders[leg].encode(self.alone[at])


def packets_of(file: str) -> list[bytes]:
    """Read the Opus packets of a file."""
    with av.open(file) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def mixes(alone: list[Samples], begins: list[int]) -> list[list[Samples]]:
    """Give what each of several hears of the others, who begin to say the same at other times."""
    loud = np.stack([sound[:, 0] for sound in alone]).astype(np.float32)
    said = np.stack([np.roll(loud, -begin, axis=0) for begin in begins])
    total = said.sum(axis=0)
    limiters = [Limiter() for _ in begins]
    blocks = [limit(total[at] - said[:, at], limiters) for at in range(len(alone))]
    return [[block[leg][:, None] for block in blocks] for leg in range(len(begins))]


# -- the measurement -------------------------------------------------------------------------------


async def roles(
    file: str, count: int, names: list[str], cycles: int, seconds: float
) -> dict[str, Any]:
    """Let the same legs take each role in turns, against a peer in a process of its own.

    Returns:
        ``legs``: how many there were; ``cpu``: by role, percent of a core for all legs at 50
        packets/s, once a cycle; ``late``: by role, the 99th percentile of the pacing error in ms;
        ``kept``: by role, the share of the packets that went out.
    """
    keep_to(0)
    tune_garbage_collection()
    codecs = Codecs(file, count)
    alone = {
        "codecs of a room": Beside(codecs.room),
        "codecs of a feed": Beside(codecs.feed),
        "codecs of an agent": Beside(codecs.agent),
    }
    begin: dict[str, Callable[[list[Leg]], Any]] = {
        "echo": echoing,
        "room": partial(in_room, speakers=count),
        "room, half echo": partial(in_room, speakers=count // 2, others="echo"),
        "room, half listen": partial(in_room, speakers=count // 2),
        "feed": feeding,
        "agent": partial(answering, sound=codecs.sound),
        **alone,
    }
    used: dict[str, list[float]] = {role: [] for role in names}
    kept: dict[str, list[float]] = {role: [] for role in names}
    late: dict[str, list[float]] = {role: [] for role in names}
    async with partner(peer, file=file) as ask, _connected(ask, count) as legs:
        times = [Departures(leg.pc._pc, leg.pc.media) for leg in legs[:10]]  # noqa: SLF001
        for _ in range(cycles):
            for role in names:
                with begin[role](legs):
                    await asyncio.sleep(min(SETTLE, seconds))
                    for each in times:
                        each.clear()
                    done = alone[role].each if role in alone else []
                    done.clear()
                    share, core = await _count(ask, legs, seconds)
                    late[role] += [1000 * error for each in times for error in pacing(each.times())]
                core -= sum(done) / seconds
                work = statistics.mean(done) * PACKETS if done else 0.0
                used[role].append(100 * (core / max(share, 0.01) + work))
                kept[role].append(share)
    return {
        "legs": count,
        "cpu": used,
        "kept": {role: statistics.median(each) for role, each in kept.items()},
        "late": {role: percentile(each, 0.99) if each else 0.0 for role, each in late.items()},
    }


@asynccontextmanager
async def _connected(ask: Ask, count: int) -> Any:
    async with AsyncExitStack() as stack:
        legs = []
        for _ in range(count):
            leg = Leg()
            stack.push_async_callback(leg.pc.close)
            await leg.connect(ask)
            legs.append(leg)
        yield legs


async def _count(ask: Ask, legs: list[Leg], seconds: float) -> tuple[float, float]:
    """Give the share of the packets that went both ways, and of a core that it took."""
    before = await ask({"count": True})
    mine, began, used = sum(leg.received() for leg in legs), time.perf_counter(), cpu()
    await asyncio.sleep(seconds)
    used, lasted = cpu() - used, time.perf_counter() - began
    mine = sum(leg.received() for leg in legs) - mine
    after = await ask({"count": True})
    rate = mine / lasted + sum(one.sound for one in rates(after["count"], before["count"]))
    return rate / 2 / PACKETS / len(legs), used / lasted


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    seconds = 0.2 if quick else 1.5
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "played.ogg"))
        await asyncio.to_thread(make_file, Path(file), 5 if quick else 10)

        room, listeners, bots = [
            await trial(
                roles,
                file=file,
                count=2 if quick else legs,
                names=list(names),
                cycles=1 if quick else cycles,
                seconds=seconds,
            )
            for (legs, names), cycles in TURNS.items()
        ]
    used = room["cpu"]
    listener = [
        1 + (listen - beside) / (echo / 2)
        for listen, beside, echo in zip(
            *(listeners["cpu"][each] for each in ("room, half listen", "room, half echo", "echo")),
            strict=True,
        )
    ]
    return Result(
        "Live sound",
        f"{ROOM[0]} legs of a room, {BOTS[0]} of bots, in one process on one core, their peers in "
        "another on another core, Opus. "
        f"The same legs take each role for {seconds:g} s, in turns, {TURNS[ROOM]} times "
        f"({TURNS[LISTENERS]} for a listener); a ratio is the "
        "median of those within a turn. The yardstick is as many echoed legs, and every 20 ms for "
        "each leg what its role can't do without, by plain calls in the same process: decoding "
        "what the peer sends, encoding what the leg encodes (in a room, what all others say), and "
        "for an agent the detector, to which sound goes at 16 kHz. A listener is what is used "
        "more where half of the legs listen to the room of the others, and do not echo beside it.",
        [
            _ratio("a room's leg / (echo leg + decode + encode)", _each(used, "room")),
            _ratio("a listener's leg / echo leg", statistics.median(listener)),
            _ratio(
                "a leg that hears and feeds / (echo leg + decode + encode)",
                _each(bots["cpu"], "feed"),
            ),
            _ratio(
                "an agent's leg / (echo leg + decode + detector + encode)",
                _each(bots["cpu"], "agent"),
            ),
            Figure(
                "pacing error in the room, p99 ms",
                room["late"]["room"],
                {"echo": room["late"]["echo"]},
                reach="< 20",
                met=room["late"]["room"] < 20,
            ),
            *_each_role(room, *ROOM),
            *_each_role(listeners, LISTENERS[0], LISTENERS[1][1:]),
            *_each_role(bots, *BOTS),
        ],
    )


def _each_role(found: dict[str, Any], count: int, names: tuple[str, ...]) -> list[Figure]:
    legs, used = found["legs"], found["cpu"]
    return [
        Figure(f"CPU a leg of {count}, % of a core, {role}", statistics.median(used[role]) / legs)
        for role in names
    ]


def _each(used: dict[str, list[float]], role: str) -> float:
    codecs = {"room": "codecs of a room", "feed": "codecs of a feed", "agent": "codecs of an agent"}
    both = zip(used[role], used[codecs[role]], strict=True)
    return statistics.median(ours / yardstick for ours, yardstick in both)


def _ratio(what: str, found: float, most: float = 1.3) -> Figure:
    return Figure(what, found, reach=f"<= {most:g}", met=found <= most)


if __name__ == "__main__":
    main(measure, {"peer": peer, "roles": roles})
