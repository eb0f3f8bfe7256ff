"""Decoding for those who listen, and only while they do."""

import asyncio
import gc
import threading
from typing import Any

import av
import numpy as np
import pytest
from callboard.media.codecs.sound import Samples
from callboard.media.frames.frame import EncodedFrame
from callboard.media.hearing.ear import Ear
from callboard.media.hearing.reader_queue import Frame, ReaderQueue
from callboard.media.hearing.sound_frames import sound_frames
from callboard.tests.conftest import Run
from callboard.tests.media.hearing.sound import frames, packets, pitch, tone

SECOND = packets("opus", tone(440, 48000, 1.0))
G711 = packets("PCMU", tone(440, 8000, 1.0))


class Listener:
    """Gathers what it hears."""

    def __init__(self, ear: Ear, rate: int = 48000, channels: int = 1) -> None:
        self.blocks: list[Samples] = []
        self.times: list[int] = []
        self.threads: set[int] = set()
        self.ended = False
        self._changed = asyncio.Event()
        self.hearing = ear.hear(rate, channels, self._work, self._done, self._end)

    def _work(self, sound: Samples, timestamp: int) -> tuple[Samples, int]:
        self.threads.add(threading.get_ident())
        return sound, timestamp

    def _done(self, heard: tuple[Samples, int]) -> None:
        self.blocks.append(heard[0])
        self.times.append(heard[1])
        self._changed.set()

    def _end(self) -> None:
        self.ended = True

    async def heard(self, blocks: int) -> Samples:
        """Wait until it has heard so many blocks, and give all."""
        while len(self.blocks) < blocks:
            self._changed.clear()
            await self._changed.wait()
        return np.concatenate(self.blocks)


def now(coming: list[EncodedFrame]) -> list[EncodedFrame]:
    """Let frames have come in just now."""
    time = asyncio.get_running_loop().time()
    return [frame._replace(arrival=time) for frame in coming]


