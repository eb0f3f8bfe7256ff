"""Limits on what a peer's SCTP association may make us store and compute (RFC 9260).

For each DATA chunk aiortc walks over all that it holds, and for each SACK over every number in it:
one packet of 1,200 octets could block the loop, and all calls with it, for seconds.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCSctpTransport

HELD_BACK = "_sack_misordered"
INBOUND_STREAMS = "_inbound_streams"
LAST_RECEIVED = "_last_received_tsn"
MARK_RECEIVED = "_mark_received"
RECEIVE = "_receive"
RECEIVE_CHUNK = "_receive_data_chunk"
RECEIVE_SACK = "_receive_sack_chunk"
REPEATED = "_sack_duplicates"
SENT = "_sent_queue"
WINDOW = "_advertised_rwnd"

LARGEST_WINDOW = 512 * 1024
"""Octets that may wait for others: eight of the longest messages."""

MOST_CHUNKS = 512
"""Chunks that may wait for others: full ones fill the window, small ones cost as much each."""

MOST_STREAMS = 1024
"""Streams that a peer may use; each data channel has one."""

LONGEST_OPENING = 1024
"""Octets of a message that opens a data channel, with its label and protocol (RFC 8832 §5.1)."""

_CONTROL = 50  # RFC 8832 §8.1
_TSNS = 1 << 32


def keep_to_bounds(sctp: RTCSctpTransport) -> None:
    """Let an association drop what its peer may not send; what is not acknowledged comes again.

    Args:
        sctp: One that has not started; one that is kept to its bounds already stays so.
    """
    if RECEIVE_CHUNK in vars(sctp):
        return
    setattr(sctp, WINDOW, LARGEST_WINDOW)
    setattr(sctp, RECEIVE_CHUNK, _Reassembly(sctp))
    setattr(sctp, MARK_RECEIVED, _marker(sctp))
    setattr(sctp, RECEIVE_SACK, _without_idle_gaps(sctp))
    setattr(sctp, RECEIVE, _without_long_openings(sctp))


class _Reassembly:
    """Takes the DATA chunks for which there is room."""

    def __init__(self, sctp: RTCSctpTransport) -> None:
        self._sctp = sctp
        self._receive: Callable[[Any], Awaitable[None]] = getattr(sctp, RECEIVE_CHUNK)
        self._waiting = 0

    async def __call__(self, chunk: Any) -> None:
        if chunk.stream_id >= MOST_STREAMS or not self._has_room(chunk.tsn):
            return
        before = self._held(chunk.stream_id)
        await self._receive(chunk)
        self._waiting += self._held(chunk.stream_id) - before

    def _has_room(self, tsn: int) -> bool:
        most, ahead = MOST_CHUNKS, getattr(self._sctp, HELD_BACK)
        if ahead and tsn == _after(getattr(self._sctp, LAST_RECEIVED)):
            most *= 2  # others wait for it, and would for ever (RFC 9260 §6.2)
        elif getattr(self._sctp, WINDOW) <= 0 or len(ahead) >= most:
            return False
        if self._waiting >= most:
            # What a FORWARD TSN or the reset of a stream has taken away was not seen here.
            streams = getattr(self._sctp, INBOUND_STREAMS)
            self._waiting = sum(len(each.reassembly) for each in streams.values())
        return self._waiting < most

    def _held(self, stream_id: int) -> int:
        stream = getattr(self._sctp, INBOUND_STREAMS).get(stream_id)
        return 0 if stream is None else len(stream.reassembly)


def _after(tsn: int) -> int:
    return (tsn + 1) % _TSNS


def _marker(sctp: RTCSctpTransport) -> Callable[[int], bool]:
    """What notes a chunk as received; aiortc sorts all that came out of order for each."""

    def mark(tsn: int) -> bool:
        last, held = getattr(sctp, LAST_RECEIVED), getattr(sctp, HELD_BACK)
        if (last - tsn) % _TSNS < _TSNS // 2 or tsn in held:
            getattr(sctp, REPEATED).append(tsn)
            return True
        held.add(tsn)
        while (following := _after(last)) in held:
            held.discard(following)
            last = following
        setattr(sctp, LAST_RECEIVED, last)
        return False

    return mark


def _without_idle_gaps(sctp: RTCSctpTransport) -> Callable[[Any], Awaitable[None]]:
    """What takes a SACK, of whose gap blocks only that counts which is of chunks under way."""
    receive: Callable[[Any], Awaitable[None]] = getattr(sctp, RECEIVE_SACK)

    async def bounded(chunk: Any) -> None:
        sent = getattr(sctp, SENT)
        last = (sent[-1].tsn - chunk.cumulative_tsn) % _TSNS if sent else 0
        if last >= _TSNS // 2:  # all is acknowledged
            last = 0
        gaps: list[tuple[int, int]] = []
        after = 0
        for start, end in sorted(chunk.gaps):
            first, final = max(start, after + 1), min(end, last)
            if first <= final:
                gaps.append((first, final))
                after = final
        chunk.gaps = gaps
        await receive(chunk)

    return bounded


def _without_long_openings(
    sctp: RTCSctpTransport,
) -> Callable[[int, int, bytes], Awaitable[None]]:
    """What takes a message, unless it opens a channel with a name that nobody gives one."""
    receive: Callable[[int, int, bytes], Awaitable[None]] = getattr(sctp, RECEIVE)

    async def bounded(stream_id: int, protocol: int, data: bytes) -> None:
        if protocol != _CONTROL or len(data) <= LONGEST_OPENING:
            await receive(stream_id, protocol, data)

    return bounded
