"""One leg that plays one source."""

import asyncio

from ..errors import SourceError
from ..frames.frame import Kind
from .forwarded import Forwarded
from .source import LiveSource, Source
from .unit import SourceReader, Unit


class Playback:
    """A source while one leg plays it.

    Attributes:
        kind: "audio" or "video".
        source: What is played.
        failure: Why it ended early, in one sentence; None otherwise.
        forwards: Whether frames are pushed, from a peer, and not read.
    """

    def __init__(self, kind: Kind, source: Source) -> None:
        if kind not in source.kinds:
            raise SourceError(f"{source} has no {kind}: play something that has.")
        self.kind = kind
        self.source = source
        self.failure: str | None = None
        self.forwards = isinstance(source, Forwarded)
        self._codec: str | None = None
        self._done = asyncio.Event()
        self._gop: list[Unit] = []
        self._reader: SourceReader | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended, for any reason."""
        return self._done.is_set()

    @property
    def since_keyframe(self) -> tuple[Unit, ...]:
        """What was played since the last key frame, including it; nothing of a live source."""
        return tuple(self._gop)

    async def ended(self) -> None:
        """Wait until the source was played to its end, was replaced, or the connection closed."""
        await self._done.wait()

    def prepare(self, codec: str) -> None:
        """Start to encode, so that the beginning is ready when the connection is.

        Args:
            codec: The RTP encoding name that was negotiated.

        Raises:
            SourceError: The source is live, and is played elsewhere.
        """
        if not self.forwards and self._reader is None and not self.is_over:
            self._codec = codec
            self._reader = self.source.open(self.kind, codec)

    def read(self) -> Unit | None:
        """Return the next frame.

        Returns:
            The frame. None if there is none yet, or no more (then `is_over` is true).
        """
        reader = self._reader
        if reader is None or self._codec is None:
            return None
        unit = reader.read()
        if unit is None and reader.ended:
            self.failure = reader.failure
            if self.failure is None and self.source.repeats:
                self._reader = self.source.open(self.kind, self._codec)
                unit = self._reader.read()
            else:
                self.stop()
        if unit is not None and self.kind == "video" and not isinstance(self.source, LiveSource):
            if unit.keyframe:
                self._gop.clear()
            self._gop.append(unit)
        return unit

    def request_keyframe(self) -> bool:
        """Ask a live source for a key frame; False if frames are as they were encoded once."""
        return self._reader is not None and self._reader.request_keyframe()

    def limit(self, bit_rate: int) -> None:
        """Let a live source keep to a bit rate.

        Args:
            bit_rate: Bits per second.
        """
        if self._reader is not None:
            self._reader.limit(bit_rate)

    def pass_over(self) -> None:
        """Let go what a live source gives while something else goes out; others stand still."""
        if isinstance(self.source, LiveSource):
            self.read()

    def stop(self) -> None:
        """Stop playing, and wake whoever waits for the end."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._gop.clear()
        self._done.set()
