"""The compiled part takes and sends what Python takes and sends, packet by packet."""

import asyncio
import random
import socket
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from callboard.media import EncodedFrame, Kind, ReceivePath
from callboard.media.rtc.flows.flows import SWITCH, Flows
from callboard.media.rtc.flows.inbound_flow import InboundFlow
from callboard.media.rtc.flows.outbound_flow import OutboundFlow
from callboard.media.rtc.ice.socket_poll import SocketPoll
from callboard.media.rtc.ice.udp_transport import UdpTransport
from callboard.tests.conftest import Run
from callboard.tests.media.rtc.test_early_packets import (
    EXTENSIONS,
    KEY,
    PROFILE,
    REST,
    SOUND,
    Packet,
    Receiver,
    on_staged_clock,
    received,
    sequence,
    together,
    written,
)
from callboard.tests.media.rtc.test_short_way import EACH, TIMED, Orders, Scene, play, staged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

__all__ = ["staged"]

pytestmark = pytest.mark.skipif(
    not Flows.are_compiled(), reason="there is no compiled part: it wants a C compiler"
)


class Protocol(asyncio.DatagramProtocol):
    """Gives what is not taken to Python."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Take a datagram."""
        self._receiver.early(data)


async def flowed(
    path: ReceivePath,
    datagrams: list[tuple[float, bytes]],
    *,
    held_at: int | None = None,
    moves_at: int | None = None,
) -> tuple[list[Any], list[Any], int]:
    """Receive datagrams of sound from a socket; give how many the compiled part has taken.

    At `held_at` we only send from now on, and at `moves_at` they come from another address.
    """
    pc = RTCPeerConnection()
    receiver = Receiver("audio", path, pc.addTransceiver("audio"), is_patient=True)
    taken = 0
    end, settle = InboundFlow.end, InboundFlow.settle

    def settled(flow: InboundFlow) -> None:
        nonlocal taken
        taken += flow._c.received
        settle(flow)

    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(InboundFlow, "settle", settled)
        peer = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        peer.bind(("127.0.0.1", 0))
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        transport = UdpTransport(
            sock, Protocol(receiver), lambda at, end, size, _: receiver.early.lane(at, end, size)
        )
        poll = SocketPoll.running()
        for at, (after, some) in enumerate(together(datagrams)):
            await asyncio.sleep(after)
            if at == held_at:
                receiver.transceiver._setCurrentDirection("sendonly")
                receiver.incoming.take_back()
            if at == moves_at:
                peer.close()
                peer = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            for datagram in some:
                peer.sendto(datagram, sock.getsockname())
            poll.catch_up()
            while poll._is_behind:  # it has taken its time
                poll.catch_up()
        await asyncio.sleep(2)
        receiver.incoming.close()
        assert InboundFlow.end is end
        transport.close()
        await asyncio.sleep(0)
    counted = receiver.counted()
    await pc.close()
    return receiver.said, [*counted, receiver.estimated], taken


def apart(said: list[Any]) -> tuple[list[Any], list[Any]]:
    """Part frames, which may come late, from what is told at once."""
    frames = [each for each in said if isinstance(each, EncodedFrame)]
    return frames, [each for each in said if not isinstance(each, EncodedFrame)]


@settings(deadline=None, max_examples=80)
@given(
    chance=st.integers(0, 1 << 32).map(random.Random),
    unusual=st.sampled_from([0.0, 0.01, 0.03, 0.1]),
    first=st.sampled_from([0, 32766, 65500]),
    path=st.sampled_from([ReceivePath.PACKETS, ReceivePath.NONE]),
    held_at=st.none() | st.integers(0, 60),
)
def test_what_comes_in_is_the_same_either_way(
    chance: random.Random, unusual: float, first: int, path: ReceivePath, held_at: int | None
) -> None:
    datagrams = written(sequence(chance, "audio", unusual), first)
    with pytest.MonkeyPatch.context() as patch:
        ours = on_staged_clock(patch, partial(flowed, path, datagrams, held_at=held_at))
        theirs = on_staged_clock(
            patch, partial(received, "audio", path, datagrams, short=False, held_at=held_at)
        )
    assert apart(ours[0]) == apart(theirs[0])
    assert ours[1] == theirs[1]


