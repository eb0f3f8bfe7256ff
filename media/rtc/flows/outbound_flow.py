"""What goes out on one RTP stream, while it is sent by the compiled part."""

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from pylibsrtp import Session

from ...frames.payloads import Piece
from ...sources.unit import Unit
from ..ice.udp_transport import UdpTransport
from .flows import Address, Flows

MOST_EXTENSION = 64
"""Octets of a header extension."""

_BURST = struct.Struct("@iiid")  # `struct flow_burst`
_LEFT = struct.Struct("=qd")  # `struct flow_left`

Burst = tuple[int, int, int, float]
"""Packets that have left together: which frame, where in it they begin and end, and when."""

Left = tuple[Sequence[Unit], list[int], list[float]]
"""Frames that have left; of each its timestamp in ticks from the origin, and when it left, on the
loop's clock."""


class LeftSound(NamedTuple):
    """Sound that has left.

    Attributes:
        records: See `PackedSound`.
        first: The timestamp of the first frame, in ticks from the origin.
    """

    records: bytes
    first: int


Cut = Callable[[Unit], Sequence[Piece]]
"""Gives what the packets of a frame carry."""


class Pace(NamedTuple):
    """Where a stream stands on its timeline.

    Attributes:
        rate: Of the codec's clock, in Hz.
        origin: Where the timeline began, in seconds of `loop.time()`.
        due: When the next frame is due.
        late: When it may leave.
        last: The timestamp of the frame before, from the origin.
    """

    rate: int
    origin: float
    due: float
    late: float
    last: int


