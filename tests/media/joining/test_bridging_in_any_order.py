"""Whatever is played, muted, held, recorded and bridged, and in whichever order: one timeline."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import pytest
from callboard.media import (
    Direction,
    EncodedFrame,
    FinishedRecording,
    Kind,
    Playback,
    PlaybackEnded,
    Recording,
    Silence,
    Source,
    Writer,
    inspect,
)
from callboard.media.frames.codec import CLOCK_RATES
from callboard.media.joining.bridge import BridgeMedia
from callboard.media.rtc.connection_media import ConnectionMedia
from callboard.media.rtc.rtp.outgoing import Outgoing
from callboard.media.rtc.rtp.receive_path import ReceivePath
from callboard.tests.conftest import Run
from callboard.tests.media.calls import film, tone
from callboard.tests.media.rtc import test_playing_in_any_order as playing
from callboard.tests.media.rtc.test_playing_in_any_order import CODEC, WHICH, Sent
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 20.0
OTHER_CODEC: dict[Kind, str] = {"audio": "PCMU", "video": "H264"}
ORDERS = st.one_of(
    playing.ORDERS.filter(lambda order: order[0] != "forward"),
    st.tuples(st.just("play"), WHICH),
    st.tuples(st.just("join"), st.none()),
    st.tuples(st.just("join"), st.none()),
    st.tuples(st.just("leave"), st.none()),
    st.tuples(st.just("record"), st.none()),
    st.tuples(st.just("record no more"), st.none()),
    st.tuples(st.just("the other sends"), st.tuples(st.booleans(), st.integers(0, 1 << 32))),
    st.tuples(st.just("the other goes on"), st.tuples(st.booleans(), st.booleans())),
)
#: Each with the milliseconds until the next one; None: until something is sent.
Timed = list[tuple[tuple[str, Any], int | None]]
TIMED: st.SearchStrategy[Timed] = st.lists(st.tuples(ORDERS, st.integers(0, 30)), max_size=16)


class Line:
    """Stands for one kind of media that is negotiated; nothing goes on a network."""

    negotiated = True
    telephone_event = None
    allowed_bit_rate = 300_000

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.codec = (CODEC[kind], CLOCK_RATES[CODEC[kind]])
        self.incoming = self
        self.outgoing: Outgoing | None = None
        self.requests = 0

    def request_keyframe(self) -> None:
        """Count it."""
        self.requests += 1

    def take_back(self) -> None:
        """Nothing is lent."""

    def open_sound(self) -> Sent:
        """Take frames, as the network would."""
        return Sent()

    open_pictures = open_sound


class Scene:
    """A leg, whose bot does what it likes, and another one that it may be bridged with."""

    def __init__(self, kind: Kind, folder: Path, writer: Writer) -> None:
        self.kind: Kind = kind
        self.folder = folder
        self.writer = writer
        self.ended: list[Playback] = []
        self.played: list[Playback] = []
        self.stamps: list[int] = []
        self.recordings: list[Recording] = []
        self.recording: Recording | None = None
        self.bridge: BridgeMedia | None = None
        self.ours, self.other = self._leg(), self._leg()
        self.ours.sinks.append(self._sent)
        self.timestamp = 0

    def _leg(self) -> ConnectionMedia:
        def hear(event: object) -> None:
            if isinstance(event, PlaybackEnded):
                self.ended.append(event.playback)

        media = ConnectionMedia(ReceivePath.PACKETS, largest_picture=1, on_event=hear)
        line: Any = Line(self.kind)
        media.by_kind[self.kind] = line
        line.outgoing = media.outgoing(self.kind, Silence())
        self.played.append(line.outgoing.playback)
        play = media.play

        def noted(kind: Kind, source: Source) -> Playback:
            self.played.append(play(kind, source))
            return self.played[-1]

        media.play = noted  # type: ignore[method-assign]
        return media

    @property
    def legs(self) -> tuple[Outgoing, Outgoing]:
        """What sends, of both."""
        found = [leg.by_kind[self.kind].outgoing for leg in (self.ours, self.other)]
        assert found[0] is not None
        assert found[1] is not None
        return found[0], found[1]

    @property
    def outgoing(self) -> Outgoing:
        """What sends, of ours."""
        return self.legs[0]

    def source(self, which: int) -> Source:
        """Make one of the sources."""
        sources = playing.SOURCES[self.kind]
        return sources[which % len(sources)]()

    def _sent(self, way: Direction, frame: EncodedFrame) -> None:
        if way is Direction.SENT:
            self.stamps.append(frame.timestamp)
            if self.recording is not None:
                self.recording.write(way, frame)

    async def sent(self) -> None:
        """Wait for the next frame that our leg sends."""
        count = len(self.stamps)
        async with asyncio.timeout(PATIENCE):
            while len(self.stamps) == count:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.005)

    def join(self, _: None) -> None:
        """Begin a bridge, or another one."""
        self.leave(None)
        self.bridge = BridgeMedia(self.ours, self.other)

    def leave(self, _: None) -> None:
        """Part, if they are bridged."""
        if self.bridge is not None:
            self.bridge.close()
            self.bridge = None

    def record(self, _: None) -> None:
        """Begin a recording."""
        self.recording = Recording(
            self.writer.place(self.folder, "leg"),
            directions=(Direction.SENT,),
            video=self.kind == "video",
            writer=self.writer,
        )
        self.recordings.append(self.recording)

    def record_no_more(self, _: None) -> None:
        """End it."""
        self.recording = None

    def sends(self, how: tuple[bool, int]) -> None:
        """Let the other leg receive something, from anywhere in time."""
        is_other, self.timestamp = how
        self._receive(is_other, keyframe=True)

    def goes_on(self, how: tuple[bool, bool]) -> None:
        """Let the other leg receive what follows."""
        is_other, keyframe = how
        self.timestamp += CLOCK_RATES[CODEC[self.kind]] // 50
        self._receive(is_other, keyframe=keyframe or self.kind == "audio")

    def _receive(self, is_other: bool, *, keyframe: bool) -> None:
        codec = (OTHER_CODEC if is_other else CODEC)[self.kind]
        data = _data(codec, keyframe=keyframe)
        frame = EncodedFrame(
            self.kind, codec, data, self.timestamp, CLOCK_RATES[codec], 0.0, keyframe
        )
        self.other._received(frame)


def _data(codec: str, *, keyframe: bool) -> bytes:
    """Give a frame of a codec that a decoder takes."""
    if codec in ("opus", "PCMU"):
        return tone(500, 0.1, codec=codec)[0]
    return next(data for data, is_key in film(1, codec=codec) if is_key is keyframe)


def check(finished: tuple[FinishedRecording, ...]) -> None:
    """See that recordings play to their end, and that no track goes back in time."""
    for one in finished:
        assert inspect(one.path).tracks
        with av.open(str(one.path)) as container:
            for stream in container.streams:
                container.seek(0)
                packets = container.demux(stream)
                stamps = [each.dts for each in packets if each.size and each.dts is not None]
                assert stamps == sorted(set(stamps))


def _play(scene: Scene, which: int) -> None:
    scene.ours.play(scene.kind, scene.source(which))


ORDER: dict[str, Callable[[Any, Any], Any]] = {
    **playing.ORDER,
    "play": _play,
    "join": Scene.join,
    "leave": Scene.leave,
    "record": Scene.record,
    "record no more": Scene.record_no_more,
    "the other sends": Scene.sends,
    "the other goes on": Scene.goes_on,
}


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_any_order_with_bridges_keeps_one_timeline_and_tells_each_end_once(
    run: Run, kind: Kind
) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(TIMED)
    @example([(("record", None), 0), (("play", 0), None)])
    def holds(orders: Timed) -> None:
        with TemporaryDirectory() as name, Writer() as writer:
            run(lambda: main(orders, Path(name), writer))

    async def main(orders: Timed, folder: Path, writer: Writer) -> None:
        scene = Scene(kind, folder, writer)
        for leg in scene.legs:
            leg.start()
        for (name, value), milliseconds in orders:
            with suppress(ValueError):  # what can't be done now is refused, and changes nothing
                ORDER[name](scene, value)
            await (scene.sent() if milliseconds is None else asyncio.sleep(milliseconds / 1000))
        scene.leave(None)
        for leg in scene.legs:
            leg.close()
        assert scene.stamps == sorted(set(scene.stamps))
        for recording in scene.recordings:
            await recording.close()
            assert recording.failure is None or not recording.files
            check(recording.files)
            inspected.extend(recording.files)
        assert all(playback.is_over for playback in scene.played)
        ended = [each for each in scene.ended if each in scene.played]  # and what held the line
        assert sorted(map(id, ended)) == sorted(map(id, scene.played))
        for media in (scene.ours, scene.other):
            assert not media.received.receivers
            assert not media.digit_listeners
            assert not media.received._ear._hearings

    inspected: list[FinishedRecording] = []
    holds()
    assert inspected, "the first of them recorded something"
