"""A source that sends back what comes in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..frames.frame import Kind
from .source import Source, Unit


@dataclass(frozen=True)
class Echo(Source):
    """Sends back what is received, frame by frame, without decoding or encoding.

    Needs the receive path `packets` or `frames`. A peer may switch between the negotiated codecs at
    any time; frames in another codec than ours are left out.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Return nothing: an echo has no encoding of its own.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            An empty iterator.
        """
        del kind, codec
        return iter(())
