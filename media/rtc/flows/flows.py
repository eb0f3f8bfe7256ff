"""What the compiled part does for all legs of a loop; see `flows.c`."""

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Callable, Iterator
from functools import partial
from math import ceil, inf
from typing import Any

from pylibsrtp import Session

from ...compiled.part import ffi, is_on, lib
from ...loop_wide import LoopWide
from ...sources.pacer import Pacer, Ticket
from .._pylibsrtp import PacketRoom, address_of, functions

logger = logging.getLogger(__name__)

READS = 4
"""How often the kernel's largest datagram fits into the room: it holds what Python is to take."""

MOST_ADDRESSES = 1024
"""Addresses of peers that are kept as Python writes them."""

MOST_RECORDS = 1 << 16
"""Octets of sound that has left, as it is asked for."""

_IPV4 = struct.Struct("!4s8x")
_FAMILY = struct.Struct("=H")
_IPV6 = struct.Struct("!HI16s")
_SCOPE = struct.Struct("=I")

Address = tuple[Any, ...]
OnUnsent = Callable[[list[bytes]], None]
Columns = tuple[list[bytes], list[int], list[float]]
"""Of records what each keeps, its RTP timestamp, and when it came."""

LeftOver = tuple[int, int, int, int, bytes, Callable[[], None] | None]
"""A descriptor, where datagrams begin and end in the room, the size of each, their sender's
address as the kernel writes it, and what is to be called before they are looked at. They end at 0
if nothing was read, and below it at an errno."""

EVERY = 0.1
"""Seconds after which flows whose bit rate is estimated are asked, one after the other: each by
itself would find nothing of the estimate's code in the processor's caches."""

TOGETHER = 32
"""Flows that are asked one after the other, if that is enough for all of them to have their turn.
The next ones are a beat of the pacer's later: what is sent must not wait for all."""


