"""A socket of a call: several datagrams in one system call, and what the kernel may say to that."""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from callboard.media.rtc.ice import segments, socket_poll, udp_transport
from callboard.media.rtc.ice.segments import runs, segmented, size_told, split
from callboard.media.rtc.ice.udp_transport import LOOKED_AT, UdpTransport
from callboard.media.sources.pacer import Pacer
from callboard.tests.conftest import Run
from hypothesis import given
from hypothesis import strategies as st

sizes = st.integers(1, 1500)


def datagram(number: int, size: int) -> bytes:
    """Give one that can be told from the others."""
    return number.to_bytes(4) * (size // 4) + bytes(size % 4)


@given(st.lists(sizes, max_size=200), st.integers(1, 1500))
def test_runs_are_what_one_call_can_send(some: list[int], size: int) -> None:
    datagrams = [datagram(number, each) for number, each in enumerate([*some, *[size] * 70])]
    found = list(runs(datagrams))
    assert [each for run in found for each in run] == datagrams
    for run in found:
        *others, last = map(len, run)
        assert set(others) <= {len(run[0])}
        assert last <= len(run[0])
        assert len(run) <= segments.MOST
        assert sum(map(len, run)) <= segments.LARGEST
        assert split(b"".join(run), len(run[0])) == list(run)


@given(st.binary(min_size=1, max_size=4000), st.integers(-5, 5000))
def test_what_is_split_is_what_came(joined: bytes, size: int) -> None:
    found = split(joined, size)
    assert b"".join(found) == joined
    assert all(found)
    assert all(len(each) == size for each in found[:-1])


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(100, 106), st.binary(max_size=8))))
def test_any_ancillary_data_is_read(told: list[tuple[int, int, bytes]]) -> None:
    assert size_told(told) >= 0
    assert size_told([*told, (1, 1, b"")]) == size_told(told)


def test_the_size_is_told() -> None:
    assert size_told([(socket.SOL_UDP, segments.UDP_GRO, (1200).to_bytes(4, "little"))]) == 1200
    assert size_told([]) == 0
    assert segmented(1200) == [(socket.SOL_UDP, segments.UDP_SEGMENT, (1200).to_bytes(2, "little"))]


