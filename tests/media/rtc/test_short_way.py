"""The short way out gives the packets that the long one gives, whatever is done meanwhile.

Time is staged: it jumps to the next timer, and what threads do otherwise is done in the loop's
turns. So two runs of one scene do the same at the same moments.
"""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle, islice
from math import inf
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from aiortc.rtcdtlstransport import State
from aiortc.rtp import HeaderExtensionsMap
from callboard.media import Echo, EncodedFrame, Feed, Kind, Playback, Playlist, Source, Tone
from callboard.media.codecs.threads import CodecThreads
from callboard.media.frames.codec import CLOCK_RATES
from callboard.media.rtc._aiortc import PacketOutlet, RtpStream
from callboard.media.rtc.rtp.insert import Insert
from callboard.media.rtc.rtp.outgoing import Outgoing
from callboard.media.rtc.rtp.paced_stream import PacedStream
from callboard.media.rtc.rtp.picture_stream import PictureStream
from callboard.media.rtc.rtp.reports import Sent
from callboard.media.sources import clip
from callboard.media.sources.rated_source import RatedSource
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.sources.test_playback import Failing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FIRST_NUMBER = 7
"""Of the packets of each stream."""

CODECS: dict[Kind, str] = {"audio": "opus", "video": "VP8"}


@cache
def tone(frequency: int) -> tuple[Unit, ...]:
    """Encode a second of sound, once for all scenes."""
    return tuple(Tone(frequency).encode("audio", "opus"))


@dataclass(frozen=True)
class Sound(Source):
    """A tone, of so many frames, some of which are short."""

    frames: int
    frequency: int = 500
    repeats: bool = True
    kinds = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Give what was encoded before."""
        for number, unit in enumerate(islice(cycle(tone(self.frequency)), self.frames)):
            yield replace(unit, duration=480) if number % 7 == 3 else unit


def picture(codec: str, seed: int, size: int) -> bytes:
    """Give a frame; of H264 it has units that are sent together, alone and in fragments."""
    if codec != "H264":
        return seed.to_bytes(1) * size
    units = (b"\x67" + b"s" * 9, b"\x06" + b"i" * (size % 1300), b"\x65" + seed.to_bytes(1) * size)
    return b"".join(b"\0\0\0\1" + unit for unit in units)


KEY_SIZES = (30, 3000, 7000, 20_000, 90_000)
SIZES = (5, 900, 900, 6000, 6000, 12_000, 30_000)
"""Octets of frames; the larger ones are more packets than may leave at once."""


def pictures(codec: str, seed: int, frames: int) -> Iterator[Unit]:
    """Give frames of all sizes; those that take longer end where the next one is not expected."""
    chance, at = random.Random(seed), 0
    for number in range(frames):
        keyframe = number % 12 == 0
        size = chance.choice(KEY_SIZES if keyframe else SIZES)
        duration = chance.choice((3000, 3000, 3000, 1500, 9000))
        yield Unit(picture(codec, seed, size), duration, keyframe, at)
        at += duration + chance.choice((0, 0, 0, 0, 300))


@dataclass(frozen=True)
class Film(Source):
    """Pictures, of so many frames."""

    frames: int
    seed: int = 1
    repeats: bool = True
    kinds = frozenset({"video"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Give frames."""
        return pictures(codec, self.seed, self.frames)


