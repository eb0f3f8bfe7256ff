"""What a call keeps once it goes on: nothing that was for its beginning, or for nobody."""

import asyncio
import gc
import inspect
import queue
import subprocess
import sys
import threading
from collections import Counter, deque
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aioice import Connection
from aiortc import RTCIceTransport, RTCPeerConnection, RTCRtpReceiver
from callboard.media import ClockPattern, Source, Tone
from callboard.media.rtc._aiortc import spare
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, call

#: The name of the threads that read what is played.
SOURCES = "sources"
QUEUES = (deque, asyncio.Event, asyncio.Queue, queue.Queue, threading.Condition)


def counts() -> Counter[type]:
    """Count what has room for who waits, or for what waits.

    What the threads that read sources have for those who wait for their start is not counted: all
    calls share these threads, which come and go.
    """
    gc.collect()
    objects = gc.get_objects()
    starts: list[Any] = [
        vars(each)["_started"]._cond
        for each in objects
        if isinstance(each, threading.Thread) and each.name == SOURCES
    ]
    theirs = {id(part) for each in starts for part in (each, each._waiters)}
    queues = (each for each in objects if isinstance(each, QUEUES))
    return Counter(type(each) for each in queues if id(each) not in theirs)


@pytest.mark.parametrize("video", [None, ClockPattern()], ids=["sound", "pictures"])
def test_no_queues_are_left_once_media_flow(run: Run, video: Source | None) -> None:
    def one() -> AbstractAsyncContextManager[tuple[Leg, Leg]]:
        return call(audio=Tone(), video=video, back_audio=Tone(), back_video=video)

    async def flowing(legs: tuple[Leg, Leg]) -> None:
        for leg in legs:
            await leg.counted("audio", 20)
            if video is not None:
                await leg.counted("video", 20)

    async def main() -> None:
        async with one() as first:
            await flowing(first)
            before = counts()
            async with one() as (second, peer), one() as third:
                await flowing((second, peer))
                await flowing(third)
                for _ in range(20):  # what is about to be closed is closed soon
                    added = counts() - before
                    # A moment of the pacer has one, and what is counted of video.
                    most: dict[type, int] = {deque: 6 if video is None else 40}
                    if all(count <= most.get(kind, 0) for kind, count in added.items()):
                        return
                    await second.received("audio", 5)
        pytest.fail(str(added))

    run(main)


def test_the_names_are_used_as_we_think(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        receiver = pc.addTransceiver("video").receiver
        for name in (
            spare.DECODER_ERROR,
            spare.DECODER_QUEUE,
            spare.ESTIMATOR,
            spare.JITTER_BUFFER,
            spare.MISSING,
        ):
            assert getattr(receiver, name) is not None, name
        assert hasattr(receiver.transport.transport, spare.START)
        await pc.close()

    run(main)
    used = inspect.getsource(RTCRtpReceiver)
    # Only where a decoder runs, and where packets come that we take.
    assert used.count("self.__decoder_queue") == 4
    assert used.count("self.__decoder_error") == 4
    assert used.count("self.__jitter_buffer") == 3
    assert used.count("self.__nack_generator") == 5
    assert used.count("self.__remote_bitrate_estimator") == 4
    assert used.count("self._track._queue") == 1
    assert inspect.getsource(RTCIceTransport).count("self.__start") == 5


def test_connections_ask_for_their_checks_only_while_they_go_on() -> None:
    source = inspect.getsource(Connection)
    assert source.count("self._check_list_state") == 5
    assert source.count("if not self._check_list_done:\n") == 3
    assert source.count("self._early_checks.append(") == 1
    assert "if not self._early_checks_done:\n            self._early_checks.append(" in source


#: In a process of its own: other tests give such objects names of theirs, and all of a class share
#: the room for names.
ROOM = """
import asyncio, sys
from callboard.media import Tone
from callboard.media.rtc import _aiortc
from callboard.tests.media.legs import call

async def main():
    async with call(audio=Tone(), back_audio=Tone()) as (_, leg):
        await leg.counted("audio", 20)
        pc = leg.pc._pc
        [transceiver] = pc.getTransceivers()
        [connection] = _aiortc.ice_connections(pc)
        for found in (pc, transceiver.sender, transceiver.receiver, connection):
            assert sys.getsizeof(vars(found)) <= sys.getsizeof({**vars(found)}), found

asyncio.run(main())
"""


def test_attributes_have_no_more_room_than_they_need() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", ROOM], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