class OutboundFlow:
    """The next frames of a stream, which leave in time with the clock.

    Attributes:
        said: What the compiled part is told of them, and tells: `struct outbound` of `flows.h`.
    """

    __slots__ = (
        "_ahead",
        "_flows",
        "_frames",
        "_holds",
        "_is_watched",
        "_told",
        "_units",
        "said",
    )

    def __init__(
        self, flows: Flows, units: Sequence[Unit], cut: Cut, pace: Pace, *, is_watched: bool
    ) -> None:
        """Prepare to lend.

        Args:
            flows: Where.
            units: The frames.
            cut: Cuts them; each has at least one piece.
            pace: When they are due.
            is_watched: Whether anybody wants to know of each.
        """
        ffi = flows.ffi
        self._ahead = self._told = 0
        self._flows = flows
        self._holds: tuple[object, ...] = ()
        self._is_watched = is_watched
        self._units = units
        self.said: Any = ffi.new("struct outbound *")
        self.said.most = 1
        self.said.rate, self.said.origin, self.said.due, self.said.runs_at, self.said.last = pace
        frames = [unit.prepared for unit in units]
        if None in frames:
            frames = [_prepared(ffi, unit, cut) for unit in units]
        self._frames: list[Any]
        self._hold(frames, len(units) if is_watched else 0)

    def spread(self, waiting: Sequence[tuple[int, Sequence[Piece]]], piece: int) -> None:
        """Let frames of many packets leave little by little, and say what has left when.

        Args:
            waiting: Frames that had their turn before and have not left, or not wholly: of each
                its timestamp, from the origin, and what its packets carry.
            piece: Which packet of the first of them is the next.
        """
        said, ffi = self.said, self._flows.ffi
        self._ahead = self._told = ahead = len(waiting)
        frames = [_frame(ffi, 0, pieces) for _, pieces in waiting] + self._frames
        counts = [each.count for each in frames]
        self._hold(frames, len(frames))
        # Each tick and each frame may end a burst that could have been larger.
        most = sum(counts) // said.most * 2 + 2 * len(frames)
        bursts = ffi.new("struct flow_burst[]", most)
        for at, (timestamp, _) in enumerate(waiting):
            said.left[at].timestamp = timestamp
        said.at, said.piece, said.bursts = ahead, piece, bursts
        said.waiting = sum(counts[:ahead]) - piece
        self._holds += (bursts,)

    def extend(self, extension: bytes, time_at: int | None = None) -> bool:
        """Give the packets a header extension.

        Args:
            extension: From its profile on; empty for none.
            time_at: Where in it the three octets of the time of sending are; None: nowhere.

        Returns:
            False if it is too long.
        """
        said, length = self.said, len(extension)
        if length > MOST_EXTENSION:
            return False
        said.extension[0:length] = extension
        said.extension_length = length
        said.time_at = -1 if time_at is None else time_at
        return True

    def _hold(self, frames: list[Any], told: int) -> None:
        new, said = self._flows.ffi.new, self.said
        held = new("struct flow_frame *[]", frames)
        left = new("struct flow_left[]", told) if told else self._flows.ffi.NULL
        said.frames, said.left, said.count = held, left, len(frames)
        self._frames, self._holds = frames, (held, left)

    def begin(
        self,
        transport: UdpTransport,
        address: Address,
        session: Session,
        on_end: Callable[[], None],
    ) -> bool:
        """Let them leave.

        Args:
            transport: Where.
            address: Where they go.
            session: libsrtp's, which encrypts them.
            on_end: Called when the last one has left, or the next one is due while it still waits,
                or the socket is about to be closed.

        Returns:
            False if they can't, as one is too long, or without memory.
        """
        said = self.said

        def unsent(packets: list[bytes]) -> None:
            transport.send_burst(packets, address)
            said.cuts = transport.cuts

        said.cuts = transport.cuts
        self._flows.lead(said, transport.file, address, session)
        self._holds += (session,)
        return self._flows.put(said, on_end, unsent)

    def left(self) -> Left:
        """Give the frames that have left since this was last asked, if they are watched."""
        if not self._is_watched:
            return [], [], []
        told, self._told = self._told, self.said.at
        return self.had_turns(told)

    def left_sound(self) -> LeftSound | Left:
        """Give what `left` does of sound, in records unless it is very much."""
        said, told = self.said, self._told
        records = self._flows.records(said, told) if self._is_watched and said.at > told else b""
        if not records:
            return self.left()
        self._told = said.at
        return LeftSound(records, int(said.left[told].timestamp))

    def had_turns(self, first: int) -> Left:
        """Give frames whose turn has come.

        Args:
            first: Which one to begin with, behind those that waited from the beginning.
        """
        said, ahead, ffi = self.said, self._ahead, self._flows.ffi
        count = said.at - first
        if not count:
            return [], [], []
        left = ffi.buffer(said.left + first, count * _LEFT.size)
        timestamps, times = zip(*_LEFT.iter_unpack(left), strict=True)
        return self._units[first - ahead : said.at - ahead], list(timestamps), list(times)

    def had_turn(self, at: int) -> tuple[Unit, int]:
        """Give a frame whose turn has come, and its RTP timestamp.

        Args:
            at: Which one it is, with those that waited from the beginning.
        """
        said = self.said
        return self._units[at - self._ahead], said.base + said.left[at].timestamp & 0xFFFFFFFF

    @property
    def played(self) -> int:
        """How many of the frames have had their turn, without those that waited before."""
        return int(self.said.at - self._ahead)

    @property
    def waits(self) -> bool:
        """Whether packets of frames that had their turn have not left."""
        return bool(self.said.waiting)

    def counted(self) -> tuple[int, int]:
        """Give how many packets have left since this was last asked, and their octets."""
        said = self.said
        packets, octets = said.packets, said.octets
        said.packets = said.octets = 0
        return packets, octets

    def bursts(self) -> Iterator[Burst]:
        """Give what has left together since this was last asked, if it is spread.

        It is read while it is gone through.
        """
        said = self.said
        found = self._flows.ffi.buffer(said.bursts, said.burst_count * _BURST.size)[:]
        said.burst_count = 0
        return _BURST.iter_unpack(found)

    @property
    def last_burst_at(self) -> float | None:
        """When the last of what `bursts` gives has left; None: it gives nothing."""
        said = self.said
        return float(said.bursts[said.burst_count - 1].at) if said.burst_count else None

    def end(self) -> None:
        """Let no more leave."""
        self._flows.take(self.said)


def _prepared(ffi: Any, unit: Unit, cut: Cut) -> Any:
    """Give what the compiled part reads of a frame, made once for all legs that play it."""
    if unit.prepared is None:
        unit.prepare(_frame(ffi, unit.duration, cut(unit)))
    return unit.prepared


def _frame(ffi: Any, duration: int, pieces: Sequence[Piece]) -> Any:
    """Give it of pieces, which are to be kept for as long."""
    parts = [
        (ffi.from_buffer("uint8_t[]", data), len(data), len(head), tuple(head))
        for head, data in pieces
    ]
    longest = max(length + head for _, length, head, _ in parts)
    return ffi.new("struct flow_frame *", (duration, longest, len(parts), parts))
