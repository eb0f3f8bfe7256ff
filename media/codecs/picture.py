"""Encoders and decoders of pictures, one at a time. Blocking; they use no loop."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from ..frames.codec import is_keyframe

BIT_RATE = 500_000
"""Bits a second, as long as nobody says how many the leg may use."""

CHANGE = 0.2
"""By which share the bit rate must change for an encoder to begin anew."""


@dataclass(frozen=True)
class PictureCodec:
    """How a codec is used here.

    Attributes:
        name: FFmpeg's name of its encoder.
        options: FFmpeg's options for it.
        stills: More of them where pictures stand for a second each.
        most: Bits a second of one stream, however many its leg may use.
    """

    name: str
    options: Mapping[str, str]
    stills: Mapping[str, str]
    most: int


PICTURE_CODECS = {
    # Real-time settings: no look-ahead, so that every picture gives one frame at once.
    "VP8": PictureCodec(
        "libvpx",
        {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "error-resilient": "0",
        },
        # A key frame has no more octets than there are for the time it stands.
        {"max-intra-rate": "100"},
        1_500_000,
    ),
    # Constrained baseline, as offered; forced-idr makes our key frames real ones.
    "H264": PictureCodec(
        "libx264",
        {
            "preset": "veryfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": "31",
            "forced-idr": "1",
            "sc_threshold": "0",
        },
        {},
        3_000_000,
    ),
}
"""By RTP encoding name."""


def picture_encoder(
    codec: str,
    size: tuple[int, int],
    *,
    fps: Fraction,
    bit_rate: int = BIT_RATE,
    stills: bool = False,
) -> VideoCodecContext:
    """Make FFmpeg's encoder of a codec. It gives key frames where they are asked for.

    Args:
        codec: The RTP encoding name.
        size: Width and height in pixels; even.
        fps: Pictures per second, about; also the encoder's clock.
        bit_rate: Bits per second.
        stills: Whether pictures stand for a second each.
    """
    known = PICTURE_CODECS[codec]
    context = cast(VideoCodecContext, av.CodecContext.create(known.name, "w"))
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.bit_rate = bit_rate
    context.framerate = fps
    # An RTP clock would mislead rate control: encoders take the time base for the rate.
    context.time_base = 1 / fps
    context.gop_size = 100_000
    context.thread_count = 1
    context.options = {**known.options, **(known.stills if stills else {})}
    return context


class PictureEncoder:
    """Encodes one stream, whose pictures may change their size, and whose bit rate may change."""

    def __init__(self, codec: str, *, fps: Fraction) -> None:
        """Begin a stream.

        Args:
            codec: The RTP encoding name.
            fps: Pictures per second, about.
        """
        self._codec = codec
        self._context: VideoCodecContext | None = None
        self._fps = fps
        self._number = 0

    def encode(
        self, picture: av.VideoFrame, *, bit_rate: int = BIT_RATE, keyframe: bool = False
    ) -> tuple[bytes, bool]:
        """Encode a picture.

        Args:
            picture: Of any format; its width and height are even.
            bit_rate: Bits per second that the stream may have from now on.
            keyframe: Whether a decoder must be able to start here.

        Returns:
            The encoded frame, and whether it is a key frame. The frame is empty if the encoder has
            left the picture out to keep to the bit rate.
        """
        bit_rate = min(bit_rate, PICTURE_CODECS[self._codec].most)
        context = self._context
        size = (picture.width, picture.height)
        if context is None or size != (context.width, context.height) or self._is_off(bit_rate):
            context = picture_encoder(self._codec, size, fps=self._fps, bit_rate=bit_rate)
            self._context, keyframe = context, True
        plain = picture if picture.format.name == "yuv420p" else picture.reformat(format="yuv420p")
        plain.pict_type = PictureType.I if keyframe else PictureType.NONE
        plain.time_base = 1 / self._fps
        plain.pts = self._number
        self._number += 1
        data = b"".join(bytes(packet) for packet in context.encode(plain))
        return data, bool(data) and is_keyframe(self._codec, data)

    def _is_off(self, bit_rate: int) -> bool:
        current = 0 if self._context is None else self._context.bit_rate or 0
        return abs(bit_rate - current) > CHANGE * current


class PictureDecoder:
    """Decodes one stream.

    Attributes:
        failed: Whether it has met a frame that can't be decoded.
    """

    def __init__(self, codec: str) -> None:
        """Begin a stream, with a key frame.

        Args:
            codec: The RTP encoding name.
        """
        name = {"VP8": "vp8", "H264": "h264"}[codec]
        self._context = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
        self._context.flags |= Flags.low_delay
        self._context.thread_count = 1
        self.failed = False

    def decode(self, data: bytes) -> av.VideoFrame | None:
        """Decode a frame.

        Args:
            data: Whole; H264 in Annex B format. Look at the size that it says before.

        Returns:
            The picture; None if it can't be decoded, or shows nothing.
        """
        try:
            pictures = self._context.decode(av.Packet(data))
        except av.error.FFmpegError:
            self.failed = True
            return None
        return pictures[-1] if pictures else None

    def flush(self) -> av.VideoFrame | None:
        """Give what the decoder still holds back; nothing can be decoded after that."""
        try:
            pictures = self._context.decode(None)
        except av.error.FFmpegError:
            return None
        return pictures[-1] if pictures else None
