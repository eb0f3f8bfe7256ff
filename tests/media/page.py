"""aiortc's own peer connection in the place of a browser that listens to a call or talks in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from callboard.media import read_clock
from callboard.media.rtc.session_description import SessionDescription
from callboard.tests.media.camera import Camera, describe
from callboard.tests.media.legs import luma
from callboard.tests.media.lossy import without_candidates

RATE = 48_000
BLOCK = RATE // 50


class Microphone(MediaStreamTrack):
    """A tone, as somebody says it.

    Attributes:
        hertz: what it is; 0 for silence.
    """

    kind = "audio"

    def __init__(self, hertz: int) -> None:
        super().__init__()
        self.hertz = hertz
        self._said = 0
        self._began: float | None = None

    async def recv(self) -> av.AudioFrame:
        """Give the next 20 ms when they are due."""
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        await asyncio.sleep(self._began + self._said / RATE - loop.time())
        times = (np.arange(BLOCK) + self._said) / RATE
        wave = 8000 * np.sin(2 * np.pi * self.hertz * times)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._said, Fraction(1, RATE)
        self._said += BLOCK
        return frame


class Page:
    """A page, as far as a call sees it.

    Attributes:
        pc: its peer connection.
        sound: what it has heard, decoded.
        pictures: what it has seen, decoded.
    """

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.sound: list[av.AudioFrame] = []
        self.pictures: list[av.VideoFrame] = []
        self.microphone: Microphone | None = None
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.pc.on("track", self._follow)
        self.pc.on("connectionstatechange", self._changed.set)

    async def to_listen(self, *kinds: str, codecs: str = "") -> str:
        """Offer to receive, as a browser does that has not gathered yet.

        Args:
            kinds: what; audio and video, if none are given.
            codecs: the one codec that is offered; all, if none is given.
        """
        for kind in kinds or ("audio", "video"):
            self._add(kind, kind, "recvonly", codecs)
        return await self._offer()

    async def to_talk(self, hertz: int, *, video: bool = False, codecs: str = "") -> str:
        """Offer to send a tone, and the pictures of a camera.

        Args:
            hertz: the tone.
            video: whether there is a camera.
            codecs: the one codec that is offered for sound; all, if none is given.
        """
        self.microphone = Microphone(hertz)
        tracks: list[MediaStreamTrack] = [self.microphone, *([Camera()] if video else [])]
        for track in tracks:
            self._add(track, track.kind, "sendonly", codecs if track.kind == "audio" else "")
        return await self._offer()

    def _add(self, what: MediaStreamTrack | str, kind: str, direction: str, codec: str) -> None:
        known = RTCRtpSender.getCapabilities(kind).codecs
        fits = [each for each in known if each.name.lower() == codec.lower()]
        self.pc.addTransceiver(what, direction).setCodecPreferences(fits)

    async def _offer(self) -> str:
        return without_candidates(await describe(self.pc, await self.pc.createOffer()))

    async def take(self, answer: str) -> None:
        """Take the answer, and wait until it is connected."""
        local = SessionDescription(self.pc.localDescription.sdp)
        description = SessionDescription(answer)
        description.fit(local.mids(), local)  # aiortc knows no refused sections, as browsers do
        await self.pc.setRemoteDescription(RTCSessionDescription(str(description), "answer"))
        await self.until(lambda: self.pc.connectionState == "connected")

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; looked at with each frame and each change of state."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def gone(self) -> None:
        """Wait until the other side has closed the connection."""
        await self.until(lambda: self.pc.connectionState in {"closed", "failed"})

    async def hears(self, hertz: int) -> None:
        """Wait until it has heard a tone for 400 ms."""
        while abs(pitch(await self._next(self.sound, 20)) - hertz) > 10:
            pass

    async def sees(self, width: int | None = None) -> None:
        """Wait until it has seen a clock that can be read, or a picture of a width."""
        while True:
            (picture,) = (await self._next(self.pictures, 1))[-1:]
            if width in (None, picture.width) and read_clock(luma(picture)) is not None:
                return

    async def _next(self, frames: list[Any], count: int) -> list[Any]:
        before = len(frames)
        await self.until(lambda: len(frames) >= before + count)
        return frames[before:]

    def _follow(self, track: MediaStreamTrack) -> None:
        frames: list[Any] = self.sound if track.kind == "audio" else self.pictures
        self._tasks.append(asyncio.create_task(self._read(track, frames)))

    async def _read(self, track: MediaStreamTrack, frames: list[Any]) -> None:
        try:
            while True:
                frames.append(await track.recv())
                self._changed.set()
        except MediaStreamError:
            return

    async def close(self) -> None:
        """Leave."""
        await self.pc.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """A page, closed at the end."""
    one = Page()
    try:
        yield one
    finally:
        await one.close()


async def fresh_offer(*kinds: str) -> str:
    """Give what a page offers that goes away at once.

    Args:
        kinds: what it wants to receive; audio and video, if none are given.
    """
    async with page() as one:
        return await one.to_listen(*kinds)


def pitch(frames: list[av.AudioFrame]) -> float:
    """Give the strongest frequency of decoded sound, Hz."""
    parts = [frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0] for frame in frames]
    wave = np.concatenate(parts).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return float(np.argmax(spectrum) * frames[0].sample_rate / len(wave))