class Flows(LoopWide):
    """The flows of a loop.

    Attributes:
        ffi: What cffi knows of the compiled part.
        lib: Its functions and constants.
        room: Where what came in lies.
    """

    def __init__(self) -> None:
        self.ffi = ffi
        self.lib = lib
        self.room = PacketRoom(READS)
        protect, unprotect = (ffi.cast("void *", each) for each in functions())
        self._octets: Any = ffi.from_buffer("uint8_t[]", self.room.octets)
        made = lib.flows_new(protect, unprotect, self._octets, len(self.room.octets))
        if made == ffi.NULL:
            raise MemoryError
        self._c: Any = ffi.gc(made, lib.flows_free)
        made.grid, made.beat, made.patience = Pacer.GRID, Pacer.BEAT, Pacer.PATIENCE
        self._columns: Any = ffi.new("struct columns *")
        self._records: Any = ffi.new("uint8_t[]", MOST_RECORDS)
        self._addresses: dict[bytes, Address] = {}
        self._ends: dict[int, tuple[Any, Callable[[], None], OnUnsent]] = {}
        # What C points to must not be freed, whoever forgets it.
        self._heard: dict[int, tuple[Any, object, Callable[[], None]]] = {}
        self._estimated: dict[int, Callable[[], None]] = {}
        self._kept = {"": lib.NOTHING, "VP8": lib.VP8, "H264": lib.H264}
        self._loop = asyncio.get_running_loop()
        self._pacer = Pacer.running()
        self._ticket: Ticket | None = None
        self._estimates: Ticket | None = None
        # When a round of those that are estimated began, who has not been asked, how many at once.
        self._round: tuple[float, list[int], int] = (0.0, [], 0)

    @classmethod
    def available(cls) -> "Flows | None":
        """Return those of the running event loop, if there is a compiled part."""
        return cls.running() if is_on() else None

    @property
    def is_behind(self) -> bool:
        """Whether sockets may have something after a call of `read`."""
        return bool(self._c.is_behind)

    @property
    def found_several(self) -> bool:
        """Whether several had something at one time, in the last call of `read`."""
        return bool(self._c.found_several)

    def lead(self, flow: Any, file: int, address: Address, session: Session) -> None:
        """Say by which socket, address and keys the packets of a flow go or come.

        Args:
            flow: Inbound or outbound.
            file: The socket's descriptor.
            address: The peer's.
            session: libsrtp's; who lends the flow keeps it.
        """
        raw = _raw_address(address)
        flow.file = file
        flow.address_length = len(raw)
        flow.address[0 : len(raw)] = raw
        flow.session = ffi.cast("void *", address_of(session))

    def keeps(self, codec: str) -> int:
        """Give what an inbound flow says of what is kept of it.

        Args:
            codec: The RTP encoding name; empty: nothing is kept.
        """
        return int(self._kept.get(codec, lib.SOUND))

    def listen(self, flow: Any, holds: object, on_strange: Callable[[], None]) -> bool:
        """Take the packets of an inbound flow from now on.

        Args:
            flow: Which is not listened to yet.
            holds: What it points to.
            on_strange: Called behind a packet that is to be looked at at once; no more are taken.

        Returns:
            False without memory.
        """
        if lib.flows_listen(self._c, flow) != 0:
            return False
        self._heard[_key(flow)] = flow, holds, on_strange
        return True

    def unlisten(self, flow: Any) -> None:
        """Take them no more; its frames are gone."""
        lib.flows_unlisten(self._c, flow)
        self._heard.pop(_key(flow), None)
        self._estimated.pop(_key(flow), None)

    def estimate(self, flow: Any, look: Callable[[], None]) -> None:
        """Look at the groups of a flow ten times a second, until it is listened to no more.

        Args:
            flow: One that is listened to.
            look: Called then.
        """
        self._estimated[_key(flow)] = look
        if self._estimates is None:
            self._estimates = self._pacer.start(self._estimate)

    def count_reads(self, file: int) -> tuple[int, int]:
        """Give how many reads nobody else has seen, and how many of them found several datagrams.

        Args:
            file: The socket's descriptor. It counts from the last time that this was asked.
        """
        return lib.flows_count_reads(self._c, file), self._c.bursts

    def put(self, flow: Any, on_end: Callable[[], None], on_unsent: OnUnsent) -> bool:
        """Send the frames of an outbound flow.

        Args:
            flow: Of which the first is due.
            on_end: Called when the last one has left, or the next one is due while it still waits,
                or the socket is closed.
            on_unsent: Called with encrypted packets that the kernel did not take, in their order.

        Returns:
            False without memory.
        """
        if lib.flows_put(self._c, flow) != 0:
            return False
        self._ends[_key(flow)] = flow, on_end, on_unsent
        self._arm(min(flow.runs_at, flow.ticks_at) if flow.waiting else flow.runs_at)
        return True

    def take(self, flow: Any) -> None:
        """Send no more of an outbound flow."""
        if self._ends.pop(_key(flow), None) is not None:
            lib.flows_take(self._c, flow)

    def forget(self, file: int) -> None:
        """End all flows of a socket that is about to be closed.

        Args:
            file: Its descriptor.
        """
        lib.flows_forget(self._c, file)
        for flow, on_end, _ in tuple(self._ends.values()):
            if flow.file == file:
                on_end()

    def keep_back(self, file: int, waits: bool) -> None:
        """Send nothing on a socket ahead of datagrams that wait for room in its buffer.

        Args:
            file: Its descriptor.
            waits: Whether any wait.
        """
        lib.flows_keep_back(self._c, file, waits)

    def read(self, epoll: int) -> bool:
        """Read the sockets that have something, until nothing is left or something is for Python.

        Args:
            epoll: The descriptor of the epoll that they are in.

        Returns:
            Whether anything is for Python: see `left_over`.
        """
        moment = int(time.monotonic() * 1000)
        return bool(lib.flows_read(self._c, epoll, self._loop.time(), moment))

    def records(self, flow: Any, first: int) -> bytes:
        """Give sound that has left, in records: see `PackedSound`.

        Args:
            flow: Outbound, whose frames are told of.
            first: The number of the frame to begin with.

        Returns:
            Nothing if it is too much.
        """
        length = lib.flows_record(flow, first, self._records, MOST_RECORDS)
        return ffi.buffer(self._records, length)[:] if length > 0 else b""

    def parted(self, flow: Any) -> Columns:
        """Read what was kept of an inbound flow, in columns, and keep it no more.

        Args:
            flow: Which is listened to.
        """
        columns, length, unpack = self._columns, flow.frames_length, ffi.unpack
        found = lib.flows_part(flow.frames, length, columns)
        octets = ffi.buffer(flow.frames, length)
        begins, ends = unpack(columns.begins, found), unpack(columns.ends, found)
        kept = [octets[begin:end] for begin, end in zip(begins, ends, strict=True)]
        flow.frames_length = 0
        return kept, unpack(columns.timestamps, found), unpack(columns.arrivals, found)

    def told(self, count: int) -> tuple[list[int], bytes]:
        """Tell more of the records that were read last.

        Args:
            count: How many they are.

        Returns:
            Of each how many packets it has, and what holds of it: `MARKED`, `READ`, `FIRST` and
            `KEY` of `flows.h`.
        """
        columns = self._columns
        return ffi.unpack(columns.packets, count), ffi.buffer(columns.flags, count)[:]

    def left_over(self) -> Iterator[LeftOver]:
        """Give what the last call of `read` has left."""
        left = self._c.left
        for number in range(self._c.left_count):
            one = left[number]
            raw = bytes(ffi.buffer(one.address, one.address_length)) if one.end > 0 else b""
            strange = self._heard[_key(one.strange)][2] if one.strange else None
            yield one.file, one.at, one.end, one.size, raw, strange

    def written(self, raw: bytes) -> Address:
        """Give an address as `socket.recvfrom` does.

        Args:
            raw: As the kernel writes it.
        """
        found = self._addresses.get(raw)
        if found is None:
            if len(self._addresses) >= MOST_ADDRESSES:
                self._addresses.clear()
            found = self._addresses[raw] = _address(raw)
        return found

    def _arm(self, due: float) -> None:
        if self._ticket is not None:
            if self._ticket.step is not None and self._ticket.due <= due:
                return
            self._ticket.cancel()
        self._ticket = self._pacer.start(self._step, due=due)

    def _step(self, due: float) -> float | None:
        found, now, more = self._c, self._loop.time(), True
        self._pacer.finish()  # packets that stand before those of a flow may wait for that
        while more:
            more = lib.flows_send(found, now)
            # Looked up first: what is called may end flows, and gives the others new places.
            calls = self._unsent() if found.unsent_count else []
            if found.ended_count:
                calls += self._ended()
            for call in calls:
                try:
                    call()
                except Exception:
                    logger.exception("A flow could not be taken back")
        due = found.next
        if due == inf:
            self._ticket = None
            return None
        return float(due)

    def _estimate(self, due: float) -> float | None:
        began, left, share = self._round
        if not left:
            began, left = due, list(self._estimated)
            share = max(TOGETHER, ceil(len(left) * Pacer.BEAT / EVERY))
        for key in left[:share]:
            look = self._estimated.get(key)
            try:
                if look is not None:
                    look()
            except Exception:
                logger.exception("What comes through of a flow was not estimated")
        self._round = began, left[share:], share
        if not self._estimated:
            self._estimates = None
            return None
        return due + Pacer.BEAT if left[share:] else began + EVERY

    def _unsent(self) -> list[Callable[[], None]]:
        found = self._c
        packets: dict[int, list[bytes]] = {}
        for one in found.unsent[0 : found.unsent_count]:
            unsent = packets.setdefault(_key(found.going[one.place]), [])
            unsent.append(bytes(ffi.buffer(found.packets + one.at, one.length)))
        return [partial(self._ends[key][2], each) for key, each in packets.items()]

    def _ended(self) -> list[Callable[[], None]]:
        return [
            self._ends[_key(flow)][1] for flow in ffi.unpack(self._c.ended, self._c.ended_count)
        ]


def _key(flow: Any) -> int:
    return int(ffi.cast("uintptr_t", flow))


def _raw_address(address: Address) -> bytes:
    """Write an address as the kernel does.

    Args:
        address: As `socket.recvfrom` gives it.
    """
    if ":" not in address[0]:
        host = socket.inet_pton(socket.AF_INET, address[0])
        return _FAMILY.pack(socket.AF_INET) + int(address[1]).to_bytes(2) + _IPV4.pack(host)
    host = socket.inet_pton(socket.AF_INET6, address[0].partition("%")[0])
    info, scope = (*address[2:4], 0, 0)[:2]
    return _FAMILY.pack(socket.AF_INET6) + _IPV6.pack(address[1], info, host) + _SCOPE.pack(scope)


def _address(raw: bytes) -> Address:
    (family,) = _FAMILY.unpack_from(raw)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), int.from_bytes(raw[2:4])
    port, info, host = _IPV6.unpack_from(raw, 2)
    (scope,) = _SCOPE.unpack_from(raw, 24)
    return socket.inet_ntop(socket.AF_INET6, host), port, info, scope
