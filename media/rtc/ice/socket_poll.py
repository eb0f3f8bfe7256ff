"""What waits on all sockets of a loop for media, and has them read in one turn."""

import asyncio
import logging
import os
import select
from collections.abc import Callable
from math import inf
from time import perf_counter
from typing import Any

from ...loop_wide import LoopWide
from ...sources.pacer import Pacer
from .._pylibsrtp import PacketRoom
from ..flows.flows import Address, Flows, LeftOver

logger = logging.getLogger(__name__)

MOST_SOCKETS = 256
MOST_ROUNDS = 16
"""Sockets that are read in one round, once each, and rounds in one turn of the loop: a flood leaves
all others their turn."""

REST = 0.002
"""Seconds that nobody looks after a turn in which several sockets had something."""

LONGEST = 0.006
"""Seconds of one turn, after which no further round begins: the pacer waits meanwhile."""

Read = Callable[[], None]

HandOn = Callable[[int, int, int, Address], None]
"""Takes datagrams that lie in the room: where the first one begins, where the last one ends, the
size of each but the last, and where they come from."""

Fail = Callable[[OSError], None]
"""Takes what the kernel said in the place of a datagram."""


class SocketPoll(LoopWide):
    """Watches the sockets of a loop, and lets each read once for each time that it has something.

    A loop that watches each socket by itself wakes for each datagram. With many legs that is most
    of what a packet of sound costs. Here the loop watches a bell: an epoll, in which is another
    one, in which the sockets are. A lone datagram is read at once. Where several have had something
    at one time, others are about to when the bell rings again: then it is stopped for a moment, in
    which they gather. If it rings at once after that, moment follows moment while several come.

    Where there is no epoll, the loop watches each socket.

    One socket is read after the other, so all read into the same room. What is forwarded leaves
    once they are read, all together (see `Outbox`).

    Attributes:
        flows: Takes usual packets in our place, where there is a compiled part.
        source: The socket and the address that what lies in the room came by.
        turn: Counts the turns of the loop in which sockets were read.
        room: Where what was read last lies, until more is read: a datagram, or several that the
            kernel has joined.
    """

    def __init__(self) -> None:
        self.flows = Flows.available()
        self.source: tuple[int, Address] = (-1, ())
        self.turn = 0
        self.room = PacketRoom() if self.flows is None else self.flows.room
        self._bell: Any = None  # `select.epoll` is Linux's
        self._epoll: Any = None
        self._gathers = False
        self._pacer = Pacer.running()
        self._is_behind = False
        self._is_reading = False
        self._is_steady = False
        self._loop = asyncio.get_running_loop()
        self._readers: dict[int, tuple[Read, HandOn | None, Fail | None]] = {}
        self._resting: asyncio.TimerHandle | None = None
        self._watched_at = -inf

    def add(
        self, file: int, read: Read, hand_on: HandOn | None = None, fail: Fail | None = None
    ) -> None:
        """Watch a socket.

        Args:
            file: Its descriptor.
            read: Called when it has something; it may leave some, and is called again.
            hand_on: Called in its place with what was read already, if flows come in on it.
            fail: The same with what went wrong.
        """
        if not hasattr(select, "epoll"):
            self._loop.add_reader(file, read)
            return
        if self._epoll is None:
            self._bell, self._epoll = select.epoll(), select.epoll()
            self._bell.register(self._epoll, select.EPOLLIN)
            self._loop.add_reader(self._bell.fileno(), self._ready)
        self._readers[file] = read, hand_on, fail
        self._epoll.register(file, select.EPOLLIN)

    def remove(self, file: int) -> None:
        """Watch a socket no more. It must still be open.

        Args:
            file: Its descriptor.
        """
        if not hasattr(select, "epoll"):
            self._loop.remove_reader(file)
            return
        del self._readers[file]
        if self.flows is not None:
            self.flows.forget(file)
        self._epoll.unregister(file)
        if not self._readers:
            self._stop()

    def catch_up(self) -> None:
        """Read what has come by now, unless that goes on already.

        A loop that was held up rings its timers before it reads. Who takes silence for an end asks
        this first, or it hears nothing but its own delay.
        """
        if self._epoll is not None and not self._is_reading:
            self._read_several()

    def _watch(self) -> None:
        self._watched_at = self._loop.time()
        self._bell.modify(self._epoll, select.EPOLLIN)

    def _stop(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        self._loop.remove_reader(self._bell.fileno())
        self._bell.close()
        self._epoll.close()
        self._bell = self._epoll = None
        self._gathers = self._is_steady = False

    def _ready(self) -> None:
        if not self._gathers:
            self._gathers = self._read_several()
            return
        self._is_steady = self._loop.time() < self._watched_at + REST
        # To have the loop stop watching, and watch again, would cost several system calls.
        self._bell.modify(self._epoll, 0)
        self._rest()

    def _rest(self) -> None:
        seconds = 0.0 if self._is_behind else REST
        self._resting = self._loop.call_later(seconds, self._rested)

    def _rested(self) -> None:
        self._resting = None
        epoll = self._epoll
        self._gathers = self._read_several()
        if epoll is not self._epoll:
            return
        if self._is_behind or (self._gathers and self._is_steady):
            self._rest()
        else:
            self._watch()

    def _read_several(self) -> bool:
        """Read in one turn, for which what is forwarded waits; tell what `_read_rounds` does.

        What is due leaves before: those who send to us often do so in the very same millisecond.
        """
        self._pacer.catch_up()
        self._is_reading = True
        try:
            if self.flows is not None:
                return self._read_flows(self.flows)
            with self._pacer.together():
                return self._read_rounds()
        finally:
            self._is_reading = False

    def _read_rounds(self) -> bool:
        """Have each socket read that has something; tell whether several had, at one time."""
        epoll, readers = self._epoll, self._readers
        several = self._is_behind = False
        self.turn += 1
        until = perf_counter() + LONGEST  # the loop's clock stands still within a turn
        for _ in range(MOST_ROUNDS):
            found = epoll.poll(0, MOST_SOCKETS)
            for file, _ in found:
                reader = readers.get(file)
                if reader is None:
                    continue  # one that was read before it has closed it
                try:
                    reader[0]()
                except Exception:
                    logger.exception("A socket's datagram was not taken")
            if epoll is not self._epoll or not found:
                break
            several = several or len(found) > 1
            if perf_counter() >= until:
                several = self._is_behind = True
                break
        else:
            self._is_behind = True  # to rest now would let a flood fill the sockets
        return several

    def _read_flows(self, flows: Flows) -> bool:
        """As `_read_rounds`, where flows are taken by the compiled part."""
        epoll, file = self._epoll, self._epoll.fileno()
        self.turn += 1
        self._is_behind = False
        if not flows.read(file):
            self._is_behind = flows.is_behind
            return flows.found_several
        several = False
        until = perf_counter() + LONGEST
        with self._pacer.together():
            for rounds in range(1, MOST_ROUNDS + 1):
                several = several or flows.found_several
                self._read_left(flows)
                if epoll is not self._epoll:
                    return several
                # Nothing is read that would have to be left in the room.
                if rounds == MOST_ROUNDS or perf_counter() >= until:
                    self._is_behind = True
                elif flows.read(file):
                    continue
                break
        self._is_behind = self._is_behind or flows.is_behind
        return several or self._is_behind

    def _read_left(self, flows: Flows) -> None:
        # Who reads for himself reads into the room, over what lies there.
        for file, at, end, size, raw, strange in sorted(flows.left_over(), key=_is_unread):
            reader = self._readers.get(file)
            if reader is None:
                continue
            read, hand_on, fail = reader
            try:
                if strange is not None:
                    strange()
                    if at == end:
                        continue
                if end == 0 or hand_on is None or fail is None:
                    read()
                elif end < 0:
                    fail(OSError(-end, os.strerror(-end)))
                else:
                    hand_on(at, end, size, flows.written(raw))
            except Exception:
                logger.exception("A socket's datagram was not taken")


def _is_unread(left: LeftOver) -> bool:
    return left[2] == 0
