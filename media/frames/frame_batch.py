"""Frames that go together, for who need not look at each of them."""

from collections.abc import Sequence
from typing import Self, cast

from .frame import EncodedFrame, Kind
from .on_demand import OnDemand


class FrameBatch(OnDemand[EncodedFrame]):
    """Frames of one direction, kind and codec, in order, as columns: objects are made on demand.

    Attributes:
        kind: "audio" or "video".
        codec: The RTP encoding name of all.
        clock_rate: Ticks per second of all, in Hz.
        data: Of each the whole frame.
        timestamps: Of each its RTP timestamp, unwrapped: see `EncodedFrame`.
        arrivals: Of each `loop.time()` in seconds when it was sent or came in.
        keyframes: Of each whether a decoder can start at it; None: at all of them.
    """

    __slots__ = ("arrivals", "clock_rate", "codec", "data", "keyframes", "timestamps")

    kind: Kind

    def __init__(
        self,
        codec: str,
        clock_rate: int,
        data: list[bytes],
        timestamps: list[int],
        arrivals: list[float],
        keyframes: list[bool] | None = None,
    ) -> None:
        """Take columns of one length, which are not changed any more."""
        self.codec = codec
        self.clock_rate = clock_rate
        self.data = data
        self.timestamps = timestamps
        self.arrivals = arrivals
        self.keyframes = keyframes

    @classmethod
    def joined(cls, parts: "Sequence[EncodedFrame | FrameBatch]") -> Self | None:
        """Make one of several batches and frames.

        Args:
            parts: What follows one another, at least one.

        Returns:
            None if they are not all of one codec, or not all of this kind.
        """
        first = parts[0]
        # To tell a batch by its class takes longer, as a sequence's is abstract.
        if len(parts) == 1 and not isinstance(first, EncodedFrame) and first.kind == cls.kind:
            return cast("Self", first)
        form = (cls.kind, first.codec, first.clock_rate)
        if any((part.kind, part.codec, part.clock_rate) != form for part in parts):
            return None
        keyframes: list[bool] = []
        found = cls(first.codec, first.clock_rate, [], [], [], keyframes)
        for part in parts:
            if isinstance(part, FrameBatch):
                found.data += part.data
                found.timestamps += part.timestamps
                found.arrivals += part.arrivals
                keyframes += part.keyframes or ()
            else:
                found.data.append(part.data)
                found.timestamps.append(part.timestamp)
                found.arrivals.append(part.arrival)
                keyframes.append(part.keyframe)
        if cls.kind == "audio":
            found.keyframes = None
        return found

    def __len__(self) -> int:
        """Count them."""
        return len(self.data)

    @property
    def octets(self) -> int:
        """How many octets all of them have."""
        return sum(map(len, self.data))

    @property
    def is_in_order(self) -> bool:
        """Whether none came before the one before it."""
        return self.arrivals == sorted(self.arrivals)

    @property
    def is_whole(self) -> bool:
        """Whether none is empty."""
        return all(self.data)

    def _one(self, at: int) -> EncodedFrame:
        return EncodedFrame(
            self.kind,
            self.codec,
            self.data[at],
            self.timestamps[at],
            self.clock_rate,
            self.arrivals[at],
            keyframe=self.keyframes is None or self.keyframes[at],
        )