def usual(count: int) -> list[Packet]:
    """Sound with nothing unusual about it."""
    return [Packet(0.02, 7, 1, 960, 96, True, SOUND, EXTENSIONS[1], *REST) for _ in range(count)]


def test_usual_sound_is_taken_by_the_compiled_part(monkeypatch: pytest.MonkeyPatch) -> None:
    datagrams = written(usual(600), 65000)
    said, counted, taken = on_staged_clock(
        monkeypatch, lambda: flowed(ReceivePath.PACKETS, datagrams)
    )
    frames, _ = apart(said)
    assert (len(frames), counted[0], counted[1]) == (600, 600, 0)
    # One tells whose stream it is, and after each flow one is looked at by Python.
    assert 590 <= taken < 600


def test_what_comes_from_another_address_is_for_python(monkeypatch: pytest.MonkeyPatch) -> None:
    datagrams = written(usual(40), 65000)

    def taken(moves_at: int | None) -> int:
        work = partial(flowed, ReceivePath.PACKETS, datagrams, moves_at=moves_at)
        _, counted, taken = on_staged_clock(monkeypatch, work)
        assert counted[0] == 40
        return int(taken)

    assert taken(None) == 38
    assert taken(20) == 37  # who decides about addresses has seen the first one from there


def test_nothing_is_lost_of_what_is_not_of_a_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bytes] = []
    take = Protocol.datagram_received

    def taken_by_python(protocol: Protocol, data: bytes, addr: Any) -> None:
        given.append(data)
        take(protocol, data, addr)

    monkeypatch.setattr(Protocol, "datagram_received", taken_by_python)
    strange = [replace(each, after=0.0, ssrc=10) for each in usual(90)]
    datagrams = written([*usual(4), *strange, *usual(10)], 65000)
    _, counted, taken = on_staged_clock(monkeypatch, lambda: flowed(ReceivePath.NONE, datagrams))
    _, *rest = given  # whose stream it is was to be found out
    assert rest == [packet for _, packet in datagrams[4:94]]
    assert (counted[0], counted[1], taken) == (14, 0, 12)


