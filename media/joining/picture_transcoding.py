"""Pictures that go from one codec to another while they come."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial

from ..codecs.picture import PictureDecoder, PictureEncoder
from ..codecs.threads import CodecThreads
from ..frames.codec import CLOCK_RATES
from ..frames.frame import EncodedFrame
from ..frames.picture_size import pixels_to_decode

LARGEST = 1920 * 1088
"""Pixels of a picture that is decoded; larger ones are left out."""

FPS = Fraction(30)
"""What the encoder is told of how many pictures come in a second."""


class PictureTranscoding:
    """A decoder and an encoder on a thread, for one way of a bridge.

    Attributes:
        codec: The RTP encoding name of what comes out.
    """

    MOST_WAITING = 4
    """Pictures that wait for the thread. Above that all up to the next key frame are left out."""

    def __init__(
        self,
        codec: str,
        forward: Callable[[EncodedFrame], None],
        request_keyframe: Callable[[], None],
        bit_rate: Callable[[], int],
    ) -> None:
        """Begin with the next key frame.

        Args:
            codec: The RTP encoding name of what is to come out.
            forward: Called on the loop with each frame.
            request_keyframe: Asks for a key frame where frames come from.
            bit_rate: Gives the bits per second that may be sent.
        """
        self.codec = codec
        self._bit_rate = bit_rate
        self._decoder: PictureDecoder | None = None
        self._encoder = PictureEncoder(codec, fps=FPS)
        self._forward = forward
        self._from = ""
        self._lane = CodecThreads.running().lane()
        self._request_keyframe = request_keyframe
        self._waiting = 0
        self._wants_keyframe = False

    def take(self, frame: EncodedFrame) -> None:
        """Take the next frame.

        Args:
            frame: In another codec than `codec`.
        """
        if self._waiting >= self.MOST_WAITING:
            self._decoder = None
        if frame.codec != self._from or self._decoder is None:
            if not frame.keyframe:
                self._request_keyframe()
                return
            self._from, self._decoder = frame.codec, PictureDecoder(frame.codec)
        pixels = pixels_to_decode(frame.codec, frame.data)
        if pixels is None or pixels > LARGEST:
            self._decoder = None
            return
        self._waiting += 1
        keyframe, self._wants_keyframe = self._wants_keyframe, False
        job = partial(self._transcode, self._decoder, frame, self._bit_rate(), keyframe)
        self._lane.run(job, self._done)

    def want_keyframe(self) -> None:
        """Let the next picture be one from which a decoder can start."""
        self._wants_keyframe = True

    def close(self) -> None:
        """Let nothing more come out."""
        self._lane.close()

    def _transcode(
        self, decoder: PictureDecoder, frame: EncodedFrame, bit_rate: int, keyframe: bool
    ) -> EncodedFrame | None:
        picture = decoder.decode(frame.data)
        if picture is None:
            return None
        data, is_key = self._encoder.encode(picture, bit_rate=bit_rate, keyframe=keyframe)
        if not data:
            return None
        rate = CLOCK_RATES[self.codec]
        return EncodedFrame("video", self.codec, data, frame.timestamp, rate, 0.0, is_key)

    def _done(self, frame: EncodedFrame | None, error: Exception | None) -> None:
        self._waiting -= 1
        if frame is not None:
            self._forward(frame)
        elif error is not None:
            self._decoder = None
