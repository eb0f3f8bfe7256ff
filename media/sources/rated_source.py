"""A source whose pictures can be had at several bit rates."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from ..frames.frame import Kind
from .rendition_reader import RenditionReader
from .source import Source
from .unit import SourceReader, Unit

BIT_RATES = (250_000, 600_000, 1_500_000)
"""Bits a second that pictures are encoded for."""


class RatedSource(Source):
    """A source of which each leg gets the rendition that its peer can take.

    Attributes:
        bit_rates: Bits a second among which there is a choice; None is what goes out as it is.
    """

    bit_rates: ClassVar[tuple[int | None, ...]] = BIT_RATES

    @abstractmethod
    def encode_at(self, bit_rate: int | None, start: float, codec: str) -> Iterator[Unit]:
        """Encode the pictures.

        Args:
            bit_rate: One of `bit_rates`.
            start: Where in the time of playing to begin, in seconds.
            codec: The RTP encoding name.

        Returns:
            The encoded frames, as `encode_from` does.
        """

    def open(self, kind: Kind, codec: str) -> SourceReader:
        """Begin to read the source for one leg. On the loop; must not block.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name.

        Returns:
            A reader at the beginning.

        Raises:
            SourceError: The codec is unknown.
        """
        return super().open(kind, codec) if kind == "audio" else RenditionReader(self, codec)

    def open_at(self, kind: Kind, codec: str, seconds: float) -> SourceReader:
        """Begin to read the source for one leg at a later moment. On the loop; must not block.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name.
            seconds: Of playing, since the beginning.

        Returns:
            A reader there, or at the end if it is over by then; of video, at the last key frame
            before.

        Raises:
            SourceError: The codec is unknown.
        """
        if kind == "audio":
            return super().open_at(kind, codec, seconds)
        return RenditionReader(self, codec, seconds)
