"""Whatever is done to what is sent, and in whichever order: one timeline, and each end is told."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from callboard.media import Echo, Feed, Kind, Playback, Playlist, Silence, Source, Tone
from callboard.media.frames.codec import CLOCK_RATES
from callboard.media.frames.frame import EncodedFrame
from callboard.media.rtc.rtp.outgoing import Outgoing
from callboard.media.sources.clock_pattern import ClockPattern
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.sources.test_playback import Failing, Once
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SOURCES: dict[Kind, tuple[Callable[[], Source], ...]] = {
    "audio": (
        lambda: Tone(500),
        lambda: Once(400, 3),
        lambda: Playlist((Once(400, 2), Once(600, 2)), 2),
        lambda: Playlist((Once(400, 2), Failing())),
        Feed,
        Echo,
        Silence,
    ),
    "video": (
        lambda: ClockPattern(width=160, height=120, fps=30),
        Echo,
        Silence,
    ),
}
CODEC: dict[Kind, str] = {"audio": "opus", "video": "VP8"}

FLAG = st.booleans()
WHICH = st.integers(0, 6)
ORDERS = st.one_of(
    st.tuples(st.just("play"), WHICH),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("seek"), st.floats(0, 8)),
    st.tuples(st.just("gain"), st.floats(-40, 20)),
    st.tuples(st.just("mute"), FLAG),
    st.tuples(st.just("pause"), FLAG),
    st.tuples(st.just("hold"), st.one_of(st.none(), WHICH)),
    st.tuples(st.just("go on"), st.none()),
    st.tuples(st.just("key frame"), FLAG),
    st.tuples(st.just("forward"), st.integers(0, 1 << 32)),
)
TIMED = st.lists(st.tuples(ORDERS, st.integers(0, 30)), max_size=12)


class Sent:
    """What went out: an RTP stream, and the sink of a leg."""

    is_open = True
    waits = False

    def __init__(self) -> None:
        self.timestamps: list[int] = []
        self._came = asyncio.Event()

    async def until(self, count: int) -> None:
        """Wait until so many have gone out."""
        while len(self.timestamps) < count:
            self._came.clear()
            await self._came.wait()

    def send(self, unit: Unit, timestamp: int) -> None:
        """Take a frame."""
        assert unit.data
        self.timestamps.append(timestamp)
        self._came.set()

    def close(self) -> None:
        """Take nothing more."""
        self.is_open = False


class Scene:
    """One kind on its way out, and all that was ever played there."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self.sent = Sent()
        self.ended: list[Playback] = []
        self.stuck: list[Playback] = []
        codec = CODEC[kind]
        stream: Any = lambda: self.sent  # noqa: E731 -- stands for what opens one
        self.outgoing = Outgoing(
            kind,
            Silence(),
            codec=lambda: (codec, CLOCK_RATES[codec]),
            sound=stream,
            pictures=stream,
            telephone_event=lambda: None,
            bit_rate=lambda: 300_000,
            watchers=[self],
            is_patient=lambda: False,
            on_began=lambda: None,
            on_sent=lambda _: None,
            on_all_sent=lambda _: None,
            on_ended=self.ended.append,
            on_stuck=self.stuck.append,
        )
        self.played = [self.outgoing.playback]

    def source(self, which: int) -> Source:
        """Make one of the sources."""
        sources = SOURCES[self.kind]
        return sources[which % len(sources)]()

    def order(self, name: str, value: Any) -> None:
        """Do one thing."""
        ORDER[name](self, value)


def _forward(scene: Scene, timestamp: int) -> None:
    codec = CODEC[scene.kind]
    rate = CLOCK_RATES[codec]
    scene.outgoing.forward(EncodedFrame(scene.kind, codec, b"\x00x", timestamp, rate, 0.0, True))


ORDER: dict[str, Callable[[Scene, Any], Any]] = {
    "play": lambda scene, which: scene.played.append(scene.outgoing.play(scene.source(which))),
    "stop": lambda scene, _: scene.outgoing.playback.stop(),
    "seek": lambda scene, seconds: scene.outgoing.playback.seek(seconds),
    "gain": lambda scene, decibels: scene.outgoing.playback.gain(decibels),
    "mute": lambda scene, on: scene.outgoing.mute(on),
    "pause": lambda scene, on: scene.outgoing.pause(on),
    "hold": lambda scene, which: scene.outgoing.hold(
        True, None if which is None else scene.source(which)
    ),
    "go on": lambda scene, _: scene.outgoing.hold(False),
    "key frame": lambda scene, by_peer: scene.outgoing.keyframe(by_peer=by_peer),
    "forward": _forward,
}


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_any_order_keeps_one_timeline_and_tells_each_end_once(run: Run, kind: Kind) -> None:
    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(TIMED)
    def holds(orders: list[tuple[tuple[str, Any], int]]) -> None:
        run(lambda: main(orders))

    async def main(orders: list[tuple[tuple[str, Any], int]]) -> None:
        loop = asyncio.get_running_loop()
        scene = Scene(kind)
        scene.outgoing.start()
        began = loop.time()
        for (name, value), milliseconds in orders:
            with suppress(ValueError):  # what can't be done now is refused, and changes nothing
                scene.order(name, value)
            await asyncio.sleep(milliseconds / 1000)
        scene.outgoing.close()
        elapsed = loop.time() - began
        stamps = scene.sent.timestamps
        assert stamps == sorted(set(stamps))
        # A key frame that is sent again is put between the last frame and the next: no more than a
        # third of a black picture's second ahead.
        rate = CLOCK_RATES[CODEC[kind]]
        assert not stamps or stamps[-1] <= (elapsed + 0.1) * rate + rate / 3
        assert all(playback.is_over for playback in scene.played)
        ended = [each for each in scene.ended if each in scene.played]
        assert sorted(map(id, ended)) == sorted(map(id, scene.played))

    holds()


class Slide(Source):
    """One picture, to be shown for a minute."""

    kinds = frozenset({"video"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        while True:
            yield Unit(b"\x00slide", 60 * CLOCK_RATES[codec], True)


SWITCHES: dict[str, Callable[[Scene], Any]] = {
    "play": lambda scene: scene.outgoing.play(ClockPattern(width=160, height=120, fps=30)),
    "stop": lambda scene: scene.outgoing.playback.stop(),
    "mute": lambda scene: scene.outgoing.mute(True),
    "hold": lambda scene: scene.outgoing.hold(True),
    "hold with pictures": lambda scene: scene.outgoing.hold(True, Slide()),
}


@pytest.mark.parametrize("before", ["a slide", "black"])
@pytest.mark.parametrize("name", SWITCHES)
def test_another_picture_is_shown_at_once_however_long_the_one_before_was_meant_to_be(
    run: Run, name: str, before: str
) -> None:
    async def main() -> None:
        scene = Scene("video")
        scene.outgoing.play(Slide() if before == "a slide" else Silence())
        scene.outgoing.start()
        async with asyncio.timeout(20):
            await scene.sent.until(1)
        due = scene.outgoing._paced._ticket.due  # type: ignore[union-attr]
        SWITCHES[name](scene)
        assert scene.outgoing._paced._ticket.due < due  # type: ignore[union-attr]
        async with asyncio.timeout(20):
            await scene.sent.until(2)
        scene.outgoing.close()

    run(main)
