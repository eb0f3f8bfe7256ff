"""What real legs hear of each other, decoded."""

import asyncio
from threading import Thread
from threading import enumerate as enumerate_threads

import av
import numpy as np
import pytest
from callboard.media import MediaClosedError, ReceivePath, Silence, Tone
from callboard.media.codecs.sound import Samples
from callboard.media.codecs.threads import CodecThreads
from callboard.tests.conftest import Run
from callboard.tests.media.hearing.sound import level, pitch
from callboard.tests.media.legs import Leg, call


class Heard:
    """What is heard on a leg from now on."""

    def __init__(self, leg: Leg, rate: int = 16000, channels: int = 1) -> None:
        self.blocks: list[Samples] = []
        self.ended = asyncio.Event()
        self._changed = asyncio.Event()
        self.hearing = leg.pc.media.received.hear(rate, channels, self._take, self.ended.set)

    def _take(self, sound: Samples, timestamp: int) -> None:
        assert timestamp == 960 * len(self.blocks)
        self.blocks.append(sound)
        self._changed.set()

    async def more(self, blocks: int) -> Samples:
        """Wait for so many blocks that are still to come, and give them."""
        start = len(self.blocks)
        while len(self.blocks) < start + blocks:
            self._changed.clear()
            await self._changed.wait()
        return np.concatenate(self.blocks[start:])


@pytest.mark.parametrize("path", [ReceivePath.PACKETS, ReceivePath.FRAMES])
def test_a_tone_is_heard_on_both_sides(run: Run, path: ReceivePath) -> None:
    async def main() -> None:
        async with call(path, audio=Tone(400), back_audio=Tone(700)) as (a, b):
            at_a, at_b = Heard(a), Heard(b, 48000, 2)
            assert pitch((await at_a.more(25))[:, 0], 16000) == pytest.approx(700, abs=4)
            assert pitch((await at_b.more(25))[:, 1], 48000) == pytest.approx(400, abs=4)
            at_a.hearing.close()
        assert at_b.ended.is_set()
        assert not at_a.ended.is_set()
        with pytest.raises(MediaClosedError):
            Heard(a)

    run(main)


def test_time_goes_on_while_nothing_is_sent(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(400)) as (a, b):
            heard = Heard(b)
            assert level((await heard.more(10))[160:]) > 1000
            a.pc.media.pause("audio", True)
            while level(await heard.more(10)):
                pass
            a.pc.media.pause("audio", False)
            while level(await heard.more(10)) < 1000:
                pass

    run(main)


def test_only_what_is_received_can_be_heard(run: Run) -> None:
    async def main() -> None:
        leg, deaf = Leg(), Leg(ReceivePath.NONE)
        with pytest.raises(ValueError, match="receives no audio"):
            Heard(leg)
        await deaf.pc.offer(audio=Silence(), video=None)
        with pytest.raises(ValueError, match="use the path 'packets'"):
            Heard(deaf)
        with pytest.raises(ValueError, match="use the path 'packets'"):
            deaf.pc.media.received.frames("audio")
        await leg.pc.close()
        await deaf.pc.close()

    run(main)


def codec_threads() -> list[Thread]:
    return [each for each in enumerate_threads() if each.name == "codecs"]


def test_two_hundred_readers_leave_no_decoder_task_or_thread(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(400)) as (_, b):
            before = len(asyncio.all_tasks())
            for number in range(200):
                frames = b.pc.media.received.frames("audio", rate=8000 + 50 * number, layout="mono")
                if not number % 20:
                    assert isinstance(await anext(frames), av.AudioFrame)
                    assert len(asyncio.all_tasks()) == before
                    assert len(codec_threads()) <= CodecThreads.MOST
                if number % 2:
                    await frames.aclose()
                del frames
            last = b.pc.media.received.frames("audio")
            await anext(last)
            await anext(last)
            assert len(b.pc.media.received._ear._hearings) == 1
            await last.aclose()
            assert b.pc.media.received._ear._decoding is None

    run(main)