class Wired(Scene):
    """Sound on its way out to a real socket, encrypted, and what comes out of it at the peer's."""

    is_patient = True

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.theirs: Any
        self._peer, sock = (socket.socket(type=socket.SOCK_DGRAM) for _ in range(2))
        for each in (self._peer, sock):
            each.bind(("127.0.0.1", 0))
        self._transport = UdpTransport(sock, asyncio.DatagramProtocol())
        self.pair.protocol.transport = self._transport
        self.pair.remote_addr = self._peer.getsockname()
        policies = (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
        ours, self.theirs = (Session(Policy(KEY, one, srtp_profile=PROFILE)) for one in policies)
        self.transport._tx_srtp = ours
        self._peer.setblocking(False)
        self.loop.add_reader(self._peer, self._read)

    def _read(self) -> None:
        packet = self.theirs.unprotect(self._peer.recv(2048))
        self.found.append((round(self.loop.time() * 1000), packet))

    async def end(self) -> None:
        """Close the sockets."""
        await asyncio.sleep(0.01)
        self.loop.remove_reader(self._peer)
        self._peer.close()
        self._transport.close()
        await asyncio.sleep(0)


def parted(found: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Part packets, frames that were told, and the rest; a real clock says when those left."""
    frames, rest = apart(found)
    packets = [each for each in rest if isinstance(each, tuple) and isinstance(each[1], bytes)]
    return (
        packets,
        [frame._replace(arrival=0.0) for frame in frames],
        [each for each in rest if each not in packets],
    )


def either_way(run: Run, orders: Orders) -> int:
    """Play a scene with the compiled part and without; give how many frames were lent."""
    lent = 0
    begin = OutboundFlow.begin

    def began(flow: OutboundFlow, *arguments: Any) -> bool:
        nonlocal lent
        done = begin(flow, *arguments)
        lent += done and flow.said.count
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OutboundFlow, "begin", began)
        ours = run(lambda: play("audio", orders, Wired), loop="virtual")
        patch.setenv(SWITCH, "0")
        theirs = run(lambda: play("audio", orders, Wired), loop="virtual")
    assert parted(ours) == parted(theirs)
    return lent


@pytest.mark.usefixtures("staged")
@pytest.mark.parametrize("order", EACH, ids=str)
def test_each_thing_is_done_at_once_while_frames_are_lent(run: Run, order: Any) -> None:
    assert either_way(run, [(("watch", True), 130), (order, 150), (("look", None), 50)]) > 0


@pytest.mark.usefixtures("staged")
def test_whatever_is_done_the_same_goes_out(run: Run) -> None:
    lent = 0

    @settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(TIMED)
    def holds(orders: Orders) -> None:
        nonlocal lent
        lent += either_way(run, orders)

    holds()
    assert lent > 1000


@pytest.mark.usefixtures("staged")
def test_what_was_taken_back_is_lent_again_with_the_next_frame(run: Run) -> None:
    async def main() -> None:
        scene = Wired("audio")
        scene.outgoing.start()
        await asyncio.sleep(0.3)
        flows = Flows.running()
        scene.outgoing.take_back()
        assert flows._c.going_count == 0
        await asyncio.sleep(0.021)
        assert flows._c.going_count == 1
        scene.outgoing.close()
        await scene.end()

    run(main, loop="virtual")


def test_a_socket_that_closes_ends_its_flows(run: Run) -> None:
    async def main() -> None:
        scene = Wired("audio")
        scene.outgoing.start()
        await asyncio.sleep(0.3)
        flows = Flows.running()
        assert flows._c.going_count == 1
        scene._transport.close()
        assert (flows._c.going_count, flows._ends) == (0, {})
        await asyncio.sleep(0.3)
        assert flows._c.going_count == 0
        scene.outgoing.close()
        await scene.end()

    run(main)


def test_what_waits_for_the_socket_leaves_first(run: Run) -> None:
    async def main() -> None:
        scene = Wired("audio")
        scene.outgoing.start()
        await asyncio.sleep(0.3)
        assert Flows.running()._c.going_count == 1
        before = scene.theirs
        early = before.unprotect
        waits = [b"waits", b"as well"]
        numbers: list[Any] = []
        enough = asyncio.Event()

        def unprotect(packet: bytes) -> bytes:
            plain = packet if packet in waits else early(packet)
            numbers.append(packet if packet in waits else int.from_bytes(plain[2:4]))
            if len(numbers) == 10:
                enough.set()
            return plain

        scene.theirs = SimpleNamespace(unprotect=unprotect)
        loop = asyncio.get_running_loop()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scene._transport, "_write", lambda: None)  # there is no room yet
            for each in waits:
                scene._transport._wait(each, scene.pair.remote_addr)
            with suppress(BlockingIOError):
                while True:
                    scene._peer.recv(2048)
            await asyncio.sleep(0.1)
            assert numbers == []
        loop.add_writer(scene._transport._sock, scene._transport._write)
        await enough.wait()
        first = numbers[2]
        assert numbers == [*waits, *range(first, first + len(numbers) - 2)]
        assert Flows.running()._c.going_count == 1
        scene.outgoing.close()
        await scene.end()

    run(main)


@pytest.mark.usefixtures("staged")
def test_whoever_fails_to_take_what_was_not_sent_stops_nobody(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        scene, other = Wired("audio"), Wired("audio")
        for each in (scene, other):
            each.outgoing.start()
        await asyncio.sleep(0.3)
        flows = Flows.running()
        assert flows._c.going_count == 2

        def failing(data: bytes, addr: Any) -> None:
            other.outgoing.close()  # the last one takes the first one's place
            raise RuntimeError(f"no room for {len(data)} octets")

        monkeypatch.setattr(scene._transport, "sendto", failing)
        for each in (scene, other):
            flows.keep_back(each._transport.file, True)
        await asyncio.sleep(0.1)
        assert flows._c.going_count == 1
        flows.keep_back(scene._transport.file, False)
        before = len(scene.found)
        await asyncio.sleep(0.1)
        assert len(scene.found) == before + 5
        for each in (scene, other):
            each.outgoing.close()
            await each.end()

    run(main, loop="virtual")
    assert caplog.text.count("A flow could not be taken back") == 5


def test_without_the_compiled_part_python_does_it_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, "0")

    async def main() -> None:
        assert SocketPoll.running().flows is None
        scene = Wired("audio")
        scene.outgoing.start()
        await asyncio.sleep(0.2)
        scene.outgoing.close()
        await scene.end()
        assert len(parted(scene.found)[0]) >= 8

    run(main)