@dataclass(frozen=True)
class RatedFilm(RatedSource):
    """Pictures that can be had at two bit rates."""

    frames: int = 100
    repeats: bool = True
    kinds = frozenset({"video"})
    bit_rates: ClassVar[tuple[int | None, ...]] = (250_000, 1_500_000)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Give frames of the one."""
        return self.encode_at(250_000, 0.0, codec)

    def encode_at(self, bit_rate: int | None, start: float, codec: str) -> Iterator[Unit]:
        """Give frames, from the beginning on."""
        return pictures(codec, 2 if bit_rate == 250_000 else 3, self.frames)


SOURCES: dict[Kind, tuple[Callable[[], Source], ...]] = {
    "audio": (
        lambda: Sound(100),
        lambda: Sound(70, 400),
        lambda: Sound(90, 600, repeats=False),
        lambda: Playlist((Sound(30, 400, repeats=False), Sound(40, 600, repeats=False)), None),
        lambda: Playlist((Sound(40, 400, repeats=False), Failing())),
        Feed,
        Echo,
    ),
    "video": (
        lambda: Film(100),
        lambda: Film(40, 4),
        lambda: Film(60, 5, repeats=False),
        lambda: Playlist((Film(20, 6, repeats=False), RatedFilm(50, repeats=False)), None),
        lambda: RatedFilm(90, repeats=False),
        RatedFilm,
        Echo,
    ),
}

Orders = list[tuple[tuple[str, Any], int]]

FLAG = st.booleans()
WHICH = st.integers(0, 6)
ORDERS = st.one_of(
    st.tuples(st.just("play"), WHICH),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("seek"), st.floats(0, 8)),
    st.tuples(st.just("gain"), st.sampled_from((0.0, -6.0))),
    st.tuples(st.just("mute"), FLAG),
    st.tuples(st.just("pause"), FLAG),
    st.tuples(st.just("hold"), st.one_of(st.none(), WHICH)),
    st.tuples(st.just("go on"), st.none()),
    st.tuples(st.just("press"), st.sampled_from(("1", "2,3", ","))),
    st.tuples(st.just("insert"), FLAG),
    st.tuples(st.just("inject"), st.integers(0, 1 << 32)),
    st.tuples(st.just("write"), st.sampled_from((5, 20, 70, 300))),
    st.tuples(st.just("forward"), st.integers(0, 1 << 32)),
    st.tuples(st.just("talk"), st.sampled_from((-960, 0, 500, 960, 2000, 70_000))),
    st.tuples(st.just("watch"), FLAG),
    st.tuples(st.just("key frame"), FLAG),
    st.tuples(st.just("bit rate"), st.sampled_from((100_000, 400_000, 3_000_000))),
    st.tuples(st.just("darken"), st.none()),
    st.tuples(st.just("miss"), st.integers(0, 400)),
    st.tuples(st.just("close the way"), FLAG),
    st.tuples(st.just("look"), st.none()),
    st.tuples(st.just("stall"), st.sampled_from((0.005, 0.05, 0.4, 3.0))),
)
TIMED = st.lists(st.tuples(ORDERS, st.sampled_from((0, 7, 20, 130, 700))), min_size=4, max_size=12)


class Scene:
    """Sound or pictures on their way out to a socket that notes what it gets, and when."""

    is_patient = False

    def __init__(self, kind: Kind, codec: str = "") -> None:
        self.kind: Kind = kind
        self.codec = codec = codec or CODECS[kind]
        self.rate: int | None = None
        self.loop = asyncio.get_running_loop()
        self.found: list[Any] = []
        self.sent = Sent()
        self.tasks: list[asyncio.Task[None]] = []
        self.said_to = 0
        self.watchers: list[Any] = []
        socket = SimpleNamespace(sendto=self._packet)
        pair = SimpleNamespace(
            protocol=SimpleNamespace(transport=socket, send_burst=self._packet),
            remote_addr=("::1", 9),
        )
        self.pair = pair
        connection = _Connection(pair)
        self.transport = SimpleNamespace(
            _state=State.CONNECTED,
            _transport=SimpleNamespace(_send=connection.send),
            _tx_srtp=SimpleNamespace(protect=bytes, protect_all=tuple),
        )
        self.sender: Any = SimpleNamespace(
            _enabled=True,
            _ssrc=7,
            _rtx_ssrc=8,
            _RTCRtpSender__rtx_payload_type=97,
            _RTCRtpSender__transport=self.transport,
            _RTCRtpSender__rtp_header_extensions_map=HeaderExtensionsMap(),
            _RTCRtpSender__mid="0",
        )
        self.outgoing = Outgoing(
            kind,
            SOURCES[kind][0](),
            codec=lambda: (codec, CLOCK_RATES[codec]),
            sound=lambda: RtpStream(self.sender, 96, self.sent),
            pictures=lambda: PictureStream(PacketOutlet(self.sender, self.sent), codec, 96),
            telephone_event=lambda: (101, 8000) if kind == "audio" else None,
            bit_rate=lambda: self.rate,
            watchers=self.watchers,
            is_patient=lambda: self.is_patient,
            on_began=lambda: self.found.append("began"),
            on_sent=self.found.append,
            on_all_sent=self.found.extend,
            on_ended=lambda playback: self.found.append((playback.failure, playback.position)),
            on_stuck=self.found.append,
        )

    def _packet(self, packet: Any, address: Any) -> None:
        self.found.append((round(self.loop.time() * 1000), packet))

    def frame(self, timestamp: int) -> EncodedFrame:
        """Give one of somebody else's."""
        codec, data = self.codec, b"\0\0\1x" if self.codec == "H264" else b"\x00x"
        return EncodedFrame(self.kind, codec, data, timestamp, CLOCK_RATES[codec], 0.0, True)

    def source(self, which: int) -> Source:
        """Give something to play."""
        return SOURCES[self.kind][which]()

    def limit(self, rate: int) -> None:
        """Let the peer say what it can take."""
        self.rate = rate

    def darken(self) -> None:
        """Mute, and note when that is seen."""

        async def darken() -> None:
            await self.outgoing.darken()
            self.found.append(("dark", round(self.loop.time() * 1000)))

        self.tasks.append(self.loop.create_task(darken()))

    def talk(self, step: int) -> None:
        """Forward somebody else's frames, after a step of their timestamps."""
        self.said_to += step
        for number in range(3):
            self.said_to += 960
            went = self.outgoing.forward(self.frame(self.said_to), anew=step == 0 and not number)
            self.found.append(went)

    async def write(self, milliseconds: int) -> None:
        """Write into the feed that is played, if one is."""
        feed = self.outgoing.playback.source
        if isinstance(feed, Feed):
            self.said_to += milliseconds
            await feed.write(np.full(48 * milliseconds, self.said_to, np.int16))

    def miss(self, first: int) -> None:
        """Let the peer have missed pictures' packets."""
        stream = self.outgoing._paced.stream
        if isinstance(stream, PictureStream):
            stream.send_again(range(FIRST_NUMBER + first, FIRST_NUMBER + first + 60))

    def look(self) -> None:
        """Note what is said of what is sent."""
        sent, playback = self.sent, self.outgoing.playback
        counted = (sent.octets, sent.packets, sent.timestamp)
        self.found.append((counted, playback.position, playback.is_over))

    def stall(self, seconds: float) -> None:
        """Let the loop have been held up."""
        loop: Any = self.loop
        loop.now += seconds

    def watch(self, on: bool) -> None:
        """Let frames that go out be told, or not."""
        self.outgoing.take_back()
        self.watchers[:] = [self] if on else []

    async def end(self) -> None:
        """Leave nothing over."""

    def close(self, closed: bool) -> None:
        """Let the transport have closed, or be there again."""
        self.outgoing.take_back()
        self.transport._state = State.CLOSED if closed else State.CONNECTED


