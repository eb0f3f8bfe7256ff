"""The compiled part against Python's way: the same comes out, is counted and is dropped."""

import asyncio
import gc
import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from aiortc.rtcdtlstransport import State
from callboard.media.rtc import native
from callboard.media.rtc._aiortc import way_out
from callboard.media.rtc._aiortc.way_out import WayOut
from callboard.media.rtc.ice.udp_transport import UdpTransport
from callboard.media.rtc.rtp.statistics import StreamCounter
from callboard.media.sources.pacer import Pacer
from callboard.tests.conftest import Run
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

pytestmark = pytest.mark.skipif(native.packets is None, reason="the compiled part is not there")

KEY = bytes(range(44))
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_256_GCM
NUMBERS = st.one_of(st.integers(0, 65535), st.integers(65500, 65535), st.integers(0, 40))
ARRIVALS = st.floats(0, 1e6)


@settings(deadline=None)
@given(
    rate=st.sampled_from([8000, 48000, 90000]),
    packets=st.lists(
        st.tuples(st.integers(0, 5), NUMBERS, st.integers(0, 2**32 - 1), ARRIVALS), max_size=60
    ),
    near=st.booleans(),
)
def test_both_counters_count_the_same(
    rate: int, packets: list[tuple[int, int, int, float]], near: bool
) -> None:
    ours, theirs = native.packets.StreamCounter(rate), StreamCounter(rate)
    for at, (more, number, timestamp, arrival) in enumerate(packets):
        place = (65530 + at + number % 3) & 0xFFFF if near else number
        for counter in (ours, theirs):
            if more and at:
                counter.add_next(more, place, timestamp, arrival)
            else:
                counter.add(place, timestamp, arrival)
        for name in ("received", "reordered", "highest", "lost", "jitter", "clock_rate"):
            assert getattr(ours, name) == getattr(theirs, name), name


class Sender:
    """A sender as aiortc has them, above a real socket; what it sends comes to another one."""

    def __init__(self) -> None:
        self.far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.far.bind(("127.0.0.1", 0))
        self.far.setblocking(False)
        self.below = self.open()
        self.connection = SimpleNamespace(_nominated={1: self.pair(self.below)})
        self.ice: Any = SimpleNamespace(_send=self.bound(self.connection))
        self.dtls: Any = SimpleNamespace(
            _state=State.CONNECTED, _transport=self.ice, _tx_srtp=self.session()
        )
        self.aiortc: Any = SimpleNamespace(_enabled=True, _RTCRtpSender__transport=self.dtls)

    def open(self) -> UdpTransport:
        """Open a socket."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        return UdpTransport(sock, asyncio.DatagramProtocol())

    def pair(self, below: UdpTransport) -> Any:
        """Give a pair of candidates that is used through a socket."""
        protocol = SimpleNamespace(transport=below, send_burst=below.send_burst)
        return SimpleNamespace(protocol=protocol, remote_addr=self.far.getsockname())

    @staticmethod
    def bound(connection: Any) -> Any:
        """Give what looks like a connection's method."""
        return SimpleNamespace(__self__=connection)

    @staticmethod
    def session() -> Session:
        """Give what encrypts."""
        return Session(Policy(KEY, Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILE))

    def came(self) -> list[bytes]:
        """Give what has come since."""
        found = []
        while True:
            try:
                found.append(self.far.recv(2048))
            except BlockingIOError:
                return found

    def close(self) -> None:
        """Close all sockets."""
        self.below.abort()
        self.far.close()


def rtp(number: int, size: int) -> bytes:
    """Give a packet before it is encrypted."""
    return b"\x80\x60" + number.to_bytes(2) + bytes(8) + bytes([number & 0xFF]) * size


def act(sender: Sender, what: str) -> None:
    """Change something below, as it may change at any time."""
    if what == "close":
        sender.dtls._state = State.CLOSED
    elif what == "connect":
        sender.dtls._state = State.CONNECTED
    elif what == "disable":
        sender.aiortc._enabled = not sender.aiortc._enabled
    elif what == "rekey":
        sender.dtls._tx_srtp = sender.session()
    elif what == "lose the pair":
        sender.connection._nominated.clear()
    elif what == "socket":
        sender.below.abort()
        sender.below = sender.open()
        sender.connection._nominated[1] = sender.pair(sender.below)
    elif what == "restart":
        sender.connection = SimpleNamespace(_nominated={1: sender.pair(sender.below)})
        sender.ice._send = sender.bound(sender.connection)


