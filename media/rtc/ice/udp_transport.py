"""A UDP socket that is read and written by ourselves, several datagrams in one system call.

The loop's own datagram transports hand over one datagram at a time, and no ancillary data: what the
kernel had joined would look like one.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Any

from .segments import ANCILLARY, UDP_GRO, UDP_SEGMENT, runs, segmented, size_told
from .socket_poll import SocketPoll

MOST_WAITING = 512
"""Datagrams that wait for room in the socket's buffer. The oldest are dropped."""

LOOKED_AT = 64
MANY, FEW = 16, 8
"""Of so many reads, those that found more than one datagram: with many the kernel is asked to join
them, and with few no more, as a single one is then dearer to read."""

NEVER = frozenset(
    {errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.ENOTSUP}
)
"""What a kernel, a driver or a route says that does not cut what is sent into datagrams."""

Address = tuple[Any, ...]

Take = Callable[[int, int, int, Address], int]
"""Takes datagrams that lie one after the other in the poll's `room`: where the first one begins,
where the last one ends, the size of each but the last, and where they come from. Returns where the
first one begins that it has not taken."""


class UdpTransport(asyncio.DatagramTransport):
    """Stands where a loop has its own transport for a UDP socket."""

    def __init__(
        self,
        sock: socket.socket,
        protocol: asyncio.DatagramProtocol,
        take: Take | None = None,
    ) -> None:
        """Read a socket from now on.

        Args:
            sock: Bound, and perhaps connected; the transport owns it.
            protocol: Gets what comes in, and what goes wrong.
            take: Takes from what was read what the protocol is not to get.
        """
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        sock.setblocking(False)
        self._is_closing = False
        self._protocol = protocol
        self._sock = sock
        self._waiting: list[tuple[bytes, Address | None]] = []
        # Old kernels send all in one datagram if they are not asked first.
        self._segments = _takes(sock, UDP_SEGMENT, 0)
        self._poll = SocketPoll.running()
        self._are_joined = False
        self._reads = self._bursts = 0
        self._octets = self._poll.room.octets
        self._receive = sock.recvfrom_into
        self._receive_joined = sock.recvmsg_into
        self._take = take or _take_nothing
        self._turn = -1
        self._file = sock.fileno()
        self._poll.add(self._file, self._read, self._hand_on, protocol.error_received)
        protocol.connection_made(self)

    @property
    def file(self) -> int:
        """The socket's descriptor."""
        return self._file

    @property
    def cuts(self) -> bool:
        """Whether the kernel cuts what is sent together into datagrams."""
        return self._segments

    def is_closing(self) -> bool:
        """Tell whether it is closed, or about to be."""
        return self._is_closing

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send a datagram, at once unless others wait for room in the socket's buffer.

        Args:
            data: The datagram.
            addr: Where it goes; None: where the socket is connected to.
        """
        if self._waiting:
            self._wait(data, addr)
            return
        try:
            if addr is None:
                self._sock.send(data)
            else:
                self._sock.sendto(data, addr)
        except BlockingIOError:
            self._wait(data, addr)
        except OSError as error:
            self._protocol.error_received(error)

    def send_burst(self, datagrams: Sequence[bytes], addr: Address) -> None:
        """Send datagrams to one address, with as few system calls as the kernel lets us.

        Args:
            datagrams: In their order; those of one size, and a shorter one behind them, share one.
            addr: Where they go.
        """
        for run in runs(datagrams):
            if len(run) == 1 or self._waiting or not self._segments:
                for datagram in run:
                    self.sendto(datagram, addr)
                continue
            try:
                self._sock.sendmsg(run, segmented(len(run[0])), 0, addr)
            except BlockingIOError:
                for datagram in run:
                    self._wait(datagram, addr)
            except OSError as error:
                if error.errno not in NEVER:
                    self._protocol.error_received(error)
                    continue
                self._segments = False
                for datagram in run:
                    self.sendto(datagram, addr)

    def close(self) -> None:
        """Read no more; close the socket when what waits has been sent."""
        if self._is_closing:
            return
        self._is_closing = True
        self._poll.remove(self._sock.fileno())
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._end)

    def abort(self) -> None:
        """Close the socket, whatever waits."""
        if self._waiting:
            self._waiting.clear()
            self._keep_back(False)
            asyncio.get_running_loop().remove_writer(self._sock.fileno())
            if self._is_closing:
                asyncio.get_running_loop().call_soon(self._end)
        self.close()

    def _read(self) -> None:
        octets = self._octets
        try:
            if self._are_joined:
                length, ancillary, _, addr = self._receive_joined((octets,), ANCILLARY)
                size = size_told(ancillary) or length
            else:
                length, addr = self._receive(octets)
                size = length
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._protocol.error_received(error)
            return
        self._hand_on(0, length, size, addr)

    def _hand_on(self, at: int, length: int, size: int, addr: Address) -> None:
        """Have what lies in the poll's room taken."""
        octets, poll = self._octets, self._poll
        self._count(size < length - at if self._are_joined else self._turn == poll.turn)
        self._turn = poll.turn
        poll.source = self._file, addr
        while True:
            taken = self._take(at, length, size, addr)
            if taken == at:
                taken = min(at + size, length)
                self._protocol.datagram_received(bytes(octets[at:taken]), addr)
            if taken >= length or self._is_closing:
                return
            at = taken

    def _count(self, is_burst: bool) -> None:
        reads, bursts = 1, int(is_burst)
        if self._poll.flows is not None:
            more = self._poll.flows.count_reads(self._file)
            reads, bursts = reads + more[0], bursts + more[1]
        self._reads += reads
        self._bursts += bursts
        share = self._bursts * LOOKED_AT / self._reads
        if not self._are_joined and self._bursts >= MANY and share >= MANY:
            self._are_joined = _takes(self._sock, UDP_GRO, 1)
            self._reads = self._bursts = 0
        elif self._reads >= LOOKED_AT:
            if self._are_joined and share < FEW:
                self._are_joined = not _takes(self._sock, UDP_GRO, 0)
            self._reads = self._bursts = 0

    def _wait(self, data: Any, addr: Address | None) -> None:
        if not self._waiting:
            asyncio.get_running_loop().add_writer(self._sock.fileno(), self._write)
            self._keep_back(True)
        self._waiting.append((data, addr))
        del self._waiting[:-MOST_WAITING]

    def _keep_back(self, waits: bool) -> None:
        if self._poll.flows is not None:
            self._poll.flows.keep_back(self._file, waits)

    def _write(self) -> None:
        while self._waiting:
            try:
                data, addr = self._waiting[0]
                if addr is None:
                    self._sock.send(data)
                else:
                    self._sock.sendto(data, addr)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._protocol.error_received(error)
            del self._waiting[0]
        asyncio.get_running_loop().remove_writer(self._sock.fileno())
        self._keep_back(False)
        if self._is_closing:
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._sock.close()
        self._protocol.connection_lost(None)


def _take_nothing(at: int, length: int, size: int, addr: Address) -> int:
    """Leave all to the protocol."""
    del length, size, addr
    return at


def _takes(sock: socket.socket, option: int, value: int) -> bool:
    """Set a socket option; False where there is none such."""
    try:
        sock.setsockopt(socket.SOL_UDP, option, value)
    except (AttributeError, OSError):
        return False
    return True