class _Connection:
    def __init__(self, pair: Any) -> None:
        self._nominated = {1: pair}

    async def send(self, data: bytes) -> None:
        """Stand for aioice's way."""


def _insert(scene: Scene, on: bool) -> None:
    insert = Insert(scene.found.append, lambda: None)
    scene.outgoing.put_between(insert if on else None)


ORDER: dict[str, Callable[[Scene, Any], Any]] = {
    "play": lambda scene, which: scene.outgoing.play(scene.source(which)),
    "key frame": lambda scene, by_peer: scene.outgoing.keyframe(by_peer=by_peer),
    "bit rate": lambda scene, rate: scene.limit(rate),
    "darken": lambda scene, _: scene.darken(),
    "miss": lambda scene, first: scene.miss(first),
    "stop": lambda scene, _: scene.outgoing.playback.stop(),
    "seek": lambda scene, seconds: scene.outgoing.playback.seek(seconds),
    "gain": lambda scene, decibels: scene.outgoing.playback.gain(decibels),
    "mute": lambda scene, on: scene.outgoing.mute(on),
    "pause": lambda scene, on: scene.outgoing.pause(on),
    "hold": lambda scene, which: scene.outgoing.hold(
        True, None if which is None else scene.source(which)
    ),
    "go on": lambda scene, _: scene.outgoing.hold(False),
    "press": lambda scene, digits: scene.outgoing.press(digits, 0.1),
    "insert": _insert,
    "inject": lambda scene, timestamp: scene.outgoing.inject(scene.frame(timestamp)),
    "forward": lambda scene, timestamp: scene.outgoing.forward(scene.frame(timestamp)),
    "talk": lambda scene, step: scene.talk(step),
    "write": lambda scene, milliseconds: scene.write(milliseconds),
    "watch": lambda scene, on: scene.watch(on),
    "close the way": lambda scene, closed: scene.close(closed),
    "look": lambda scene, _: scene.look(),
    "stall": lambda scene, seconds: scene.stall(seconds),
}


class InTurns:
    """Does at once what threads do, and tells of it in a later turn of the loop."""

    closed = False

    def lane(self) -> "InTurns":
        """Give a lane of its own."""
        return InTurns()

    def run(self, job: Callable[[], Any], done: Any = None, **_: Any) -> Any:
        """Do a job."""
        if done is not None:
            result, error = _outcome(job)
            asyncio.get_running_loop().call_soon(self._tell, done, result, error)
            return None
        future = asyncio.get_running_loop().create_future()
        future.set_result(job())
        return future

    def _tell(self, done: Any, result: Any, error: Any) -> None:
        if not self.closed:
            done(result, error)

    def close(self) -> None:
        """Tell nothing more."""
        self.closed = True