class Socket(socket.socket):
    """A real one that counts its calls, and fails as it is told to."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_DGRAM)
        self.bind(("127.0.0.1", 0))
        self.calls: list[str] = []
        self.fails: dict[str, list[int]] = {}
        self.refuses: set[int] = set()

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        if level == socket.SOL_UDP and option in self.refuses:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")
        super().setsockopt(level, option, *value)

    def sendto(self, *arguments: Any) -> int:
        self._called("sendto")
        return super().sendto(*arguments)

    def sendmsg(self, *arguments: Any) -> int:
        self._called("sendmsg")
        return super().sendmsg(*arguments)

    def recvfrom_into(self, *arguments: Any) -> Any:
        self._called("recvfrom_into")
        return super().recvfrom_into(*arguments)

    def recvmsg_into(self, *arguments: Any) -> Any:
        self._called("recvmsg_into")
        return super().recvmsg_into(*arguments)

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.fails.get(name):
            code = self.fails[name].pop(0)
            raise OSError(code, "staged")


class End(asyncio.DatagramProtocol):
    """Keeps what comes."""

    def __init__(self) -> None:
        self.found: list[bytes] = []
        self.errors: list[Exception] = []
        self.sources: set[Any] = set()
        self.failed = asyncio.Event()
        self.lost = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.found.append(data)
        self.sources.add(addr)
        self._changed.set()

    def error_received(self, error: Exception) -> None:
        self.errors.append(error)
        self.failed.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set_result(error)

    async def until(self, count: int) -> None:
        while len(self.found) < count:
            self._changed.clear()
            await self._changed.wait()


class Pair:
    """Two sockets on their loop."""

    def __init__(self, sender: Socket | None = None, receiver: Socket | None = None) -> None:
        self.sender, self.receiver = sender or Socket(), receiver or Socket()
        self.here, self.there = End(), End()
        self.out = UdpTransport(self.sender, self.here)
        self.back = UdpTransport(self.receiver, self.there)
        self.address = self.receiver.getsockname()

    def burst(self, datagrams: Sequence[bytes]) -> None:
        self.out.send_burst(datagrams, self.address)

    async def close(self) -> None:
        for transport, end in ((self.out, self.here), (self.back, self.there)):
            transport.close()
            assert transport.is_closing()
            await end.lost
        assert self.sender.fileno() == self.receiver.fileno() == -1


BURST = [datagram(number, 1200) for number in range(7)] + [datagram(7, 300)]


def test_a_burst_is_one_call_each_way(run: Run) -> None:
    async def main() -> None:
        pair = Pair()
        pair.burst(BURST)
        await pair.there.until(8)
        assert pair.there.found == BURST
        assert pair.there.sources == {pair.sender.getsockname()}
        if pair.out._segments:
            assert pair.sender.calls == ["sendmsg"]
        await pair.close()

    run(main)


def test_a_socket_that_gets_bursts_has_them_joined(run: Run) -> None:
    async def main() -> None:
        pair = Pair()
        for number in range(1, 4):
            pair.burst(BURST)
            await pair.there.until(8 * number)
        before = len(pair.receiver.calls)
        pair.burst(BURST)
        await pair.there.until(32)
        assert pair.there.found == 4 * BURST
        if pair.out._segments and pair.back._are_joined:
            assert len(pair.receiver.calls) == before + 1
        pair.burst([b"alone"])
        await pair.there.until(33)
        assert pair.there.found[-1] == b"alone"
        await pair.close()

    run(main)


def test_a_socket_that_gets_no_bursts_any_more_has_nothing_joined(run: Run) -> None:
    async def main() -> None:
        pair = Pair()
        for number in range(1, 4):
            pair.burst(BURST)
            await pair.there.until(8 * number)
        pair.receiver.calls.clear()
        for number in range(25, 25 + 2 * LOOKED_AT):
            pair.burst([b"alone"])
            await pair.there.until(number)
        assert pair.receiver.calls[-LOOKED_AT:] == LOOKED_AT * ["recvfrom_into"]
        before = len(pair.there.found)
        pair.burst(BURST)
        await pair.there.until(before + 8)
        assert pair.there.found[before:] == BURST
        await pair.close()

    run(main)


@pytest.mark.parametrize(
    "code", [errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP]
)
def test_where_the_kernel_says_no_they_go_one_by_one_for_good(run: Run, code: int) -> None:
    async def main() -> None:
        sender = Socket()
        sender.fails["sendmsg"] = [code]
        pair = Pair(sender)
        for _ in range(2):
            pair.burst(BURST)
        await pair.there.until(16)
        assert pair.there.found == 2 * BURST
        assert sender.calls.count("sendmsg") <= 1
        assert sender.calls.count("sendto") == 16
        assert not pair.here.errors
        await pair.close()

    run(main)


def test_where_there_are_no_such_options_they_are_not_asked_for(run: Run) -> None:
    async def main() -> None:
        sender, receiver = Socket(), Socket()
        sender.refuses = receiver.refuses = {segments.UDP_SEGMENT, segments.UDP_GRO}
        pair = Pair(sender, receiver)
        pair.burst(BURST)
        await pair.there.until(8)
        assert pair.there.found == BURST
        assert sender.calls == ["sendto"] * 8
        await pair.close()

    run(main)


@pytest.mark.parametrize("code", [errno.ENETUNREACH, errno.ENOBUFS, errno.EPERM])
def test_what_passes_is_told_and_passes(run: Run, code: int) -> None:
    """An interface that goes, a full queue, a firewall: what is sent then is lost, as always."""

    async def main() -> None:
        sender = Socket()
        sender.fails = {"sendmsg": [code], "sendto": [code]}
        pair = Pair(sender)
        pair.out._segments = True
        pair.burst(BURST)
        pair.out.sendto(b"lost", pair.address)
        assert [error.errno for error in pair.here.errors if isinstance(error, OSError)] == [
            code,
            code,
        ]
        pair.out.sendto(b"comes", pair.address)
        await pair.there.until(1)
        assert pair.there.found == [b"comes"]
        await pair.close()

    run(main)


def test_what_has_no_room_waits_in_its_order(run: Run) -> None:
    async def main() -> None:
        sender = Socket()
        sender.fails = {"sendmsg": [errno.EAGAIN], "sendto": [errno.EAGAIN]}
        pair = Pair(sender)
        pair.out._segments = True
        pair.burst(BURST)
        pair.out.sendto(b"last", pair.address)
        pair.out.close()  # not before what waits is gone
        await pair.there.until(9)
        assert pair.there.found == [*BURST, b"last"]
        await pair.close()

    run(main)


def test_it_can_be_cut_short(run: Run) -> None:
    async def main() -> None:
        for closes in (False, True):
            sender = Socket()
            sender.fails["sendto"] = [errno.EAGAIN]
            pair = Pair(sender)
            pair.out.sendto(b"waits", pair.address)
            if closes:
                pair.out.close()
            pair.out.abort()
            await pair.here.lost
            await pair.close()
            assert not pair.there.found

    run(main)


def test_what_waits_is_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp_transport, "MOST_WAITING", 20)

    async def main() -> None:
        sender = Socket()
        sender.fails["sendto"] = [errno.EAGAIN]
        pair = Pair(sender)
        count = udp_transport.MOST_WAITING + 10
        for number in range(count):
            pair.out.sendto(datagram(number, 8), pair.address)
        await pair.there.until(udp_transport.MOST_WAITING)
        assert pair.there.found[0] == datagram(10, 8)
        assert pair.there.found[-1] == datagram(count - 1, 8)
        await pair.close()

    run(main)


def test_an_icmp_error_is_told_and_the_socket_lives(run: Run) -> None:
    async def main() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            nobody = gone.getsockname()
        sock = Socket()
        sock.connect(nobody)
        end = End()
        transport = UdpTransport(sock, end)
        transport.sendto(b"to nobody")
        await end.failed.wait()
        assert isinstance(end.errors[0], ConnectionRefusedError)
        with socket.socket(type=socket.SOCK_DGRAM) as somebody:
            somebody.bind(nobody)
            somebody.sendto(b"here", sock.getsockname())
            await end.until(1)
        transport.close()
        await end.lost

    run(main)


def test_a_flood_starves_nobody(run: Run) -> None:
    """However much waits on one socket, a turn of the loop reads only so much of it."""

    async def main() -> None:
        pair, other = Pair(), Pair()
        for number in range(100):
            pair.out.sendto(datagram(number, 100), pair.address)
        other.out.sendto(b"alone", other.address)
        poll = socket_poll.SocketPoll.running()
        poll._ready()
        assert 0 < len(pair.there.found) <= socket_poll.MOST_ROUNDS
        assert poll._is_behind  # so that it does not rest, and the sockets do not fill up
        assert other.there.found == [b"alone"]
        await pair.there.until(100)
        await pair.close()
        await other.close()

    run(main)


class Turns:
    """What the watch on sockets does, and in which of its turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.poll = socket_poll.SocketPoll.running()
        self.done: list[str] = []
        self._more = asyncio.Event()
        for name in ("_watch", "_rest", "_read_several"):
            monkeypatch.setattr(self.poll, name, self._noted(name, getattr(self.poll, name)))

    def _noted(self, name: str, do: Callable[[], Any]) -> Callable[[], Any]:
        def noted() -> Any:
            self.done.append(name.removeprefix("_"))
            self._more.set()
            return do()

        return noted

    async def until(self, *last: str) -> list[str]:
        """Wait until that was done last; give what was done since this was called last."""
        while tuple(self.done[-len(last) :]) != last:
            self._more.clear()
            await self._more.wait()
        done, self.done = self.done, []
        return done