@pytest.mark.parametrize(("codec", "data"), [("opus", SECOND), ("PCMU", G711)])
def test_each_hears_at_its_own_rate(run: Run, codec: str, data: list[bytes]) -> None:
    asked = [(48000, 2), (48000, 1), (16000, 1), (8000, 1), (44100, 2), (22050, 1)]

    async def main() -> None:
        ear = Ear()
        listeners = [Listener(ear, *each) for each in asked]
        for frame in now(frames(codec, data)):
            ear.take(frame)
        for (rate, channels), listener in zip(asked, listeners, strict=True):
            sound = await listener.heard(50)
            assert sound.shape == (rate, channels)
            assert {len(block) for block in listener.blocks} == {rate // 50}
            assert pitch(sound[:, -1], rate) == pytest.approx(440, abs=2)
            assert listener.times == [960 * at for at in range(50)]
            assert threading.get_ident() not in listener.threads
            listener.hearing.close()

    run(main)


def test_what_is_heard_as_it_comes_is_not_copied(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        first, second = Listener(ear), Listener(ear)
        ear.take(now(frames("opus", SECOND))[0])
        await first.heard(1)
        await second.heard(1)
        assert first.blocks[0] is second.blocks[0]
        decoding: Any = ear._decoding
        assert not decoding._resamplers
        ear.end()
        assert first.ended
        assert second.ended

    run(main)


def test_nothing_is_decoded_while_nobody_listens(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        coming = now(frames("opus", SECOND))
        ear.take(coming[0])
        assert ear._waiting == 0
        listener = Listener(ear)
        for frame in coming[1:11]:
            ear.take(frame)
        await listener.heard(10)
        listener.hearing.close()
        listener.hearing.close()
        assert (ear._decoding, ear._lane, ear._timer, ear._hearings) == (None, None, None, ())
        ear.take(coming[11])
        again = Listener(ear)
        ear.take(coming[30])
        await again.heard(1)
        assert again.times == [0], "a new listener has a new timeline"
        assert not listener.ended
        again.hearing.close()

    run(main)


def test_silence_follows_when_nothing_comes(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        listener = Listener(ear, 16000)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for frame in now(frames("opus", SECOND[:10])):
            ear.take(frame)
        await listener.heard(40)
        assert loop.time() - begin > Ear.PATIENCE
        assert np.concatenate(listener.blocks[30:]).any() == np.False_
        listener.hearing.close()

    run(main)


def test_a_pause_that_opus_tells_of_is_silence_soon(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        listener = Listener(ear)
        for frame in now(frames("opus", [*SECOND[:10], b"\xf8"])):
            ear.take(frame)
        assert ear._timer is not None
        assert ear._timer.when() - asyncio.get_running_loop().time() <= Ear.PAUSE
        await listener.heard(20)
        listener.hearing.close()

    run(main, loop="asyncio")


def test_what_waits_for_the_decoder_is_bounded(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        listener = Listener(ear)
        for frame in now(frames("opus", SECOND * 3)):
            ear.take(frame)
        assert ear._waiting == Ear.BACKLOG
        await listener.heard(Ear.BACKLOG)
        assert ear._waiting == 0
        listener.hearing.close()

    run(main)


@pytest.mark.parametrize("where", ["work", "done"])
def test_a_listener_that_fails_is_taken_off_alone(
    run: Run, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        ear, ended = Ear(), asyncio.Event()

        def fail(*_: object) -> Any:
            raise RuntimeError("in a listener")

        work = fail if where == "work" else lambda *_: 1
        ear.hear(48000, 1, work, fail, ended.set)
        other = Listener(ear)
        coming = now(frames("opus", SECOND))
        ear.take(coming[0])
        await ended.wait()
        ear.take(coming[1])
        await other.heard(2)
        assert len(ear._hearings) == 1
        other.hearing.close()

    run(main)
    assert caplog.text.count("is taken off") == 1


@pytest.mark.parametrize("rate", [0, 7999, 8010, 48050, 96000, -16000])
def test_there_are_only_so_many_rates(run: Run, rate: int) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=f"no sound of {rate} Hz: give 8000 to 48000"):
            sound_frames(Ear(), limit=1, rate=rate, layout="mono")

    run(main)


@pytest.mark.parametrize("layout", ["", "5.1", "Mono"])
def test_there_are_two_layouts(run: Run, layout: str) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="give 'mono' or 'stereo'"):
            sound_frames(Ear(), limit=1, rate=16000, layout=layout)
        with pytest.raises(ValueError, match="no sound of 3 channels"):
            Ear().hear(16000, 3, lambda *_: 1, lambda _: None)

    run(main)


def test_readers_get_frames_of_their_own_and_lose_the_oldest(run: Run) -> None:
    async def main() -> None:
        ear = Ear()
        default = sound_frames(ear, limit=50, rate=48000, layout="stereo")
        slow = sound_frames(ear, limit=5, rate=16000, layout="mono")
        for frame in now(frames("opus", SECOND)):
            ear.take(frame)
        stereo: list[Any] = [await anext(default) for _ in range(50)]
        assert all(isinstance(frame, av.AudioFrame) for frame in stereo)
        assert {(f.samples, f.sample_rate, f.layout.name) for f in stereo} == {
            (960, 48000, "stereo")
        }
        assert [frame.pts for frame in stereo] == [960 * at for at in range(50)]
        mono: list[Any] = [await anext(slow) for _ in range(5)]
        assert [frame.pts for frame in mono] == [320 * at for at in range(45, 50)]
        assert {(f.samples, f.sample_rate, f.layout.name) for f in mono} == {(320, 16000, "mono")}
        ear.end()
        assert [frame async for frame in slow] == []

    run(main)


@pytest.mark.parametrize("how", ["close", "forget"])
def test_two_hundred_readers_leave_nothing(run: Run, how: str) -> None:
    async def main() -> None:
        ear = Ear()
        coming = frames("opus", SECOND * 5)
        for at in range(200):
            readers: list[ReaderQueue[Frame]] = [
                sound_frames(ear, limit=50, rate=8000 + 50 * at, layout=layout)
                for layout in ("mono", "stereo")
            ]
            ear.take(now(coming)[at])
            await anext(readers[0])
            if how == "close":
                for reader in readers:
                    await reader.aclose()
                assert ear._decoding is None
            readers.clear()
        last = Listener(ear)
        ear.take(now(coming)[200])
        await last.heard(1)
        gc.collect()
        assert ear._hearings == (last.hearing,)
        last.hearing.close()
        assert (ear._decoding, ear._lane, ear._timer) == (None, None, None)
        assert not [each for each in gc.get_objects() if isinstance(each, av.AudioResampler)]

    run(main)
