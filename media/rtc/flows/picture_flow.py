"""The pictures that come in of one RTP stream, while it is taken by the compiled part."""

import sys
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from .flows import Flows
from .inbound_flow import InboundFlow


class PictureRuns:
    """Packets that have come, in runs of one timestamp that follow each other, as columns.

    Attributes:
        numbers: The sequence number of each one's first packet, and of the one behind the last;
            they count on past 65535.
        timestamps: Their RTP timestamp.
        arrivals: When they were whole, in seconds of the loop's clock.
        kept: What they add to their frame, if they were read; or else what `payloads` parts.
    """

    __slots__ = ("_flags", "_lib", "arrivals", "kept", "numbers", "timestamps")

    def __init__(self, flows: Flows, flow: Any) -> None:
        """Read what was kept of a flow, and keep it no more.

        Args:
            flows: Where the flow is.
            flow: `struct inbound`.
        """
        self._lib = flows.lib
        self.kept, self.timestamps, self.arrivals = flows.parted(flow)
        packets, self._flags = flows.told(len(self.kept))
        first = flow.next - sum(packets) & 0xFFFF
        self.numbers = list(accumulate(packets, initial=first))

    def __len__(self) -> int:
        """Count them."""
        return len(self.kept)

    def whole_from(self, at: int) -> int:
        """Count those from one on that are whole frames each, and read."""
        lib, left = self._lib, self._flags[at:]
        whole = lib.MARKED | lib.READ | lib.FIRST
        return len(left) - len(left.lstrip(bytes((whole, whole | lib.KEY))))

    def is_marked(self, at: int) -> bool:
        """Tell whether the last packet of one is the last of its frame; the others are not."""
        return bool(self._flags[at] & self._lib.MARKED)

    def is_read(self, at: int) -> bool:
        """Tell whether the payloads of one were read."""
        return bool(self._flags[at] & self._lib.READ)

    def is_first(self, at: int) -> bool:
        """Tell whether a frame begins with one that was read."""
        return bool(self._flags[at] & self._lib.FIRST)

    def keys(self, at: int, end: int) -> list[bool]:
        """Tell of some that were read whether their frame is one that a decoder can begin with."""
        key = self._lib.KEY
        return [bool(flags & key) for flags in self._flags[at:end]]

    def payloads(self, at: int) -> list[bytes]:
        """Give the payloads of one that was not read."""
        return parted(self.kept[at])


TakeRuns = Callable[[PictureRuns], None]


class PictureFlow(InboundFlow):
    """Lends a stream of pictures, from behind a whole one, and takes it back.

    What is kept is handed on as `TakeRuns`.
    """

    MOST = 5000
    LONGEST = 6.0

    __slots__ = ()

    def _hand_on(self) -> None:
        self._take(PictureRuns(self._flows, self._c))


def parted(octets: bytes) -> list[bytes]:
    """Part payloads, before each of which is its size in two octets."""
    found = []
    at = 0
    while at < len(octets):
        begin = at + 2
        at = begin + int.from_bytes(octets[at:begin], sys.byteorder)
        found.append(octets[begin:at])
    return found