READ, REST, WATCH = "read_several", "rest", "watch"


def test_where_several_have_something_more_gathers(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        pairs = Pair(), Pair()
        turns = Turns(monkeypatch)

        def send() -> None:
            for pair in pairs:
                pair.out.sendto(b"comes", pair.address)

        send()
        turns.poll._ready()
        assert turns.done == [READ]
        assert [pair.there.found for pair in pairs] == [[b"comes"]] * 2
        # As several had something, more gathers before it reads the next time.
        send()
        assert await turns.until(WATCH) == [READ, REST, READ, WATCH]
        assert [pair.there.found for pair in pairs] == [[b"comes"] * 2] * 2
        turns.poll._watched_at -= 60  # long ago
        send()
        assert await turns.until(WATCH) == [REST, READ, WATCH]
        assert [pair.there.found for pair in pairs] == [[b"comes"] * 3] * 2
        send()
        turns.poll._watched_at += 60  # just now, however slow we are
        # As there was something right after that, it need not watch while more comes.
        assert await turns.until(READ, REST) == [REST, READ, REST]
        send()
        assert await turns.until(READ, REST) == [READ, REST]
        assert await turns.until(WATCH) == [READ, WATCH]
        assert [pair.there.found for pair in pairs] == [[b"comes"] * 5] * 2
        pairs[0].out.sendto(b"alone", pairs[0].address)
        await pairs[0].there.until(6)
        assert turns.done == [READ]
        for pair in pairs:
            await pair.close()

    run(main)


def test_a_turn_is_short_and_the_rest_comes_in_the_next_ones(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_poll, "LONGEST", 0.0)

    async def main() -> None:
        pair, other = Pair(), Pair()
        sent = [datagram(number, 100) for number in range(100)]
        for each in sent:
            pair.out.sendto(each, pair.address)
        other.out.sendto(b"alone", other.address)
        before = len(pair.receiver.calls)
        socket_poll.SocketPoll.running()._ready()
        assert len(pair.receiver.calls) == before + 1  # each socket has had its turn
        assert other.there.found == [b"alone"]
        await pair.there.until(100)
        assert pair.there.found == sent
        await pair.close()
        await other.close()

    run(main)


def test_what_is_due_leaves_before_anything_is_read(run: Run) -> None:
    async def main() -> None:
        pair = Pair()
        had_come: list[list[bytes]] = []

        def step(due: float) -> None:
            had_come.append(list(pair.there.found))

        pair.out.sendto(b"comes", pair.address)
        Pacer.running().start(step, at_once=True)
        socket_poll.SocketPoll.running()._ready()
        assert had_come == [[]]
        assert pair.there.found == [b"comes"]
        await pair.close()

    run(main)


def test_who_raises_stops_nobody_else(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        pair, other = Pair(), Pair()
        pair.there.datagram_received = None  # type: ignore[method-assign,assignment]
        pair.out.sendto(b"breaks", pair.address)
        other.out.sendto(b"comes", other.address)
        await other.there.until(1)
        await pair.close()
        await other.close()

    run(main)
    assert "A socket's datagram was not taken" in caplog.text


def test_one_that_closes_another_reads_it_no_more(run: Run) -> None:
    async def main() -> None:
        first, second = Pair(), Pair()

        def close(_: bytes, __: Any) -> None:
            for pair in (first, second):
                pair.back.close()

        first.there.datagram_received = second.there.datagram_received = close  # type: ignore[method-assign,assignment]
        first.out.send_burst(BURST, first.address)
        second.out.send_burst(BURST, second.address)
        await first.there.lost
        await second.there.lost
        await first.close()
        await second.close()

    run(main)


def test_without_an_epoll_the_loop_watches_each_socket(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("select.epoll")

    async def main() -> None:
        pair = Pair()
        pair.burst(BURST)
        await pair.there.until(8)
        assert pair.there.found == BURST
        await pair.close()

    run(main)