def _outcome(job: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return job(), None
    except Exception as error:
        return None, error


async def play(kind: Kind, orders: Orders, of: type[Scene] = Scene, codec: str = "") -> list[Any]:
    """Play a scene; give all that was seen of it."""
    scene = of(kind, codec)
    scene.outgoing.start()
    await asyncio.sleep(0.63)  # in the middle of a run
    for (name, value), milliseconds in orders:
        with suppress(ValueError):  # what can't be done now is refused, and changes nothing
            done = ORDER[name](scene, value)
            if asyncio.iscoroutine(done):
                await done
        await asyncio.sleep(milliseconds / 1000)
    scene.look()
    for task in scene.tasks:
        task.cancel()
    scene.outgoing.close()
    await scene.end()
    return scene.found


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing depend on threads, chance or the time of day."""
    threads = InTurns()
    monkeypatch.setattr(clip, "READERS", threads)
    monkeypatch.setattr(clip, "FAST", inf)
    monkeypatch.setattr(CodecThreads, "running", lambda: threads)
    monkeypatch.setattr(secrets, "randbelow", lambda most: FIRST_NUMBER)
    monkeypatch.setattr(secrets, "randbits", lambda bits: 2**bits - 96_000)
    monkeypatch.setattr(random.SystemRandom, "getrandbits", lambda _, bits: 2**bits - 20)


def both(run: Run, kind: Kind, orders: Orders) -> int:
    """Play a scene with the short way and without; give how often there was one."""
    short = 0
    with pytest.MonkeyPatch.context() as patch:
        runs, forward = Playback.run, PacedStream.forward

        def counted(playback: Playback) -> Any:
            nonlocal short
            found = runs(playback)
            short += found is not None
            return found

        def forwarded(stream: PacedStream, frame: EncodedFrame) -> bool:
            nonlocal short
            found = forward(stream, frame)
            short += found
            return found

        patch.setattr(Playback, "run", counted)
        patch.setattr(PacedStream, "forward", forwarded)
        found = run(lambda: play(kind, orders), loop="virtual")
        patch.setattr(Playback, "run", lambda playback: None)
        patch.setattr(PacedStream, "forward", lambda stream, frame: False)
        assert found == run(lambda: play(kind, orders), loop="virtual")
    return short


EACH: tuple[tuple[str, Any], ...] = (
    ("play", 1),
    ("stop", None),
    ("seek", 1.5),
    ("gain", -6.0),
    ("mute", True),
    ("pause", True),
    ("hold", None),
    ("hold", 1),
    ("press", "1"),
    ("insert", True),
    ("watch", True),
    ("close the way", True),
    ("look", None),
    ("key frame", False),
    ("bit rate", 400_000),
    ("darken", None),
    ("miss", 0),
    ("miss", 90),
    ("stall", 0.05),
    ("stall", 3.0),
)


FEED, ECHO = (SOURCES["audio"].index(each) for each in (Feed, Echo))


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("order", [*EACH, ("talk", 70_000), ("talk", 0)], ids=str)
def test_each_thing_is_done_at_once_while_sound_is_forwarded(
    run: Run, order: tuple[str, Any]
) -> None:
    talks = [(("talk", 960), 60)] * 2
    back = [(("play", ECHO), 30), *talks]
    assert both(run, "audio", [(("play", ECHO), 60), *talks, (order, 30), *talks, *back]) > 3


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("kind", CODECS)
@pytest.mark.parametrize("order", EACH, ids=str)
def test_each_thing_is_done_at_once_on_the_short_way(
    run: Run, kind: Kind, order: tuple[str, Any]
) -> None:
    assert both(run, kind, [(order, 150), (("look", None), 50)]) > 0


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("order", EACH, ids=str)
def test_each_thing_is_done_at_once_while_a_feed_is_played(
    run: Run, order: tuple[str, Any]
) -> None:
    writes: Orders = [(("write", 70), 50), (("write", 20), 30)]
    rest: Orders = [*writes, (("look", None), 50)]
    assert both(run, "audio", [(("play", FEED), 60), *writes, (order, 30), *rest]) > 0


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("kind", CODECS)
def test_whatever_is_done_both_ways_send_the_same(run: Run, kind: Kind) -> None:
    short = 0

    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
    @given(TIMED)
    def holds(orders: Orders) -> None:
        nonlocal short
        short += both(run, kind, orders)

    holds()
    assert short > 100
