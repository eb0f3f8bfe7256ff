"""The eye of a leg: its received pictures, decoded for those who look."""

import logging
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from weakref import WeakSet

import av

from ..codecs.picture import PictureDecoder
from ..codecs.threads import CodecThreads, Lane
from ..frames.frame import EncodedFrame
from ..frames.picture_size import pixels_to_decode
from .reader_queue import Frame, ReaderQueue, frame_octets

logger = logging.getLogger(__name__)

Seen = tuple[PictureDecoder, av.VideoFrame | None, int]
"""By which decoder, the picture, and how many octets it had encoded."""


class Eye:
    """Decodes what a leg sees, once for all who look, away from the loop.

    While nobody looks there is no decoder and no job. A decoder begins with a key frame, which the
    peer is asked for; so it is when a picture can't be decoded, or the decoder does not keep up.
    """

    BACKLOG = 30
    """Pictures that may wait for their decoder. Above that all up to the next key frame are left
    out, and those that wait as well."""

    MOST_WAITING = 8 * 1024 * 1024
    """Octets of them; one picture waits in any case."""

    def __init__(self, largest: int, request_keyframe: Callable[[], None]) -> None:
        """Begin to look when somebody wants to.

        Args:
            largest: Pixels of the largest picture that is decoded; larger ones are left out.
            request_keyframe: Asks the peer for a key frame.
        """
        self._codec = ""
        self._decoder: PictureDecoder | None = None
        self._ended = False
        self._lane: Lane | None = None
        self._largest = largest
        self._octets = 0
        self._readers: WeakSet[ReaderQueue[Frame]] | tuple[()] = ()
        self._refused = False
        self._request_keyframe = request_keyframe
        self._waiting = 0
        self._warned = False

    @property
    def looks(self) -> bool:
        """Whether somebody looks, or did when the last picture came."""
        return self._lane is not None or not all(reader.ended for reader in self._readers)

    def look(self, limit: int) -> ReaderQueue[Frame]:
        """Begin to read decoded pictures.

        Args:
            limit: How many may wait for a slow reader. The oldest are dropped.

        Returns:
            An iterator over `av.VideoFrame`s. Nothing is decoded for it any more once it is closed,
            or nobody holds it.
        """
        reader = ReaderQueue(limit, frame_octets)
        if not isinstance(self._readers, WeakSet):
            self._readers = WeakSet()
        self._readers.add(reader)
        if self._decoder is None:
            self._request_keyframe()
        return reader

    def take(self, frame: EncodedFrame) -> None:
        """Decode a frame if somebody looks.

        Args:
            frame: Of video, in the order in which it was sent.
        """
        if not self._readers and self._lane is None:
            return
        if all(reader.ended for reader in self._readers):
            self._stop()
            return
        if self._waiting and (
            self._waiting >= self.BACKLOG or self._octets + len(frame.data) > self.MOST_WAITING
        ):
            self._stop()
        if self._decoder is None or frame.codec != self._codec:
            if not frame.keyframe:
                if not self._refused:
                    self._request_keyframe()
                return
            self._stop()
        if not self._has_room(frame):
            self._stop()
            return
        if self._decoder is None or self._lane is None:
            self._codec, self._decoder = frame.codec, PictureDecoder(frame.codec)
            self._lane = CodecThreads.running().lane()
        self._waiting += 1
        self._octets += len(frame.data)
        self._lane.run(partial(_decode, self._decoder, frame), self._seen)

    def end(self) -> None:
        """Let all readers end: there is nothing more to see."""
        self._stop()
        for reader in self._readers:
            reader.end()

    def _seen(self, seen: Seen | None, error: Exception | None) -> None:
        if seen is None:
            logger.error("A picture could not be decoded", exc_info=error)
            self._stop()
            return
        decoder, picture, octets = seen
        self._waiting -= 1
        self._octets -= octets
        if decoder.failed:
            self._stop()
            self._request_keyframe()
        elif picture is not None:
            for reader in tuple(self._readers):
                reader.put(picture)

    def _stop(self) -> None:
        """Decode nothing up to the next key frame, not even what waits."""
        if self._lane is not None:
            self._lane.close()
        self._decoder = self._lane = None
        self._octets = self._waiting = 0

    def _has_room(self, frame: EncodedFrame) -> bool:
        """Look at the size that a frame says before a decoder takes that much memory."""
        pixels = pixels_to_decode(frame.codec, frame.data)
        self._refused = pixels is None or pixels > self._largest
        if self._refused and not self._warned:
            self._warned = True
            size = "no size that can be read" if pixels is None else f"{pixels} pixels"
            logger.warning(
                "Pictures of %s are not decoded: %d pixels is the most", size, self._largest
            )
        return not self._refused


def _decode(decoder: PictureDecoder, frame: EncodedFrame) -> Seen:
    picture = None if decoder.failed else decoder.decode(frame.data)
    if picture is not None:
        picture.pts = frame.timestamp
        picture.time_base = Fraction(1, frame.clock_rate)
    return decoder, picture, len(frame.data)
