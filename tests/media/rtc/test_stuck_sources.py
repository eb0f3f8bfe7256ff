"""Sources that block: who plays them is told, once."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from callboard.media import (
    Drawing,
    Feed,
    Kind,
    PlaybackStuck,
    Playlist,
    Silence,
    Source,
    Tone,
    VideoFeed,
)
from callboard.media.rtc.rtp import outgoing
from callboard.media.sources.source import LiveSource
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call
from callboard.tests.media.rtc.test_playing_in_any_order import Scene


@dataclass(frozen=True, eq=False)
class Stuck(Source):
    """Gives some frames of silence, and then blocks."""

    gate: threading.Event
    frames: int
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        del kind, codec
        for _ in range(self.frames):
            yield Unit(b"\xf8\xff\xfe", 960)
        self.gate.wait()
        yield Unit(b"\xf8\xff\xfe", 960)


def blocking(gate: threading.Event) -> Drawing:
    """A drawing that never comes about."""

    def draw(_: float) -> Any:
        gate.wait()

    return Drawing(draw, 160, 128, 10)


BLOCKS: dict[str, tuple[Kind, Callable[[threading.Event], Source]]] = {
    "a source": ("audio", lambda gate: Stuck(gate, 0)),
    "a source, later": ("audio", lambda gate: Stuck(gate, 20)),
    "a list": ("audio", lambda gate: Playlist((Tone(400, seconds=0.1), Stuck(gate, 3)))),
    "a drawing": ("video", blocking),
}


def told(leg: Leg) -> list[PlaybackStuck]:
    """What a leg has told of sources that block."""
    return [event for event in leg.events if isinstance(event, PlaybackStuck)]


@pytest.mark.parametrize("name", BLOCKS)
def test_who_plays_what_blocks_is_told_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(outgoing, "STUCK", 0.3)
    kind, make = BLOCKS[name]
    gate = threading.Event()

    async def main() -> None:
        async with call(audio=Silence(), video=Silence(), back_audio=Tone(400)) as (ours, _):
            playback = ours.pc.media.play(kind, make(gate))
            await ours.until(lambda: bool(told(ours)))
            await ours.received("audio", 30)  # twice as long again
            assert [event.playback for event in told(ours)] == [playback]

    try:
        run(main)
    finally:
        gate.set()


def test_feeds_that_nobody_writes_into_are_in_order(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "STUCK", 0.1)

    async def main() -> None:
        async with call(audio=Feed(), video=VideoFeed(), back_audio=Tone(400)) as (ours, _):
            await ours.received("audio", 30)
            assert not told(ours)

    run(main)


class Stutter(LiveSource):
    """Gives a frame whenever that is wanted, and nothing otherwise."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})
    gives = True
    ended, failure, skipped = False, None, 0

    def open(self, kind: Kind, codec: str) -> Any:
        del kind, codec
        return self

    def read(self) -> Unit | None:
        """Give the next frame."""
        return Unit(b"\xf8\xff\xfe", 960) if self.gives else None

    def close(self) -> None:
        """Hold nothing open."""


@pytest.mark.parametrize(
    ("gaps", "times"),
    [([0.5] * 30, 0), ([4.9] * 4, 0), ([5.1], 1), ([4.9, 5.1, 4.9], 1), ([5.1, 60.0, 5.1], 1)],
)
def test_only_one_that_gives_nothing_for_long_without_a_break_is_told_of(
    run: Run, gaps: list[float], times: int
) -> None:
    async def main() -> None:
        scene, source = Scene("audio"), Stutter()
        scene.outgoing.start()
        playback = scene.outgoing.play(source)
        due = asyncio.get_running_loop().time()
        for gap in gaps:
            for source.gives, seconds in ((True, 0.1), (False, gap)):
                until = due + seconds
                while due < until:
                    scene.outgoing._step(due)
                    due += 0.02
        assert scene.stuck == [playback] * times
        scene.outgoing.close()

    run(main)
