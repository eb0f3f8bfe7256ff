"""What aiortc makes for tasks of its own, none of which runs here or goes on for long.

An empty queue is 3 KiB, with two more for who waits and an event, and each of those has a queue of
its own: of one side of a call with sound all of it would be 14 KiB.
"""

import asyncio
from typing import Any

from aiortc import RTCIceTransport, RTCRtpReceiver

DECODER_ERROR = "_RTCRtpReceiver__decoder_error"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
ESTIMATOR = "_RTCRtpReceiver__remote_bitrate_estimator"
JITTER_BUFFER = "_RTCRtpReceiver__jitter_buffer"
MISSING = "_RTCRtpReceiver__nack_generator"
START = "_RTCIceTransport__start"
TRACK_QUEUE = "_queue"

DONE = asyncio.Event()
"""Stands where something has happened for good."""
DONE.set()


def spare_decoder(receiver: RTCRtpReceiver) -> None:
    """Let go of what a receiver would decode with, and estimate what comes through.

    Args:
        receiver: One whose packets we take, and which starts no decoder.
    """
    for name in (DECODER_ERROR, DECODER_QUEUE, ESTIMATOR, JITTER_BUFFER, MISSING):
        setattr(receiver, name, None)


def spare_frames(receiver: RTCRtpReceiver) -> None:
    """Let go of the queue of decoded frames, of which there are none.

    Args:
        receiver: One that is started just now: before, it had no track.
    """
    if receiver.track is not None:
        setattr(receiver.track, TRACK_QUEUE, None)


def spare_start(transport: RTCIceTransport) -> None:
    """Let go of what tells those who wait that ICE has connected.

    Args:
        transport: One that media comes through.
    """
    start: Any = getattr(transport, START)
    if start is not None and start.is_set():
        setattr(transport, START, DONE)


def compact(found: object) -> None:
    """Let an object's attributes have as much room as they need, once all of them are there.

    Beyond thirty, Python makes room for twice as many; below, it shares the names among objects.

    Args:
        found: One of aiortc's or aioice's with more than that.
    """
    found.__dict__ = {**vars(found)}
