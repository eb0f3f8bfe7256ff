"""aiortc's own peer connection with a camera, as a peer that calls over a bad line."""

import asyncio
import re
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from callboard.media import ClockPattern, Connected, EncodedFrame
from callboard.media.rtc._aiortc import ice_connections
from callboard.media.rtc.ice import _aioice
from callboard.tests.media.legs import LOOPBACK, Leg
from callboard.tests.media.lossy import Road, candidate, without_candidates

RATE = 90_000


class Camera(MediaStreamTrack):
    """Shows a clock, fifteen times a second; aiortc encodes it, and asks for no key frame."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._pictures = ClockPattern(width=160, height=120)._pictures()
        self._began: float | None = None

    async def recv(self) -> av.VideoFrame:
        """Give the next picture when it is due."""
        loop = asyncio.get_running_loop()
        picture = next(self._pictures)
        assert picture.pts is not None
        if self._began is None:
            self._began = loop.time()
        await asyncio.sleep(self._began + picture.pts / 15 - loop.time())
        return picture


def without(*words: str) -> Callable[[str], str]:
    """Take what a peer can do out of its offer: lines that match."""

    def change(sdp: str) -> str:
        numbers = re.findall(r"a=rtpmap:(\d+) rtx/", sdp) if "rtx" in words else []
        for number in numbers:
            sdp = re.sub(rf"(m=video.*) {number}\b", r"\1", sdp)
            sdp = re.sub(rf"a=(rtpmap|fmtp):{number} .*\r\n", "", sdp)
        if "rtx" in words:
            sdp = re.sub(r"a=ssrc-group:FID (\d+) (\d+)\r\n", "", sdp)
        if "nack" in words:
            sdp = re.sub(r"a=rtcp-fb:\S+ nack\r\n", "", sdp)
        return sdp

    return change


async def describe(pc: RTCPeerConnection, description: RTCSessionDescription) -> str:
    """Let a peer connection stand by a description, on loopback, which aioice leaves out."""
    for connection in ice_connections(pc):
        _aioice.bind_to(connection, LOOPBACK, Counter())
    await pc.setLocalDescription(description)
    return str(pc.localDescription.sdp)


@asynccontextmanager
async def camera_call(
    link: Road, change: Callable[[str], str] = lambda sdp: sdp, **options: Any
) -> AsyncIterator[Leg]:
    """A leg that receives what aiortc's own peer connection sends over a line."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    leg = Leg(**options)
    try:
        pc.addTrack(Camera())
        sdp = change(await describe(pc, await pc.createOffer()))
        answer = await leg.pc.answer(without_candidates(sdp), audio=None, video=None)
        sdp, answer = await link.lead(sdp, answer)
        await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await leg.pc.add_candidate("0", candidate(sdp))
        await leg.event(Connected)
        yield leg
    finally:
        await leg.pc.close()
        await pc.close()


def is_video(data: bytes) -> bool:
    """Tell packets of video, by the payload types that aiortc has for them."""
    return data[1] & 0x7F >= 97


def stamp(data: bytes) -> int:
    """Give the RTP timestamp of a packet."""
    return int(struct.unpack_from("!I", data, 4)[0])


def gaps(frames: list[EncodedFrame]) -> list[float]:
    """How far apart the pictures are that were delivered, in seconds of the camera's clock."""
    return [(later.timestamp - earlier.timestamp) / RATE for earlier, later in pairwise(frames)]
