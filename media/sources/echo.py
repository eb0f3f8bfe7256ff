"""A source that sends back what comes in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..frames.frame import Kind
from .source import Source, Unit


@dataclass(frozen=True)
class Echo(Source):
    """Sends back what is received, frame by frame, neither decoded nor encoded.

    Needs the receive path `packets` or `frames`. Frames in another codec than the one we send in
    (a peer may switch at will among those negotiated) are left out.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Give nothing: an echo has no encoding of its own.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            An empty iterator.
        """
        del kind, codec
        return iter(())
