"""One picture of what a peer shows, without a decoder that runs."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Literal

import av

from ..codecs.picture import PictureDecoder
from ..codecs.threads import CodecThreads
from ..errors import MediaError
from ..frames.frame import EncodedFrame
from ..frames.picture_size import pixels_to_decode

ImageFormat = Literal["jpeg", "png"]

ENCODERS: dict[ImageFormat, tuple[str, str]] = {
    "jpeg": ("mjpeg", "yuvj420p"),
    "png": ("png", "rgb24"),
}
"""FFmpeg's encoder and its pixel format, by the name of the format."""

PATIENCE = 5.0
"""Seconds in which the peer must send a key frame. It is asked for one each second."""


class SnapshotError(MediaError):
    """There is no picture; the message says why."""


class StillPicture:
    """Takes the next key frame, and makes an image of it on a thread.

    Attributes:
        image: The file's content, to be awaited. It raises `SnapshotError` if no key frame comes
            in time, or none that can be shown.
    """

    def __init__(
        self,
        image_format: ImageFormat,
        most: int,
        request_keyframe: Callable[[], None],
    ) -> None:
        """Begin to wait for a key frame.

        Args:
            image_format: "jpeg" or "png".
            most: Pixels of the largest picture that is decoded.
            request_keyframe: Asks the peer for a key frame, until one comes.
        """
        loop = asyncio.get_running_loop()
        self.image: asyncio.Future[bytes] = loop.create_future()
        self._format: ImageFormat = image_format
        self._lane = CodecThreads.running().lane()
        self._most = most
        self._timer = loop.call_later(PATIENCE, self._give_up)
        request_keyframe()

    def take(self, frame: EncodedFrame) -> None:
        """Look at a frame that comes in."""
        if frame.kind != "video" or not frame.keyframe or self.image.done():
            return
        pixels = pixels_to_decode(frame.codec, frame.data)
        if pixels is None or pixels > self._most:
            self._fail(f"The picture is too large to be decoded: {self._most} pixels is the most.")
            return
        self._timer.cancel()
        self._lane.run(partial(_image, frame, self._format), self._done)

    def close(self) -> None:
        """Wait no longer."""
        self._timer.cancel()
        self._lane.close()
        self.image.cancel()

    def _done(self, image: bytes | None, error: Exception | None) -> None:
        if self.image.done():
            return
        if image:
            self.image.set_result(image)
        else:
            self._fail(f"The picture can't be shown: {error or 'it is damaged'}.")

    def _give_up(self) -> None:
        self._fail(f"The peer sent no key frame within {PATIENCE:g} s.")

    def _fail(self, why: str) -> None:
        self._timer.cancel()
        if not self.image.done():
            self.image.set_exception(SnapshotError(why))


def _image(frame: EncodedFrame, format: ImageFormat) -> bytes | None:  # noqa: A002
    decoder = PictureDecoder(frame.codec)
    picture = decoder.decode(frame.data) or decoder.flush()
    if picture is None:
        return None
    name, pixels = ENCODERS[format]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)  # noqa: S101 -- by its name
    encoder.width, encoder.height = picture.width, picture.height
    encoder.pix_fmt = pixels
    encoder.time_base = Fraction(1, 25)
    if format == "jpeg":
        encoder.options = {"q": "3"}
    image = picture.reformat(format=pixels)
    image.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(image), *encoder.encode(None)])
