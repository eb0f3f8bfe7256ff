"""What bots play in live calls, and what becomes of a call when it can't be played."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest
from callboard.bots import Call, CallOver, Source, SourceError
from callboard.media import Kind
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, staged
from callboard.tests.live.test_calls import connect


def padded_song(path: Path) -> None:
    """Write half a second of MP3, with zeros in it and behind it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 22050), np.float32), "fltp", "mono")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    song = path.read_bytes()
    path.write_bytes(song[:2000] + bytes(2000) + song[2000:] + bytes(50_000))


@dataclass(frozen=True, eq=False)
class Breaking(Source):
    """Gives some sound, and then an error."""

    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        yield from [Unit(b"\xf8\xff\xfe", 960)] * 30
        raise OSError("the microphone was unplugged")


@dataclass(frozen=True, eq=False)
class Blocked(Source):
    """Gives nothing until it is let go."""

    gate: threading.Event
    repeats = False
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        self.gate.wait()
        yield from ()


def test_what_can_not_be_played_is_a_source_error_and_the_call_goes_on(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "song.mp3").write_text("These are words.\n" * 100)
    (tmp_path / "folder").mkdir()

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage)
            for what in ("song.mp3", "folder", "missing.mp3", "tone:0"):
                with pytest.raises(SourceError):
                    await came.play(what)
            with pytest.raises(SourceError, match="has no video"):
                await came.play("tone", kind="video")
            with pytest.raises(SourceError, match="the microphone was unplugged"):
                await came.play(Breaking())
            await came.play("tone:880")
            assert (await came.status()).phase == "connected"
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_call_can_not_be_answered_with_what_can_not_be_played(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            with pytest.raises(SourceError, match="has no video"):
                await stage.puppets[ALICE].call(BOB, video="tone")
            out = await stage.puppets[ALICE].call(BOB)
            came = await stage.ringing(BOB)
            with pytest.raises(SourceError, match="is not a file"):
                await came.answer(audio="missing.mp3")
            await came.answer(audio="tone")
            await out.connected()
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def test_a_damaged_greeting_is_played_and_the_call_is_recorded(run: Run, tmp_path: Path) -> None:
    padded_song(tmp_path / "hello.mp3")
    recorder = {"jid": BOB, "bot": "recorder", "options": {"greeting": "hello.mp3"}}

    async def main() -> None:
        async with staged(tmp_path, [ALICE, recorder]) as stage:
            call = await stage.puppets[ALICE].call(BOB)
            await call.connected()
            await stage.media(ALICE, packets=60)
            assert (await call.status()).phase == "connected"
            await call.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            assert (await stage.record(BOB)).recordings

    run(main)


def test_a_source_that_blocks_keeps_nothing_else(run: Run, tmp_path: Path) -> None:
    gate = threading.Event()

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage)
            playing = asyncio.ensure_future(played(came, gate))
            await out.play("tone:660")
            await came.mute()
            await out.hangup()
            assert "over" in await playing
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    async def played(call: Call, gate: threading.Event) -> str:
        with pytest.raises(CallOver) as over:
            await call.play(Blocked(gate))
        return str(over.value)

    try:
        run(main)
    finally:
        gate.set()