ACTS = ("close", "connect", "disable", "rekey", "lose the pair", "socket", "restart")
SIZES = st.one_of(st.just(100), st.integers(0, 1400), st.just(1600))
STEPS = st.lists(
    st.one_of(
        st.sampled_from(ACTS),
        st.tuples(st.just("one"), st.lists(SIZES, min_size=1, max_size=1)),
        st.tuples(st.just("burst"), st.lists(SIZES, min_size=1, max_size=70)),
    ),
    min_size=1,
    max_size=12,
)


async def leave(steps: list[Any], *, together: bool) -> tuple[list[bool], list[bytes]]:
    """Send; return what was said of each packet, and what came."""
    sender = Sender()
    way, said, found, number = WayOut(sender.aiortc), [], [], 0
    for step in steps:
        if isinstance(step, str):
            act(sender, step)
            await asyncio.sleep(0)  # a socket that was given up is closed then
            continue
        packets = []
        for size in step[1]:
            packets.append(rtp(number, size))
            number += 1
        with Pacer.running().together() if together else nullcontext():
            said.append(way.send(packets if step[0] == "burst" else packets[0]))
        found += sender.came()
    sender.close()
    await asyncio.sleep(0)
    return said, found


@settings(deadline=None, max_examples=60)
@given(steps=STEPS, together=st.booleans())
def test_both_ways_send_the_same(steps: list[Any], together: bool) -> None:
    found = []
    for packets in (native.packets, None):
        with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
            patch.setattr(native, "packets", packets)
            found.append(runner.run(leave(steps, together=together)))
    assert found[0] == found[1]


def test_a_socket_that_is_busy_keeps_the_order(run: Run) -> None:
    async def main() -> None:
        sender = Sender()
        way = WayOut(sender.aiortc)
        assert way.send(rtp(0, 10))
        sender.below._wait(b"waits", sender.far.getsockname())
        assert way.send(rtp(1, 10))
        assert len(sender.came()) == 1  # the second one is behind what waits
        loop = asyncio.get_running_loop()
        assert await loop.sock_recv(sender.far, 2048) == b"waits"
        assert await loop.sock_recv(sender.far, 2048)
        sender.close()

    run(main)


def test_a_socket_that_was_closed_in_mid_turn_is_touched_no_more(run: Run) -> None:
    async def main() -> None:
        sender = Sender()
        way = WayOut(sender.aiortc)
        with Pacer.running().together():
            way.send(rtp(0, 10))
            sender.below.abort()
            sender.below._end()
            # The number of its descriptor is somebody else's now.
            taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            taken.bind(("127.0.0.1", 0))
        assert sender.came() == []
        taken.close()
        sender.far.close()

    run(main)


def test_nothing_is_kept_of_legs_that_are_gone(run: Run) -> None:
    async def legs(count: int) -> None:
        for number in range(count):
            sender = Sender()
            way = WayOut(sender.aiortc)
            way.send([rtp(number, size) for size in (900, 900, 30)])
            way.send(rtp(number + 1000, 2000))  # it is refused
            sender.close()
            await asyncio.sleep(0)

    async def main() -> None:
        await legs(20)
        gc.collect()
        before = sys.getallocatedblocks(), len(gc.get_objects())
        await legs(300)
        gc.collect()
        after = sys.getallocatedblocks(), len(gc.get_objects())
        assert after[0] - before[0] < 300
        assert after[1] - before[1] < 100

    run(main)


def test_it_can_be_turned_off() -> None:
    program = "from callboard.media.rtc import native; print(native.packets)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "CALLBOARD_NATIVE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "None"


@pytest.mark.parametrize(
    "make",
    [
        lambda: native.packets.Cipher(0, None),
        lambda: native.packets.Cipher("x", None),
        lambda: native.packets.Lane(bytearray(9), None, None, None, "", None, set(), {}),
        lambda: native.packets.Port("x", bytearray(9), None, None),
        lambda: native.packets.Port(0, b"read-only", None, None),
        lambda: native.packets.StreamCounter(0),
        lambda: native.packets.WayOut(None, None, (), None, None),
    ],
)
def test_what_it_is_made_of_is_checked(make: Any) -> None:
    with pytest.raises((TypeError, ValueError, BufferError)):
        make()


def test_it_asks_for_what_python_asks_for() -> None:
    assert (
        *("_RTCRtpSender__transport", "_state", "_enabled", "_transport", "_tx_srtp"),
    ) == way_out._NAMES


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL")
